"""
Say what a correction would change, before anything does.

The results are read in the background, like those of statistics: in portions, by one worker at a time, which
rests as long as it works. What is counted stays in memory. If the worker dies, another one begins again.
Results, points and standings are computed by the same rules as in regrade.py.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

import msgspec

from services.quiz.attempts.rules import possible_attempts
from services.quiz.disqualified.rules import NOBODY, LeftOut
from services.quiz.disqualified.store import DisqualifiedStore
from services.quiz.participants.erased import Erased
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.offered import KeptPapers, Offered
from services.quiz.regrading.rules import (
    Figures,
    Preview,
    added,
    figures_of,
    pieces,
    ranks_changed,
    regraded,
    result_counts,
)
from services.quiz.regrading.store import PreviewStore
from services.quiz.results.rules import Portion, Result
from services.quiz.results.store import ResultStore
from services.quiz.standings.rules import BITS_WITHOUT_RANK, order, that_counts
from services.quiz.standings.store import StandingStore
from shared.runtime.backlog import Backlog
from shared.storage.lease import Lease

LOOP = "previews"
TURN_SECONDS = 1.0
# What the papers with the wanted key may take in memory.
PREVIEW_PAPERS_BYTES_MAX = 33_554_432


@dataclass(slots=True)
class _Reading:
    """
    A preview under way.

    Attributes:
        left_out: whose results do not count, as it was decided when the reading began.
        moves: those in the standings that everybody sees, from place to place (`StandingStore.by_rank`).
    """

    preview: Preview
    left: list[Portion]
    portions: int
    left_out: LeftOut
    figures: Figures = field(default_factory=Figures)
    moves: Counter[tuple[int, int]] = field(default_factory=Counter)
    offered: dict[int, Offered] = field(default_factory=dict)
    papers: KeptPapers = field(default_factory=lambda: KeptPapers(PREVIEW_PAPERS_BYTES_MAX))


class Previewer:
    """
    Makes previews.

    Args:
        lease: of all workers together; reads for one quiz at a time.
        rests: how many times as long as the work the rests are.
    """

    def __init__(
        self,
        previews: PreviewStore,
        results: ResultStore,
        standings: StandingStore,
        catalogue: Catalogue,
        erased: Erased,
        disqualified: DisqualifiedStore,
        lease: Lease,
        *,
        rests: float = 1.0,
        turn_seconds: float = TURN_SECONDS,
    ) -> None:
        self._previews = previews
        self._results = results
        self._standings = standings
        self._catalogue = catalogue
        self._erased = erased
        self._disqualified = disqualified
        self._lease = lease
        self._rests = rests
        self._turn_seconds = turn_seconds
        self._reading: _Reading | None = None
        self.loop = Backlog(LOOP, self.pending, self.go_on, items_max=1).loop

    async def pending(self, after: str, limit: int) -> list[str]:
        """The quizzes whose preview is due; none if another worker has the lease."""
        due = [quiz_id for quiz_id in await self._previews.due() if quiz_id > after][:limit]
        if due and not await self._lease.hold():
            self._reading = None
            return []
        return due

    async def go_on(self, quiz_id: str) -> None:
        """Read for about a second, and at the end store what was found."""
        # Until all went well: half a portion that is read again would count twice.
        reading, self._reading = self._reading, None
        if (preview := await self._previews.read(quiz_id)) is None:
            return
        if reading is None or reading.preview.preview_id != preview.preview_id:
            reading = await self._begin(preview)
        until = time.monotonic() + self._turn_seconds
        while reading.left:
            began = time.monotonic()
            await self._count(reading, reading.left.pop())
            await asyncio.sleep(self._rests * (time.monotonic() - began))
            if time.monotonic() > until:
                break
        if reading.left:
            done = reading.portions - len(reading.left)
            await self._previews.go_on(preview, 100 * done // reading.portions)
            self._reading = reading
            return
        counts = await self._standings.by_rank(quiz_id, self._catalogue.find(quiz_id).record.quiz.ties)
        # Many people have places of their own, if the earlier finish decides.
        ranks = await asyncio.to_thread(ranks_changed, counts, reading.moves)
        await self._previews.finish(reading.preview, reading.figures, ranks)

    async def _begin(self, preview: Preview) -> _Reading:
        portions = await self._results.portions()
        await self._erased.keep_fresh()
        # A freeze may have begun or ended a moment ago.
        await self._catalogue.refresh()
        # Before the decisions are read: one that comes meanwhile makes the preview outdated.
        decided, left_out = self._catalogue.find(preview.quiz_id).record.decided, NOBODY
        if decided:
            left_out = await self._disqualified.of_quiz(preview.quiz_id)
        preview = msgspec.structs.replace(preview, decided=decided)
        return _Reading(preview, portions, len(portions), left_out)

    async def _count(self, reading: _Reading, portion: Portion) -> None:
        quiz_id = reading.preview.quiz_id
        found = await self._results.of_portion(quiz_id, portion)
        people: dict[ParticipantId, str] = {}
        is_closed = self._catalogue.find(quiz_id).record.status == "closed"
        for result in found:
            # As in regrade.py: of the erased only final standings change.
            if result.participant_id in self._erased.ids and not is_closed:
                continue
            offered = await self._offered(reading, result.quiz_version)
            if _after(offered, result) is not result:
                first = people.get(result.participant_id, result.attempt_id)
                people[result.participant_id] = min(first, result.attempt_id)
        reading.figures = added(reading.figures, Figures(results=len(found)))
        quiz = self._catalogue.find(quiz_id).record.quiz
        if not people:
            return
        each = len([*possible_attempts(quiz_id, quiz, next(iter(people)), quiz.closes_at)])
        for some in pieces([*people], each):
            ids = [id_ for who in some for id_ in possible_attempts(quiz_id, quiz, who, quiz.closes_at)]
            of: dict[str, list[Result]] = {who: [] for who in some}
            for result in (await self._results.of_attempts(ids)).values():
                of[result.participant_id].append(result)
            for who in some:
                await self._count_person(reading, people[who], of[who])

    async def _count_person(self, reading: _Reading, first: str, results: Sequence[Result]) -> None:
        """
        Count all results of somebody.

        Args:
            first: the smallest id of those in this portion that change. If another portion has a smaller one,
                all are counted there.
        """
        changed: dict[str, tuple[Result, Result]] = {}
        before, after, shown = [], [], []
        frozen_at = self._catalogue.find(reading.preview.quiz_id).record.frozen_at
        for result in results:
            offered = await self._offered(reading, result.quiz_version)
            then = _after(offered, result)
            if then is not result:
                changed[result.attempt_id] = result, then
            if not result_counts(reading.left_out, result):
                continue
            orders = _order(offered, result), _order(offered, then)
            before.append(orders[0])
            after.append(orders[1])
            if frozen_at is None or result.submitted_at <= frozen_at:
                shown.append(orders)
        if not changed or min(changed) != first:
            return
        ranking = self._catalogue.find(reading.preview.quiz_id).record.quiz.ranking

        def counting(orders: Iterable[int]) -> int:
            return reduce(lambda one, other: that_counts(one, other, ranking), orders)

        if results[0].participant_id not in self._erased.ids:
            has_changed = int(bool(before) and counting(before) != counting(after))
            reading.figures = added(reading.figures, figures_of(changed, reading.left_out, has_changed))
        if shown:
            old, new = counting(one for one, _ in shown), counting(one for _, one in shown)
            bits = BITS_WITHOUT_RANK[ranking.ties]
            if old >> bits != new >> bits:
                reading.moves[old >> bits, new >> bits] += 1

    async def _offered(self, reading: _Reading, version: int) -> Offered:
        if (known := reading.offered.get(version)) is None:
            preview = reading.preview
            record = (await self._catalogue.look_up(preview.quiz_id, version)).record
            corrections = (*record.corrections[: preview.correction.number - 1], preview.correction)
            record = replace(record, corrections=corrections)
            known = reading.offered[version] = Offered(record, kept=reading.papers)
        return known


def _after(offered: Offered, result: Result) -> Result:
    return regraded(result, offered.paper(result.attempt_id), offered.record.quiz.pass_percent)


def _order(offered: Offered, result: Result) -> int:
    opens_at, ties = offered.schedule.opens_at, offered.record.quiz.ties
    return order(result.half_points, result.time_used_seconds, result.submitted_at, opens_at, ties)
