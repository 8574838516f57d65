"""How far consumer groups are behind: wait until they are not, or watch them while something runs."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from bench.errors import BenchError
from bench.preload import Commits

LOOK_SECONDS = 0.2
QUIET_LOOKS = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """A consumer group and a topic that it reads."""

    group: str
    topic: str
    partitions: int = 12

    def commits(self, kafka: str) -> Commits:
        return Commits(kafka, self.group, self.topic, self.partitions)


OURS = (
    Reading("quiz-grading", "quiz.submitted"),
    Reading("awards", "quiz.completed"),
    Reading("notifications", "quiz.completed"),
    Reading("notifications", "award.issued", 4),
)


def wait_until_read(kafka: str, readings: Sequence[Reading], seconds: float) -> None:
    """
    Wait until all events are read. Name the readings in the order in which one leads to the next.

    Raises:
        BenchError: some are unread after the time.
    """
    deadline = time.monotonic() + seconds
    watched = [reading.commits(kafka) for reading in readings]
    try:
        quiet = 0
        while quiet < QUIET_LOOKS:
            behind = [one.end() - one.look() for one in watched]
            quiet = quiet + 1 if not any(behind) else 0
            if time.monotonic() > deadline:
                left = {
                    f"{r.topic} of {r.group}": lag for r, lag in zip(readings, behind, strict=True) if lag
                }
                raise BenchError(f"still unread after {seconds:.0f} s: {left}")
            time.sleep(LOOK_SECONDS)
    finally:
        for one in watched:
            one.close()


@dataclass(slots=True)
class LagWatch:
    """Samples how far groups are behind, until the end of the block."""

    kafka: str
    readings: Sequence[Reading]
    every_seconds: float
    seen: list[tuple[float, list[int]]] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def last(self) -> dict[str, int]:
        """The events unread at the last look, by "topic of group"."""
        behind = self.seen[-1][1] if self.seen else []
        return {f"{r.topic} of {r.group}": lag for r, lag in zip(self.readings, behind, strict=False)}

    def _watch(self) -> None:
        watched = [reading.commits(self.kafka) for reading in self.readings]
        began = time.monotonic()
        while not self._ended.wait(self.every_seconds):
            # First the ends, then the commits: events that come in between must not count as unread.
            self.seen.append((time.monotonic() - began, [max(0, one.end() - one.look()) for one in watched]))
        for one in watched:
            one.close()
