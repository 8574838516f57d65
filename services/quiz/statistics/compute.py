"""
Compute the statistics of a quiz in the background: when an organiser asks, and once after the close.

The results are read in portions, by one worker at a time, which rests three times as long as it works. So
grading goes on. What is counted stays in memory. If the process dies, another one begins again from the
first portion (docs/decisions/0049-reading-for-statistics.md).
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from services.quiz.disqualified.rules import LeftOut, counts
from services.quiz.disqualified.store import DisqualifiedStore
from services.quiz.participants.erased import Erased
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.keys import Keys
from services.quiz.quizzes.papers import Drawn
from services.quiz.quizzes.rules import Quiz
from services.quiz.results.rules import Answered, Portion
from services.quiz.results.store import ResultStore
from services.quiz.statistics.counting import Counting
from services.quiz.statistics.figures import Counted, Statistics, item_of, statistics_of
from services.quiz.statistics.store import StatisticsStore
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.runtime.ids import random_id
from shared.storage.lease import Lease

log = logging.getLogger(__name__)

LOOP = "statistics"
# Results that are counted without a rest: some milliseconds.
COUNTED_MAX = 50
# After each piece of work it rests this number of times as long: it works a quarter of the time at most.
RESTS = 3
# After this time the progress is stored.
TURN_SECONDS = 1.0


@dataclass(slots=True)
class _Reading:
    """
    A reading under way.

    Attributes:
        keys: of now; `corrected` is the number of corrections in them.
        left_out: whose results do not count; `decided` counts what was decided about that.
        quizzes: the versions that were met so far.
    """

    reading_id: str
    quiz_id: str
    began_at: datetime
    final: bool
    left: list[Portion]
    portions: int
    keys: Keys
    corrected: int
    left_out: LeftOut
    decided: int
    drawn: Drawn
    quizzes: dict[int, Quiz] = field(default_factory=dict)
    counting: Counting = field(init=False)

    def __post_init__(self) -> None:
        self.counting = Counting(self.quiz_id, self.quizzes, self.keys, self.drawn)

    @property
    def percent(self) -> int:
        return 100 * (self.portions - len(self.left)) // self.portions


class Statistician:
    """
    Makes statistics.

    Args:
        lease: of all workers together; reads for one quiz at a time.
        rests: how many times as long as the work the rests are.
        turn_seconds: after this time the progress is stored.
    """

    def __init__(
        self,
        statistics: StatisticsStore,
        results: ResultStore,
        catalogue: Catalogue,
        erased: Erased,
        disqualified: DisqualifiedStore,
        lease: Lease,
        *,
        rests: float = RESTS,
        turn_seconds: float = TURN_SECONDS,
    ) -> None:
        self._statistics = statistics
        self._results = results
        self._catalogue = catalogue
        self._erased = erased
        self._disqualified = disqualified
        self._lease = lease
        self._rests = rests
        self._turn_seconds = turn_seconds
        self._reading: _Reading | None = None
        self._drawn = Drawn()
        self.loop = Backlog(LOOP, self.pending, self.go_on, items_max=1).loop

    async def pending(self, after: str, limit: int) -> list[str]:
        """The quiz that is read, or else those that are due; none if another worker has the lease."""
        due = [self._reading.quiz_id] if self._reading else await self._due()
        due = [quiz_id for quiz_id in due if quiz_id > after][:limit]
        if due and not await self._lease.hold():
            self._reading = None
            return []
        return due

    async def go_on(self, quiz_id: str) -> None:
        """Read for about a second, and at the end store the figures."""
        # Until all went well: half a portion that is read again would count twice.
        reading, self._reading = self._reading, None
        if reading is None or reading.quiz_id != quiz_id:
            reading = await self._begin(quiz_id)
        until = time.monotonic() + self._turn_seconds
        while reading.left:
            await self._count(reading, reading.left.pop())
            if time.monotonic() > until:
                break
        if reading.left:
            await self._statistics.go_on(quiz_id, reading.reading_id, reading.percent)
            self._reading = reading
            return
        # Results that were graded again meanwhile do not go together with those that were read before.
        if not self._has_changed_since(reading):
            await self._finish(reading)
        await self._lease.give_up()

    def _has_changed_since(self, reading: _Reading) -> bool:
        record = self._catalogue.find(reading.quiz_id).record
        return (len(record.corrections), record.decided) != (reading.corrected, reading.decided)

    async def _due(self) -> list[str]:
        states = await self._statistics.states()
        asked = {quiz_id for quiz_id, state in states.items() if state.due or state.reading}
        over = {
            one.record.quiz_id
            for one in self._catalogue.all()
            if one.record.status == "closed"
            and not ((state := states.get(one.record.quiz_id)) and state.final)
        }
        # While results are graded again, some have the points of before. New ones are made after that.
        regrading = {one.record.quiz_id for one in self._catalogue.all() if one.record.regrading is not None}
        return sorted((asked | over) - regrading)

    async def _begin(self, quiz_id: str) -> _Reading:
        now = clock.now()
        await self._erased.keep_fresh()
        # If it is closed, all that counts is graded.
        offered = await self._catalogue.look_up(quiz_id)
        record = offered.record
        final, corrected = record.status == "closed", len(record.corrections)
        left_out = await self._disqualified.of_quiz(quiz_id) if record.decided else {}
        portions = await self._results.portions()
        reading = _Reading(
            random_id(), quiz_id, now, final, portions, len(portions),
            offered.keys, corrected, left_out, record.decided, self._drawn,
        )  # fmt: skip
        await self._statistics.begin(quiz_id, reading.reading_id, now)
        return reading

    async def _count(self, reading: _Reading, portion: Portion) -> None:
        async with self._resting():
            some = await self._results.answers(reading.quiz_id, portion)
        # Nobody's answers count after an erasure.
        some = [one for one in some if one.participant_id not in self._erased.ids]
        if left_out := reading.left_out:
            quiz_id = reading.quiz_id
            some = [one for one in some if counts(left_out, quiz_id, one.participant_id, one.attempt_id)]
        for version in {one.quiz_version for one in some} - reading.quizzes.keys():
            offered = await self._catalogue.look_up(reading.quiz_id, version)
            reading.quizzes[version] = offered.record.quiz
        counting = reading.counting
        for these in _pieces(some):
            async with self._resting():
                counting.add(these)
            if counting.is_full:
                await self._fold(counting)

    async def _fold(self, counting: Counting) -> None:
        are_left = True
        while are_left:
            async with self._resting():
                are_left = counting.fold()

    async def _finish(self, reading: _Reading) -> None:
        await self._fold(reading.counting)
        statistics = await self._figures(reading)
        stored = await self._statistics.finish(
            reading.quiz_id, reading.reading_id, statistics, reading.began_at, final=reading.final
        )
        if stored:
            log.info("statistics made", extra={"quiz_id": reading.quiz_id, "attempts": statistics.attempts})

    async def _figures(self, reading: _Reading) -> Statistics:
        tally = reading.counting.tally
        counted, places = [], []
        for number, asked in enumerate(reading.counting.asked):
            async with self._resting():
                question = tally.questions[number]
                counted.append(Counted(asked, question, item_of(question.item, asked.keyed.worth)))
        for place in tally.places.values():
            async with self._resting():
                places.append(item_of(place))
        a_paper = self._catalogue.find(reading.quiz_id).half_points_max
        async with self._resting():
            return statistics_of(tally, counted, places, a_paper)

    @asynccontextmanager
    async def _resting(self) -> AsyncIterator[None]:
        began = time.monotonic()
        yield
        await asyncio.sleep(self._rests * (time.monotonic() - began))


def _pieces(of: Sequence[Answered]) -> Iterator[Sequence[Answered]]:
    return (of[begin : begin + COUNTED_MAX] for begin in range(0, len(of), COUNTED_MAX))
