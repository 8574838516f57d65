"""When a mail is tried again, and the day of the daily limit."""

from datetime import UTC, date, datetime, timedelta

from services.notifications.messages.rules import Outcome
from services.notifications.sending.rules import (
    NEWCOMERS,
    Reply,
    allowance_of,
    deferred,
    expired,
    next_day,
    outcome_of,
    reply_of,
)
from tests.notifications.builders import NOW


def test_a_deferred_mail_is_tried_again_until_its_time_is_over() -> None:
    due_at, end = NOW + timedelta(hours=1), NOW + timedelta(days=4)
    assert deferred("smtp_deferred", 452, due_at, end) == Outcome("pending", "smtp_deferred", due_at, 452)
    assert deferred("smtp_deferred", 452, end, end) == Outcome("failed", "smtp_deferred", reply=452)


def test_a_day_of_the_count_ends_at_midnight_in_the_weeks_own_zone() -> None:
    assert next_day(datetime(2023, 5, 20, 15, 59, tzinfo=UTC)) == datetime(2023, 5, 20, 16, tzinfo=UTC)
    assert next_day(datetime(2023, 5, 20, 16, tzinfo=UTC)) == datetime(2023, 5, 21, 16, tzinfo=UTC)


def test_only_who_got_a_mail_at_an_address_on_an_earlier_day_has_an_allowance_there() -> None:
    first = {"known": "2023-05-19", "new": "2023-05-20"}
    today = date(2023, 5, 20)
    assert allowance_of("known", first, (), today) == "known"
    assert {allowance_of(one, first, (), today) for one in ("new", "unknown")} == {NEWCOMERS}


def test_a_reply_of_5xx_is_final_and_one_of_4xx_is_not() -> None:
    retry_at, end = NOW + timedelta(hours=1), NOW + timedelta(days=4)
    assert outcome_of(Reply("taken"), retry_at, end) == Outcome("delivered")
    assert outcome_of(reply_of(550), retry_at, end) == Outcome("failed", "smtp_rejected", reply=550)
    assert outcome_of(reply_of(452), retry_at, end) == Outcome("pending", "smtp_deferred", retry_at, 452)
    assert outcome_of(Reply("closed", "smtp_closed"), end, end) == Outcome("failed", "smtp_closed")


def test_a_mail_whose_time_is_over_says_why_it_was_deferred_last() -> None:
    assert expired("pending", "smtp_deferred") == Outcome("failed", "smtp_deferred")
    assert expired("pending", None) == Outcome("failed", "expired")
    assert expired("waiting_contact", None) == Outcome("failed", "contact_unknown")
