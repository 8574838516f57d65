"""A number as people read it: the unit is in the constant's name."""

from datetime import timedelta
from typing import Any

KIB, MIB = 1_024, 1_048_576
MINUTE, HOUR, DAY = 60, 3_600, 86_400
_PER_SECOND = {"MS": 1_000, "SECONDS": 1, "MINUTES": 1 / MINUTE, "HOURS": 1 / HOUR, "DAYS": 1 / DAY}


def in_words(name: str, value: Any) -> str:
    """The value of the constant of this name, with its unit."""
    if isinstance(value, timedelta):
        return _time(value.total_seconds())
    words = name.rpartition(".")[2].upper().split("_")
    if "BYTES" in words:
        return _bytes(value) + (" a second" if "SECOND" in words else "")
    if "WEEKS" in words:
        return f"{value} weeks"
    for unit, per_second in _PER_SECOND.items():
        if unit in words:
            return _time(value / per_second)
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _bytes(value: int) -> str:
    if value % MIB == 0:
        return f"{value // MIB} MiB"
    return f"{value / KIB:,.0f} KiB" if value >= KIB else f"{value} bytes"


def _time(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1_000:g} ms"
    for length, unit in ((7 * DAY, "weeks"), (DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if seconds >= 2 * length and seconds % length == 0:
            # A year and more in days is easier to compare.
            return f"{seconds / DAY:g} days" if seconds > 52 * 7 * DAY else f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"
