"""The time in whole milliseconds, as MongoDB stores it. So a stored time equals the one in the event."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Now in UTC, in whole milliseconds."""
    return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)


def to_milliseconds(moment: datetime) -> datetime:
    """The moment in whole milliseconds, rounded down."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
