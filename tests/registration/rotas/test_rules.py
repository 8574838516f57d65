"""Rotas: what a change does to shifts and to the numbers of people, and who has to hear of it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from services.registration.rotas.rules import (
    SESSION_CANCELLED,
    Busy,
    accepted,
    changed_shift,
    ended,
    following,
    is_reminded,
    lacking_shifts,
    new_assignment,
    overlapping,
    told,
    with_new,
    without_shift,
)
from shared.runtime.errors import NotFound
from tests.registration.builders import NOW, session
from tests.registration.rotas.builders import assignment, rota, shift

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def test_times_that_only_touch_are_not_at_the_same_time() -> None:
    before, during, after = (
        Busy("before", NOW - HOUR, NOW),
        Busy("during", NOW + HOUR, NOW + 3 * HOUR),
        Busy("after", NOW + 2 * HOUR, NOW + 3 * HOUR),
    )
    times = NOW, NOW + 2 * HOUR
    assert overlapping(times, [before, after]) is None
    assert overlapping(times, [after, during, before]) == during
    earlier = Busy("earlier", NOW - HOUR, NOW + HOUR)
    assert overlapping(times, [during, earlier]) == earlier


def test_shifts_are_in_the_order_of_time_and_each_id_is_there_once() -> None:
    early = shift(shift_id="door", starts_at=NOW)
    both = changed_shift(rota(), early)
    assert [one.shift_id for one in both.shifts] == ["door", "guide"]
    later = changed_shift(both, replace(early, starts_at=NOW + 2 * DAY, ends_at=NOW + 3 * DAY))
    assert [one.shift_id for one in later.shifts] == ["guide", "door"]
    assert later.until == NOW + 3 * DAY
    assert without_shift(later, "guide").shifts == (later.shift("door"),)
    assert rota(shifts=()).until == rota().starts_at
    with pytest.raises(NotFound) as none:
        rota().shift("none")
    assert none.value.code == "shift_unknown"


def test_a_shift_that_is_put_again_keeps_its_people_and_only_a_new_time_is_told() -> None:
    before = rota(shift(volunteered=3, assigned=1))
    more = changed_shift(before, shift(duty="讲解", most=9))
    assert (more.shift("guide").volunteered, more.shift("guide").assigned, more.untold) == (3, 1, False)
    later = changed_shift(before, shift(ends_at=NOW + 2 * DAY))
    assert (later.shift("guide").assigned, later.untold, later.told_to) == (1, True, 0)
    # Nobody is there to be told.
    assert not changed_shift(rota(), shift(ends_at=NOW + 2 * DAY)).untold


def test_shifts_go_with_their_session() -> None:
    before = rota(shift(assigned=1), told_to=7)
    later = following(before, session(starts_at=NOW + 3 * DAY, ends_at=NOW + 4 * DAY))
    assert later.shift("guide").times == (NOW + 3 * DAY, NOW + 3 * DAY + 2 * HOUR)
    assert (later.untold, later.told_to, later.closed) == (True, 0, False)
    elsewhere = following(before, session(venue="馆"))
    assert (elsewhere.venue, elsewhere.shifts, elsewhere.untold) == ("馆", before.shifts, True)
    assert following(before, session(ends_at=NOW + 9 * DAY, capacity=1)) == before
    for gone in (session(cancelled="rain"), session(removed=True)):
        closed = following(before, gone)
        assert (closed.closed, closed.untold, closed.lacking) == (True, True, 0)
        assert not following(closed, session()).closed


def test_whoever_volunteers_is_accepted_and_goes_is_counted_once() -> None:
    one = with_new(rota(), "guide", "volunteered")
    new = new_assignment(one, "guide", assignment().assignment_id, "p1", "volunteered", None, NOW - HOUR)
    assert new == assignment(asked_at=NOW - HOUR)
    assert (one.people, one.lacking, one.sequence) == (1, 1, 1)
    two, on = accepted(one, new, NOW - HOUR)
    guide = two.shift("guide")
    assert (guide.volunteered, guide.assigned, guide.lacking, two.lacking) == (0, 1, 0, 0)
    assert (on.status, on.version) == ("assigned", 2)
    three, gone = ended(two, on, SESSION_CANCELLED)
    assert (three.people, three.lacking) == (0, 1)
    assert (gone.is_live, gone.code, gone.version) == (False, SESSION_CANCELLED, 3)
    assert ended(one, new, SESSION_CANCELLED)[0].people == 0
    again = new_assignment(
        with_new(three, "guide", "assigned"), "guide", gone.assignment_id, "p1", "assigned", gone, NOW
    )
    assert (again.version, again.round, again.number, again.code) == (4, 2, 2, None)


def test_a_person_knows_the_time_and_venue_of_the_last_event() -> None:
    later = shift(starts_at=NOW, ends_at=NOW + HOUR)
    assert assignment().knows(shift(), "广场")
    assert not assignment().knows(shift(), "馆")
    assert not assignment().knows(later, "广场")
    after = told(assignment(), later, "馆", NOW)
    assert after.knows(later, "馆")
    assert after.version == 2


def test_a_reminder_is_for_a_shift_that_is_known_and_still_to_come() -> None:
    day_before = shift().starts_at - DAY
    assigned = assignment(status="assigned")
    assert is_reminded(rota(), assigned, day_before)
    assert not is_reminded(rota(), assigned, shift().starts_at)
    assert not is_reminded(rota(venue="馆"), assigned, day_before)
    assert not is_reminded(rota(closed=True), assigned, day_before)
    # Whoever hears of the time later than that knows it.
    assert told(assigned, shift(), "广场", day_before).reminded
    assert not told(assigned, shift(), "广场", day_before - HOUR).reminded
    assert accepted(rota(shift(volunteered=1)), assignment(), day_before)[1].reminded


def test_what_is_over_or_does_not_take_place_lacks_nobody() -> None:
    over = shift(shift_id="over", starts_at=NOW - 2 * HOUR, ends_at=NOW)
    enough = shift(shift_id="enough", assigned=1)
    assert [
        one.shift_id for one in lacking_shifts(rota(over, enough, shift(needed=3, assigned=1, most=3)), NOW)
    ] == ["guide"]
    assert lacking_shifts(rota(closed=True), NOW) == []
