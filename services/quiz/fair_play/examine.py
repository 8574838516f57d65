"""
Examine quizzes in the background: when an organiser asks, after the close, and when results change after it.

One worker at a time examines one quiz, and rests three times as long as it works. If it dies, another one
begins again: the same flags have the same ids. Some weeks after the close it deletes where attempts were
started.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.quiz.fair_play import metrics
from services.quiz.fair_play.examination import SHEETS_MAX, Examination, Reads
from services.quiz.fair_play.rules import TRACES_KEPT
from services.quiz.fair_play.store import FlagStore, State
from services.quiz.quizzes.record import QuizRecord
from services.quiz.results.rules import Portion
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.runtime.ids import random_id
from shared.storage.lease import Lease

log = logging.getLogger(__name__)

LOOP = "fair_play"
RESTS = 3
# After this time the progress is stored.
TURN_SECONDS = 1.0
# After so much work it rests.
WORK_SECONDS = 0.005
# How often the open flags are counted.
COUNT_SECONDS = 30.0


@dataclass(slots=True)
class _UnderWay:
    examination_id: str
    quiz_id: str
    began_at: datetime
    final: bool
    corrected: int
    examination: Examination
    steps: AsyncIterator[None] = field(init=False)

    def __post_init__(self) -> None:
        self.steps = self.examination.steps()


class Examiner:
    """
    Examines quizzes.

    Args:
        lease: of all workers together.
        rests: how many times as long as the work the rests are.
        turn_seconds: after this time the progress is stored.
        kept: where attempts were started is deleted so long after the close.
        sheets_max: so many sheets may be in memory.
    """

    def __init__(
        self,
        flags: FlagStore,
        reads: Reads,
        lease: Lease,
        *,
        rests: float = RESTS,
        turn_seconds: float = TURN_SECONDS,
        kept: timedelta = TRACES_KEPT,
        sheets_max: int = SHEETS_MAX,
    ) -> None:
        self._flags = flags
        self._reads = reads
        self._lease = lease
        self._rests = rests
        self._turn_seconds = turn_seconds
        self._kept = kept
        self._sheets_max = sheets_max
        self._under_way: _UnderWay | None = None
        self._to_forget: dict[str, list[Portion]] = {}
        self._count_at = 0.0
        self.loop = Backlog(LOOP, self.pending, self.go_on, items_max=1).loop

    async def pending(self, after: str, limit: int) -> list[str]:
        """The quiz that is examined, or else those that are due; none if another worker has the lease."""
        await self._show_open()
        due = (
            [self._under_way.quiz_id] if self._under_way else sorted({*await self._due(), *await self._old()})
        )
        due = [quiz_id for quiz_id in due if quiz_id > after][:limit]
        if due and not await self._lease.hold():
            self._under_way = None
            return []
        return due

    async def _show_open(self) -> None:
        if (now := time.monotonic()) >= self._count_at:
            metrics.show(await self._flags.open_by_kind())
            self._count_at = now + COUNT_SECONDS

    async def _due(self) -> list[str]:
        states = await self._flags.states()
        records = [one.record for one in self._reads.catalogue.all()]
        return [
            record.quiz_id
            for record in records
            # While results are graded again, some have the points of before.
            if record.regrading is None
            and (
                ((state := states.get(record.quiz_id)) and (state.due or state.percent is not None))
                or (record.status == "closed" and not (state and state.final and _is_of_now(state, record)))
            )
        ]

    async def _old(self) -> list[str]:
        """Quizzes that closed so long ago that it must be deleted where their attempts were started."""
        states, before = await self._flags.states(), clock.now() - self._kept
        return [
            one.record.quiz_id
            for one in self._reads.catalogue.all()
            if one.record.status == "closed"
            and one.record.closes_at < before
            and (state := states.get(one.record.quiz_id))
            and state.final
            and not state.forgotten
        ]

    async def go_on(self, quiz_id: str) -> None:
        """Examine for about a second, and at the end store the flags."""
        # Until all went well: half a step that is done again would count twice.
        under_way, self._under_way = self._under_way, None
        if under_way is None or under_way.quiz_id != quiz_id:
            if quiz_id not in await self._due():
                await self._forget(quiz_id)
                return
            under_way = await self._begin(quiz_id)
        until = time.monotonic() + self._turn_seconds
        while await self._work(under_way):
            if time.monotonic() > until:
                id_, percent = under_way.examination_id, under_way.examination.percent
                await self._flags.go_on(quiz_id, id_, percent)
                self._under_way = under_way
                return
        # Results that were graded again meanwhile do not go together with those that were read before.
        record = self._reads.catalogue.find(quiz_id).record
        if len(record.corrections) == under_way.corrected:
            await self._finish(under_way)
        await self._lease.give_up()

    async def _begin(self, quiz_id: str) -> _UnderWay:
        now = clock.now()
        await self._reads.erased.keep_fresh()
        # If it is closed, all that counts is graded.
        record = (await self._reads.catalogue.look_up(quiz_id)).record
        final, corrected = record.status == "closed", len(record.corrections)
        portions = await self._portions()
        examination = Examination(quiz_id, self._reads, portions, self._sheets_max)
        under_way = _UnderWay(random_id(), quiz_id, now, final, corrected, examination)
        await self._flags.begin(quiz_id, under_way.examination_id, now)
        return under_way

    async def _portions(self) -> list[Portion]:
        return await self._reads.results.portions()

    async def _work(self, under_way: _UnderWay) -> bool:
        """Work for some milliseconds, and rest; False if nothing is left."""
        began = time.monotonic()
        async for _ in under_way.steps:
            if (worked := time.monotonic() - began) > WORK_SECONDS:
                await asyncio.sleep(self._rests * worked)
                return True
        return False

    async def _finish(self, under_way: _UnderWay) -> None:
        await self._reads.erased.keep_fresh()
        flags = under_way.examination.flags()
        stored = await self._flags.finish(
            under_way.quiz_id,
            under_way.examination_id,
            flags,
            under_way.examination.found,
            under_way.began_at,
            final=under_way.final,
        )
        if stored:
            log.info("quiz examined", extra={"quiz_id": under_way.quiz_id, "flags": len(flags)})
            self._count_at = 0.0

    async def _forget(self, quiz_id: str) -> None:
        """For about a second, delete where the attempts of a quiz were started."""
        left = self._to_forget.pop(quiz_id, None) or await self._portions()
        until = time.monotonic() + self._turn_seconds
        while left:
            began = time.monotonic()
            await self._reads.attempts.forget_traces(quiz_id, left.pop())
            await asyncio.sleep(self._rests * (time.monotonic() - began))
            if left and time.monotonic() > until:
                self._to_forget[quiz_id] = left
                return
        await self._flags.forgotten(quiz_id)


def _is_of_now(state: State, record: QuizRecord) -> bool:
    """Whether the last examination began after results of a closed quiz have changed."""
    revised_at = record.final.revised_at
    return revised_at is None or (state.made_at is not None and state.made_at > revised_at)
