"""
Grade results again by a correction, in the background.

The results are read in portions of ids. Those whose points change are written together with the standings of
their participants, the event `quiz.regraded` and the figures, some participants in a transaction. A result
that has its points already is left alone. So a portion that is done twice, after a crash or by two workers,
changes nothing the second time, and the work goes on after the last portion that was noted.

It begins only when no transaction lives that does not know the correction. All results of such
transactions are there then, and all later ones use the keys of now (docs/decisions/0054-corrections.md).
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import datetime

from services.quiz.attempts.rules import possible_attempts
from services.quiz.disqualified.rules import NOBODY
from services.quiz.disqualified.store import DisqualifiedStore
from services.quiz.participants.erased import Erased
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.decided import note_change
from services.quiz.quizzes.offered import Offered
from services.quiz.quizzes.store import QuizStore
from services.quiz.regrading.events import regraded_event
from services.quiz.regrading.rules import (
    PEOPLE_MAX,
    Regrading,
    figures_of,
    pieces,
    regraded,
    result_counts,
    untold,
)
from services.quiz.regrading.store import RegradingStore
from services.quiz.results.rules import AttemptId, Portion, Result, in_portions
from services.quiz.results.store import ResultStore
from services.quiz.standings.rules import order, that_counts
from services.quiz.standings.writes import StandingKey, settle
from services.quiz.statistics.store import StatisticsStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.runtime.errors import Unavailable
from shared.storage.lease import Lease
from shared.storage.unit_of_work import UnitOfWork, save_together

log = logging.getLogger(__name__)

LOOP = "regrading"
# After this time the next quiz has its turn.
TURN_SECONDS = 1.0


class Regrader:
    """
    Grades results again.

    Args:
        lease: of all workers together. Without it they would only do the same work twice.
        rests: how many times as long as the work the rests are.
    """

    def __init__(
        self,
        regradings: RegradingStore,
        quizzes: QuizStore,
        results: ResultStore,
        statistics: StatisticsStore,
        catalogue: Catalogue,
        erased: Erased,
        disqualified: DisqualifiedStore,
        lease: Lease,
        *,
        rests: float = 1.0,
        turn_seconds: float = TURN_SECONDS,
        people_max: int = PEOPLE_MAX,
    ) -> None:
        self._regradings = regradings
        self._quizzes = quizzes
        self._results = results
        self._statistics = statistics
        self._catalogue = catalogue
        self._erased = erased
        self._disqualified = disqualified
        self._lease = lease
        self._rests = rests
        self._turn_seconds = turn_seconds
        self._people_max = people_max
        self.loop = Backlog(LOOP, self.pending, self.go_on).loop

    async def pending(self, after: str, limit: int) -> list[str]:
        """What is due; nothing if another worker has the lease."""
        due = [one for one in await self._regradings.due(clock.now()) if one > after][:limit]
        return due if due and await self._lease.hold() else []

    async def go_on(self, regrading_id: str) -> None:
        """Grade some portions again; after the last one the correction is done."""
        await self._erased.keep_fresh()
        until = time.monotonic() + self._turn_seconds
        while (regrading := await self._regradings.read(regrading_id)) and not regrading.ended_at:
            if not regrading.portions:
                await self._regradings.begin(regrading, len(await self._results.portions()))
            elif regrading.portions_done == regrading.portions:
                await self._finish(regrading)
            else:
                await self._next_portion(regrading)
            if time.monotonic() > until:
                break

    async def _next_portion(self, regrading: Regrading) -> None:
        began = time.monotonic()
        portion = in_portions(regrading.portions)[regrading.portions_done]
        seen, people = await self._to_change(regrading, portion)
        each = len(self._ids_of(regrading, people[0])) if people else 1
        for some in pieces(people, each, self._people_max):
            await self._regrade(regrading, some)
        await self._regradings.advance(regrading, seen)
        await asyncio.sleep(self._rests * (time.monotonic() - began))

    async def _to_change(self, regrading: Regrading, portion: Portion) -> tuple[int, list[ParticipantId]]:
        """The number of results in a portion, and whose results have to change."""
        found = await self._results.of_portion(regrading.quiz_id, portion)
        people: dict[ParticipantId, None] = {}
        for result in found:
            if result.participant_id in people or self._is_left_alone(result):
                continue
            offered = await self._offered(regrading, result.quiz_version)
            if _regraded(offered, result) is not result:
                people[result.participant_id] = None
        return len(found), list(people)

    def _is_left_alone(self, result: Result) -> bool:
        """True for erased people, unless they are in final standings: those may change no other's rank."""
        if result.participant_id not in self._erased.ids:
            return False
        return self._catalogue.find(result.quiz_id).record.status != "closed"

    async def _offered(self, regrading: Regrading, version: int) -> Offered:
        offered = await self._catalogue.look_up(regrading.quiz_id, version)
        if len(offered.record.corrections) < regrading.number:
            await self._catalogue.refresh()
            offered = self._catalogue.find(regrading.quiz_id, version)
            if len(offered.record.corrections) < regrading.number:
                raise Unavailable(f"correction {regrading.number} of {regrading.quiz_id} cannot be read")
        return offered

    def _ids_of(self, regrading: Regrading, who: ParticipantId) -> list[AttemptId]:
        quiz = self._catalogue.find(regrading.quiz_id).record.quiz
        return list(possible_attempts(regrading.quiz_id, quiz, who, quiz.closes_at))

    async def _regrade(self, regrading: Regrading, people: Sequence[ParticipantId]) -> None:
        """Grade all results of these people again, and put their standings anew."""
        now = clock.now()
        ids = [id_ for who in people for id_ in self._ids_of(regrading, who)]
        origin = Origin(correlation_id=regrading.correlation_id, traceparent=regrading.traceparent)

        async def work(unit: UnitOfWork) -> None:
            marks = await self._quizzes.is_regrading(unit, regrading.quiz_id, regrading.number)
            if marks is None:
                # Another worker has done all of it.
                return
            left_out = NOBODY
            if marks.decided:
                left_out = await self._disqualified.of_people(unit, regrading.quiz_id, people)
            changed: dict[str, tuple[Result, Result]] = {}
            best: dict[StandingKey, int] = {}
            erased = set(people) & self._erased.ids
            for result in await self._results.of_ids(unit, ids):
                offered = await self._offered(regrading, result.quiz_version)
                after = _regraded(offered, result)
                # Of the erased only the standing changes: the result stays, and nothing is said.
                if after is not result and result.participant_id not in erased:
                    record = offered.record
                    if record.withholds_scores:
                        after = untold(after)
                    else:
                        correction = record.corrections[regrading.number - 1]
                        title = record.quiz.title
                        unit.publish(regraded_event(result, after, title, correction, now, origin))
                    changed[result.attempt_id] = result, after
                if result_counts(left_out, result):
                    key, order_ = _standing(offered, after, marks.frozen_at)
                    best[key] = that_counts(order_, best.get(key, order_), marks.ranking)
            if not changed and not erased:
                return
            await self._results.regrade(unit, [after for _, after in changed.values()])
            moved = await settle(self._quizzes.database, unit.session, best, marks.ranking)
            figures = figures_of(changed, left_out, len(moved - erased))
            await self._regradings.count(unit, regrading, figures)

        await save_together(self._quizzes.database, work)

    async def _finish(self, regrading: Regrading) -> None:
        # Before the end: statistics wait for it, and after a crash it is asked again.
        await self._statistics.ask(regrading.quiz_id)

        async def work(unit: UnitOfWork) -> bool:
            ended = await self._quizzes.end_regrading(unit, regrading.quiz_id, regrading.number)
            if ended:
                await self._regradings.end(unit, regrading, now := clock.now())
                # Figures do not count the erased, and final standings may list some.
                if regrading.figures.changed or self._erased.ids:
                    await note_change(self._quizzes.database, unit, regrading.quiz_id, now)
            return ended

        if await save_together(self._quizzes.database, work):
            await self._catalogue.refresh()
            log.info(
                "results graded again",
                extra={
                    "quiz_id": regrading.quiz_id,
                    "correction": regrading.number,
                    "changed": regrading.figures.changed,
                },
            )


def _regraded(offered: Offered, result: Result) -> Result:
    return regraded(result, offered.paper(result.attempt_id), offered.record.quiz.pass_percent)


def _standing(offered: Offered, result: Result, frozen_at: datetime | None) -> tuple[StandingKey, int]:
    """The standing that a result counts for, and its order. A freeze holds back what was submitted later."""
    is_held = frozen_at is not None and result.submitted_at > frozen_at
    key = StandingKey(result.quiz_id, result.participant_id, frozen_at if is_held else None)
    opens_at, ties = offered.schedule.opens_at, offered.record.quiz.ties
    return key, order(result.half_points, result.time_used_seconds, result.submitted_at, opens_at, ties)
