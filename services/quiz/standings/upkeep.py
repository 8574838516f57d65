"""
The upkeep of standings: results of old freezes are released, changes of the counts are folded.

Several workers may do it at the same time: each step is a transaction that does nothing if another worker
came first.
"""

import time

from services.quiz.standings.store import StandingStore
from shared.runtime.background import Loop, each

LOOP = "upkeep"
LOOK_SECONDS = 1.0
# If there was nothing to do: two queries of small indexes in every worker.
IDLE_LOOK_SECONDS = 2.0
# A few changes cost readers little, but must not stay for ever.
FOLD_SECONDS = 60.0


class Upkeep:
    """Looks after the standings of all quizzes."""

    def __init__(self, standings: StandingStore, *, fold_seconds: float = FOLD_SECONDS) -> None:
        self._standings = standings
        self._fold_seconds = fold_seconds
        # For each quiz, the time since when it has changes that are not folded.
        self._unfolded: dict[str, float] = {}
        self.loop = Loop(LOOP, self.turn)

    async def turn(self) -> float:
        """
        Release results of old freezes, and fold counts; returns seconds to rest.

        A grader that learned late of a thaw may have held back results after it. These are released too.

        Raises:
            Unavailable: the database does not answer; call again.
        """
        held = await self._standings.quizzes_held()
        await each(LOOP, held, self._standings.release_all)
        changed = await self._standings.quizzes_to_fold()
        self._unfolded = {quiz_id: self._unfolded.get(quiz_id, time.monotonic()) for quiz_id in changed}
        await each(LOOP, changed, self._fold)
        return LOOK_SECONDS if held or changed else IDLE_LOOK_SECONDS

    async def _fold(self, quiz_id: str) -> None:
        if time.monotonic() - self._unfolded[quiz_id] < self._fold_seconds:
            await self._standings.fold(quiz_id)
        else:
            await self._standings.fold(quiz_id, changes_min=1)
