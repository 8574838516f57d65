"""
Ranks, and the number of participants with a standing: from counts, so that nobody reads a million standings.

A process reads the counts of a quiz at most once in `FRESH_SECONDS`, and only while somebody asks. The
standing itself is read as it is now. It never counts as better than itself, also when the counts are old.
"""

import asyncio
import time
from dataclasses import dataclass, field

from services.quiz.quizzes.record import QuizRecord
from services.quiz.standings.rules import (
    EARLIER_FINISH,
    SHARED,
    TIME_USED,
    Place,
    Standing,
    least_better,
    place_behind,
    ranked,
)
from services.quiz.standings.store import StandingStore
from services.quiz.standings.tally import Tally, end_of_cell, is_exact
from shared.contracts.events import Ties

FRESH_SECONDS = 1.0
TALLIES_MAX = 200


@dataclass(slots=True)
class _Counted:
    tally: Tally = field(default_factory=Tally)
    at: float = float("-inf")
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


class Ranks:
    """Ranks in the quizzes that were asked for last."""

    def __init__(self, standings: StandingStore, *, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._standings = standings
        self._fresh_seconds = fresh_seconds
        self._counted: dict[str, _Counted] = {}

    async def rank(self, quiz_id: str, order: int, ties: Ties = TIME_USED) -> int:
        """
        The rank of a standing, 1 at the top.

        Raises:
            Unavailable: the database does not answer.
        """
        tally = await self._tally(quiz_id)
        if ties == SHARED:
            return tally.better_scores(order) + 1
        better = tally.better_cells(order)
        if ties == EARLIER_FINISH or not is_exact(order):
            better += await self._standings.count(quiz_id, least_better(order, ties), end_of_cell(order))
        return better + 1

    async def page(
        self, record: QuizRecord, after: Place | None, limit: int
    ) -> tuple[list[Standing], Place | None]:
        """
        Standings with their ranks, best first, and where the next page begins; None if there is none.

        Raises:
            Unavailable: the database does not answer.
        """
        quiz_id, quiz = record.quiz_id, record.quiz
        found = await self._standings.page(quiz_id, after, limit + 1)
        shown = found[:limit]
        following = place_behind(shown, after) if len(found) > limit else None
        if after is None or not shown:
            return ranked(shown, quiz.opens_at, quiz.ties), following
        first = shown[0][1]
        position = await self._position(quiz_id, first) + (after.passed if first == after.order else 0)
        rank = min(position, await self.rank(quiz_id, first, quiz.ties))
        return ranked(shown, quiz.opens_at, quiz.ties, position=position, rank=rank), following

    async def _position(self, quiz_id: str, order: int) -> int:
        """One more than the number of standings with a better order, those of the same rank too."""
        better = (await self._tally(quiz_id)).better_cells(order)
        return better + await self._standings.count(quiz_id, order + 1, end_of_cell(order)) + 1

    async def participants(self, quiz_id: str) -> int:
        """
        The number of participants with a standing.

        Raises:
            Unavailable: the database does not answer.
        """
        return (await self._tally(quiz_id)).participants

    async def _tally(self, quiz_id: str) -> Tally:
        counted = self._counted.setdefault(quiz_id, _Counted())
        if self._is_old(counted):
            # One reads, the others wait for it.
            async with counted.reading:
                if self._is_old(counted):
                    # The time before the query: it may miss what changes while it runs.
                    at = time.monotonic()
                    counted.tally, counted.at = await self._standings.tally(quiz_id), at
                    self._forget_the_oldest()
        return counted.tally

    def _is_old(self, counted: _Counted) -> bool:
        return time.monotonic() - counted.at >= self._fresh_seconds

    def _forget_the_oldest(self) -> None:
        while len(self._counted) > TALLIES_MAX:
            del self._counted[min(self._counted, key=lambda quiz_id: self._counted[quiz_id].at)]
