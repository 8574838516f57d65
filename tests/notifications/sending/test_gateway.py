"""How long the SMS gateway may ask us to wait."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from services.notifications.sending.gateway import PAUSE_SECONDS, PAUSE_SECONDS_MAX, pause_of

NOW = datetime(2023, 5, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        (" 120 ", 120.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        # Over already, and never: within bounds.
        ("0", 1.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 1.0),
        ("9" * 400, PAUSE_SECONDS_MAX),
        # Nothing that we understand.
        (None, PAUSE_SECONDS),
        ("", PAUSE_SECONDS),
        ("soon", PAUSE_SECONDS),
        ("-5", PAUSE_SECONDS),
        ("１２", PAUSE_SECONDS),
    ],
)
def test_a_pause_is_seconds_or_a_date_within_bounds(said: str | None, seconds: float) -> None:
    assert pause_of(said, NOW) == seconds
