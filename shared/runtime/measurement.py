"""A gauge whose value is NaN, which means unknown, once nobody has measured it for some time."""

import math
import time

from prometheus_client import Gauge


class Measurement:
    """
    The value of a gauge, as long as it is new enough.

    A gauge keeps its last value for ever. If its source cannot be read any more, or the reader hangs, the
    last good value would hide that (docs/decisions/0087-signals.md).
    """

    def __init__(self, gauge: Gauge, *, seconds_max: float) -> None:
        self._value = math.nan
        self._until = 0.0
        self._seconds_max = seconds_max
        gauge.set_function(self.now)

    def set(self, value: float) -> None:
        """Show this value for `seconds_max`."""
        self._value = value
        self._until = time.monotonic() + self._seconds_max

    def now(self) -> float:
        """The value, or NaN if it is too old."""
        return self._value if time.monotonic() < self._until else math.nan
