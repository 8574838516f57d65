"""Log lines that may come in floods: the first few of each kind, and then how many more there were."""

import asyncio
import logging
import time
from collections import Counter
from typing import TypeAlias

Kind: TypeAlias = tuple[tuple[str, str | int | None], ...]
"""Fields of a line that many lines have in common, such as the route and the status."""

LINES_MAX = 5
SECONDS = 10.0
# Routes, statuses and codes are few. This bounds our own mistakes.
KINDS_MAX = 500


class FewLines:
    """
    Admits up to `LINES_MAX` lines of each kind in `seconds`, and counts the others.

    Lines of one kind never hide the first line of another kind.
    """

    def __init__(self, log: logging.Logger, *, seconds: float = SECONDS) -> None:
        self._log = log
        self._seconds = seconds
        self._ends = 0.0
        self._seen: Counter[tuple[str, Kind]] = Counter()

    def admit(self, message: str, kind: Kind) -> bool:
        """Whether to write a line with this message. If not, it is counted."""
        key = message, kind
        if not self._seen or time.monotonic() >= self._ends:
            self._end()
            self._ends = time.monotonic() + self._seconds
            asyncio.get_running_loop().call_later(self._seconds, self._end_if_due)
        elif key not in self._seen and len(self._seen) >= KINDS_MAX:
            key = message, ()
        self._seen[key] += 1
        return self._seen[key] <= LINES_MAX

    def _end_if_due(self) -> None:
        if time.monotonic() >= self._ends:
            self._end()

    def _end(self) -> None:
        """Say how many lines were left out, and begin anew."""
        seen, self._seen = self._seen, Counter()
        for (message, kind), count in seen.items():
            if count > LINES_MAX:
                self._log.warning(
                    "lines left out",
                    extra={"of": message, **dict(kind), "lines": count - LINES_MAX, "seconds": self._seconds},
                )
