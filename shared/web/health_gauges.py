"""The checks of /health as gauges. So an alert sees what nobody has asked for."""

import asyncio
from collections.abc import Callable, Mapping

from shared.runtime import metrics
from shared.runtime.measurement import Measurement
from shared.web.health import OK, Check, asked

LOOP = "health"
TURN_SECONDS = 15.0
# A check that nobody has made for so long is unknown.
MEASURED_SECONDS = 45.0


class HealthGauges:
    """
    Makes the checks again and again.

    Args:
        checks: returns those of now, by name. While a process starts, /health has others.
        check_seconds_max: a check that takes longer has failed.
    """

    def __init__(self, checks: Callable[[], Mapping[str, Check]], check_seconds_max: float) -> None:
        self._checks = checks
        self._check_seconds_max = check_seconds_max
        self._gauges: dict[str, Measurement] = {}

    async def turn(self) -> float:
        """Make all checks once, side by side; returns the seconds until the next time."""
        checks = dict(self._checks())
        for name in checks.keys() - self._gauges.keys():
            metrics.HEALTH_CHECK.begin([name])
            gauge = metrics.HEALTH_CHECK.labels(name)
            self._gauges[name] = Measurement(gauge, seconds_max=MEASURED_SECONDS)
        for name in self._gauges.keys() - checks.keys():
            # It would be unknown for ever.
            del self._gauges[name]
            metrics.HEALTH_CHECK.remove(name)
        words = await asyncio.gather(*[asked(one, self._check_seconds_max) for one in checks.values()])
        for name, word in zip(checks, words, strict=True):
            self._gauges[name].set(1 if word == OK else 0)
        return TURN_SECONDS
