"""When each attempt was saved last by this process, in memory, so that none is saved too often."""

import time

PACED_MAX = 100_000


class Pace:
    """
    At most one save of an attempt in `seconds`.

    It remembers at most `paced_max` attempts. If there are more, the older half is forgotten at once.
    """

    def __init__(self, seconds: float, paced_max: int = PACED_MAX) -> None:
        self._seconds = seconds
        self._half = paced_max // 2
        self._young: dict[str, float] = {}
        self._old: dict[str, float] = {}

    def is_too_fast(self, attempt_id: str) -> bool:
        """True if the last save of this attempt was a moment ago."""
        last = self._young.get(attempt_id) or self._old.get(attempt_id)
        return last is not None and time.monotonic() - last < self._seconds

    def note(self, attempt_id: str) -> None:
        """Remember that the attempt is saved now."""
        self._young[attempt_id] = time.monotonic()
        if len(self._young) > self._half:
            self._old, self._young = self._young, {}
