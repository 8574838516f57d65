"""The time, as precise as MongoDB keeps it: what is stored and what is said are then equal."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Now in UTC, in whole milliseconds."""
    return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)


def to_milliseconds(moment: datetime) -> datetime:
    """The moment without what MongoDB would cut off."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
