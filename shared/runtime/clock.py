"""The time in whole milliseconds, as MongoDB stores it. So a stored time equals the one in the event."""

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def now() -> datetime:
    """Now in UTC, in whole milliseconds."""
    return from_epoch_ms(time.time_ns() // 1_000_000)


def to_milliseconds(moment: datetime) -> datetime:
    """The moment in whole milliseconds, rounded down."""
    # Nearly all are whole milliseconds already. Each event of a peak has one, so no copy is made of those.
    finer = moment.microsecond % 1_000
    return moment.replace(microsecond=moment.microsecond - finer) if finer else moment


def epoch_ms(moment: datetime) -> int:
    """The milliseconds from the beginning of 1970 to this moment, rounded down."""
    return (moment - EPOCH) // MILLISECOND


def from_epoch_ms(milliseconds: int) -> datetime:
    """The moment this number of milliseconds after the beginning of 1970."""
    return EPOCH + milliseconds * MILLISECOND
