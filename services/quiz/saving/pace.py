"""When each attempt was saved last by this process, in memory, so that none is saved too often."""

import time

from services.quiz.attempts.latest import Latest

PACED_MAX = 100_000


class Pace:
    """
    At most one save of an attempt in `seconds`.

    It remembers the latest `paced_max` attempts.
    """

    def __init__(self, seconds: float, paced_max: int = PACED_MAX) -> None:
        self._seconds = seconds
        self._saved: Latest[float] = Latest(paced_max)

    def is_too_fast(self, attempt_id: str) -> bool:
        """True if the last save of this attempt was a moment ago."""
        last = self._saved.get(attempt_id)
        return last is not None and time.monotonic() - last < self._seconds

    def note(self, attempt_id: str) -> None:
        """Remember that the attempt is saved now."""
        self._saved.add(attempt_id, time.monotonic())
