"""Which reminder is next, and which are left out."""

from datetime import timedelta

from msgspec.structs import replace

from services.registration.reminders.rules import (
    first_reminder,
    is_replanned,
    reminder_after,
    reminders_of,
    status_reminded,
    wants_reminders,
)
from tests.registration.builders import NOW, session

HOUR = timedelta(hours=1)


def test_a_session_has_three_reminders_and_none_after_its_start_but_thanks() -> None:
    of = session()
    day, hour, thanks = reminders_of(of)
    assert [one.kind for one in (day, hour, thanks)] == ["day_before", "hour_before", "thanks"]
    assert (of.starts_at - day.due_at, of.starts_at - hour.due_at) == (24 * HOUR, HOUR)
    assert (day.until, hour.until) == (hour.due_at, of.starts_at)
    assert thanks.due_at == of.ends_at < thanks.until


def test_what_would_be_due_already_is_left_out_when_a_session_is_put() -> None:
    of = session(starts_at=NOW + 2 * HOUR, ends_at=NOW + 3 * HOUR)
    first = first_reminder(of, NOW)
    assert first is not None
    assert first.kind == "hour_before"
    assert first_reminder(of, of.ends_at) is None


def test_after_an_outage_the_next_one_that_still_makes_sense_is_next() -> None:
    of = session()
    day, hour, thanks = reminders_of(of)
    assert reminder_after(day, of, day.due_at) == hour
    # Late, but the session has not begun.
    assert reminder_after(day, of, hour.due_at + HOUR / 2) == hour
    assert reminder_after(day, of, of.starts_at) == thanks
    assert reminder_after(hour, of, thanks.until) is None
    assert reminder_after(thanks, of, of.ends_at) is None


def test_only_a_new_time_or_a_publication_begins_anew() -> None:
    before = session()
    assert not is_replanned(before, replace(before, venue="馆", capacity=9))
    assert is_replanned(before, replace(before, starts_at=before.starts_at + HOUR))
    assert is_replanned(replace(before, draft=True), before)
    assert is_replanned(None, before)


def test_nobody_is_reminded_of_what_does_not_take_place_or_is_not_known() -> None:
    assert wants_reminders(session())
    for changes in ({"cancelled": "rain"}, {"draft": True}, {"removed": True}, {"reminders": False}):
        assert not wants_reminders(session(**changes))


def test_those_with_a_place_are_reminded_and_those_who_came_are_thanked() -> None:
    statuses = [status_reminded(kind) for kind in ("day_before", "hour_before", "thanks")]
    assert statuses == ["confirmed", "confirmed", "checked_in"]
