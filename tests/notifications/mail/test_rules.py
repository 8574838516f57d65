"""When a mail is tried again, and the day of the daily limit."""

from datetime import UTC, datetime, timedelta

from services.notifications.mail.rules import deferred, next_day
from services.notifications.messages.rules import Outcome
from tests.notifications.builders import NOW


def test_a_deferred_mail_is_tried_again_until_its_time_is_over() -> None:
    due_at, end = NOW + timedelta(hours=1), NOW + timedelta(days=4)
    assert deferred("smtp_deferred", 452, due_at, end) == Outcome("pending", "smtp_deferred", due_at, 452)
    assert deferred("smtp_deferred", 452, end, end) == Outcome("failed", "smtp_deferred", reply=452)


def test_a_day_of_the_count_ends_at_midnight_in_the_weeks_own_zone() -> None:
    assert next_day(datetime(2023, 5, 20, 15, 59, tzinfo=UTC)) == datetime(2023, 5, 20, 16, tzinfo=UTC)
    assert next_day(datetime(2023, 5, 20, 16, tzinfo=UTC)) == datetime(2023, 5, 21, 16, tzinfo=UTC)
