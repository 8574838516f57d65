"""
What is looked after beside grading: counts folded, what a freeze held let go, traces of the erased removed.

Any number of workers may do it at once: each step is a transaction or harmless to repeat, and of two
that want the same one does it again.
"""

import time
from datetime import timedelta

from services.quiz.participants.store import Erasure, next_sweep
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.rules import possible_attempts
from services.quiz.store import QuizStore
from shared.runtime import clock
from shared.runtime.background import Loop, each

LOOP = "upkeep"
LOOK_SECONDS = 1.0
# Where there was nothing to do: three looks at small indexes in every worker.
IDLE_LOOK_SECONDS = 2.0
# Few changes cost readers little, but must not stay for ever.
FOLD_SECONDS = 60.0
# A grader that has not heard of an erasure yet may store a result for so long: see erasures.py. Longer than
# MongoDB lets a transaction live, too.
SWEEP_AGAIN_SECONDS = 120.0


class SweepError(Exception):
    """Traces of somebody may be left in a quiz that could not be read."""


class Upkeep:
    """Looks after all quizzes."""

    def __init__(
        self,
        store: QuizStore,
        catalogue: Catalogue,
        *,
        fold_seconds: float = FOLD_SECONDS,
        sweep_again_seconds: float = SWEEP_AGAIN_SECONDS,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._fold_seconds = fold_seconds
        self._sweep_again_seconds = sweep_again_seconds
        # Since when a quiz has changes that are not folded.
        self._unfolded: dict[str, float] = {}
        self.loop = Loop(LOOP, self.turn)

    async def turn(self) -> float:
        """
        Let stand what is held of freezes that are over, fold counts, remove traces of the erased.

        Whatever is held of no freeze that still is has to go, also what a grader held
        that learned late of the thaw.

        Raises:
            Unavailable: the database does not answer; call again.
        """
        standings, participants = self._store.standings, self._store.participants
        held = await standings.quizzes_held()
        await each(LOOP, held, self._release)
        changed = await standings.quizzes_to_fold()
        self._unfolded = {quiz_id: self._unfolded.get(quiz_id, time.monotonic()) for quiz_id in changed}
        await each(LOOP, changed, self._fold)
        erased = await participants.to_sweep(clock.now())
        await each(LOOP, erased, self.sweep, aside=self._put_off)
        return LOOK_SECONDS if held or changed or erased else IDLE_LOOK_SECONDS

    async def sweep(self, erasure: Erasure) -> None:
        """
        Remove the traces of somebody who was erased, in every quiz.

        Results are found by the ids that the participant's attempts can have, so that no index has
        to be kept for the few who are erased.

        Raises:
            SweepError: a quiz could not be read; the others are swept.
        """
        began = clock.now()
        who = erasure.participant_id
        await self._store.participants.unpark_all_of([who])
        for offered in self._catalogue.all():
            record = offered.record
            ids = [*possible_attempts(record.quiz_id, record.quiz, who)]
            await self._store.results.forget_profiles(ids)
            if record.status != "closed":
                await self._store.standings.remove(record.quiz_id, who)
        if unread := self._catalogue.unread():
            raise SweepError(f"{len(unread)} quizzes cannot be read")
        again = next_sweep(erasure, self._sweep_again_seconds, began)
        await self._store.participants.sweep_again(who, again)

    async def _release(self, quiz_id: str) -> None:
        while await self._store.standings.release(quiz_id):
            pass

    async def _fold(self, quiz_id: str) -> None:
        if time.monotonic() - self._unfolded[quiz_id] < self._fold_seconds:
            await self._store.standings.fold(quiz_id)
        else:
            await self._store.standings.fold(quiz_id, changes_min=1)

    async def _put_off(self, erasure: Erasure, _: str) -> None:
        later = clock.now() + timedelta(seconds=self._sweep_again_seconds)
        await self._store.participants.sweep_again(erasure.participant_id, later)
