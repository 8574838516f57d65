"""
Fixing the list of entrants, in the background: piece by piece, and then the announcement.

A piece is made once and never changed, whoever makes it. So several processes may do this at once, and one
that dies is followed by another. The announcement, with the digest of the whole list, is saved together with
its event.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from services.awards.draws import events, metrics
from services.awards.draws.lottery import ALGORITHM, list_line
from services.awards.draws.rules import (
    Drawing,
    Earned,
    LeftOut,
    Named,
    Part,
    Tied,
    check_ahead,
    expected,
)
from services.awards.draws.store import DrawStore, Kept, Piece
from services.awards.draws.tied import TiedReader
from services.awards.issued.store import AwardStore
from services.awards.known.store import KnownStore
from services.awards.results.decisions import DecisionStore
from services.awards.results.store import ResultStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.runtime import clock
from shared.runtime.errors import Rejected
from shared.storage.unit_of_work import UnitOfWork, save_together

log = logging.getLogger(__name__)

# All entrants of one list. It has some 10 MB then, and is drawn in less than a second.
ENTRANTS_MAX = 200_000
# Of one piece: all results of the quiz are read once for them.
PIECE_ENTRANTS_MAX = 5_000
# A day of the week's people: their clocks have no summer time.
DAYS_AHEAD = timedelta(hours=8)


class Freezer:
    """Makes lists of entrants and announces them."""

    def __init__(
        self,
        draws: DrawStore,
        known: KnownStore,
        results: ResultStore,
        decisions: DecisionStore,
        awards: AwardStore,
        tied: TiedReader,
        *,
        piece_entrants_max: int = PIECE_ENTRANTS_MAX,
    ) -> None:
        self._draws = draws
        self._known = known
        self._results = results
        self._decisions = decisions
        self._awards = awards
        self._tied = tied
        self._piece_entrants_max = piece_entrants_max

    async def go_on(self, kept: Kept) -> None:
        """Make the next piece of the list, or announce the list."""
        pieces = await self._draws.measured(kept.list_id)
        if pieces and pieces[-1].is_last:
            await self._announce(kept, pieces)
            return
        if sum(piece.entrants for piece in pieces) > ENTRANTS_MAX:
            await self._fail(kept, "too_many_entrants")
            return
        after = pieces[-1].last if pieces else ""
        if isinstance(kept.draw.entrants, Tied):
            found = await self._tied.of(kept.draw, kept.draw.entrants)
            if found.failed:
                await self._fail(kept, found.failed)
                return
            further = [one for one in found.tied if one > after][: self._piece_entrants_max]
            piece = await self._piece(kept, after, [(one, 1) for one in further])
        else:
            piece = await self._piece(kept, after, await self._candidates(kept, after))
        await self._draws.add_piece(kept.list_id, len(pieces), piece)

    async def _piece(self, kept: Kept, after: str, candidates: Sequence[tuple[str, int]]) -> Piece:
        left_out = await self._left_out(kept, [one for one, _ in candidates])
        lines = [(one, chances) for one, chances in candidates if one not in left_out]
        return Piece(
            text="".join(list_line(*line) for line in lines),
            entrants=len(lines),
            chances=sum(chances for _, chances in lines),
            last=candidates[-1][0] if candidates else after,
            is_last=len(candidates) < self._piece_entrants_max,
            left_out=dict(Counter(left_out.values())),
        )

    async def _candidates(self, kept: Kept, after: str) -> list[tuple[str, int]]:
        """The next who may take part by the rule of the draw, with their chances."""
        rule = kept.draw.entrants
        if not isinstance(rule, Earned):
            return await self._draws.named(kept.draw.draw_id, after, self._piece_entrants_max)
        decided = await self._decisions.of_quiz(rule.quiz_id)
        found = await self._results.entrants(
            rule.quiz_id,
            kept.asked_at or clock.now(),
            after,
            self._piece_entrants_max,
            score_percent=rule.score_percent,
            days_ahead=DAYS_AHEAD if rule.chances_per == "day" else None,
            without=[one for one, decision in decided.items() if decision.disqualified],
            without_results=[id_ for decision in decided.values() for id_ in decision.result_ids],
        )
        most = 1 if rule.chances_per == "person" else rule.chances_max
        return [(one, min(earned, most)) for one, earned in found]

    async def _left_out(self, kept: Kept, ids: Sequence[str]) -> dict[str, LeftOut]:
        """Who of these does not take part after all, and why."""
        draw, left_out = kept.draw, dict[str, LeftOut]()
        if isinstance(draw.entrants, Named):
            known = await self._known.participants_among(ids)
            left_out |= dict.fromkeys(set(ids) - known, "unknown")
        for scheme_id in draw.winners_of:
            left_out |= dict.fromkeys(await self._awards.holders_among(ids, scheme_id), "has_won")
        left_out |= dict.fromkeys(set(ids) & set(draw.excluded), "excluded")
        left_out |= dict.fromkeys(await self._known.erased(ids), "erased")
        return left_out

    async def _announce(self, kept: Kept, pieces: Sequence[Piece]) -> None:
        draw, entrants = kept.draw, sum(piece.entrants for piece in pieces)
        if not 0 < entrants <= ENTRANTS_MAX:
            await self._fail(kept, "too_many_entrants" if entrants else "entrants_missing")
            return
        digest = hashlib.sha256()
        async for text in self._draws.texts(kept.list_id):
            digest.update(text.encode())
        now = clock.now()
        try:
            check_ahead(expected(draw), now)
        except Rejected as passed:
            await self._fail(kept, passed.code)
            return
        left_out: Counter[str] = Counter()
        for piece in pieces:
            left_out.update(piece.left_out)
        drawing = Drawing(
            drawing_id=events.drawing_id(draw.draw_id, kept.number),
            draw_id=draw.draw_id,
            number=kept.number,
            version=1,
            title=draw.title,
            scheme_id=draw.scheme_id,
            prizes=tuple((prize.tier, prize.places) for prize in draw.prizes),
            reserves=draw.reserves,
            algorithm=ALGORITHM,
            sources=tuple(
                Part(
                    source.description,
                    getattr(source, "expected_at", None),
                    getattr(source, "sha256", None),
                )
                for source in draw.sources
            ),
            list_id=kept.list_id,
            entrants=entrants,
            chances=sum(piece.chances for piece in pieces),
            list_sha256=digest.hexdigest(),
            left_out=dict(left_out),
            announced_at=now,
            changed_at=now,
            tied=(draw.entrants.scheme_id, draw.entrants.tier) if isinstance(draw.entrants, Tied) else None,
        )

        async def work(unit: UnitOfWork) -> bool:
            if not await self._draws.step(kept, unit=unit, done=True, state="announced"):
                return False
            await self._draws.add_drawing(unit, drawing)
            unit.publish(events.announced(drawing, UNKNOWN_ORIGIN))
            return True

        if await save_together(self._draws.database, work):
            metrics.count("announced")
            log.info("a draw is announced", extra={"draw_id": draw.draw_id, "entrants": entrants})

    async def _fail(self, kept: Kept, code: str) -> None:
        if await self._draws.step(kept, done=True, state="draft", failed=code):
            await self._draws.remove_list(kept.list_id)
