"""
Remove a quiz that nobody has begun, with everything that hangs on its name: a quiz of the same name may come.

Whoever is disqualified in it is reinstated, by a decision of a higher version. So readers of decisions know
that nothing of it holds in the next quiz, and decisions there go on counting.
"""

from collections.abc import Sequence
from typing import Protocol

from services.quiz.disqualified.rules import taken_back
from services.quiz.disqualified.store import DisqualifiedStore
from services.quiz.disqualifying.events import decided_event
from services.quiz.lifecycle import events
from services.quiz.lifecycle.rules import REINSTATED_MAX, check_few_decisions, check_removable
from services.quiz.participants.erased import Erased
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.changes import ChangedError, QuizChanges
from services.quiz.quizzes.publish import Matching, changed, check_version
from services.quiz.quizzes.store import QuizStore
from shared.contracts.origin import UNKNOWN_ORIGIN, Origin
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.storage.unit_of_work import UnitOfWork, save_together


class OfQuizzes(Protocol):
    """A store that keeps something under the name of a quiz."""

    async def remove_quiz(self, unit: UnitOfWork, quiz_id: str) -> None:
        """Delete what is kept of a quiz."""


class Removals:
    """
    Removes quizzes.

    Args:
        others: stores that keep something under the name of a quiz that nobody has begun.
    """

    def __init__(
        self,
        quizzes: QuizStore,
        changes: QuizChanges,
        catalogue: Catalogue,
        disqualified: DisqualifiedStore,
        erased: Erased,
        others: Sequence[OfQuizzes],
    ) -> None:
        self._quizzes = quizzes
        self._changes = changes
        self._catalogue = catalogue
        self._disqualified = disqualified
        self._erased = erased
        self._others = others

    async def remove(
        self, quiz_id: str, matches: Matching, who: str, origin: Origin = UNKNOWN_ORIGIN
    ) -> None:
        """
        Remove a quiz that nobody has begun.

        Args:
            who: takes back the disqualifications.
        Raises:
            NotFound: there is none of this name.
            Conflict: somebody has begun it, it is closed, or too many people are disqualified in it.
            Outdated: somebody has changed it since it was read.
        """
        if (record := await self._quizzes.read(quiz_id)) is None:
            raise NotFound(f"there is no quiz {quiz_id}", code="quiz_unknown")
        check_version(quiz_id, record, matches)
        check_removable(record)
        now = clock.now()
        await self._erased.refresh()

        async def work(unit: UnitOfWork) -> None:
            await self._changes.remove(unit, quiz_id, record.version, now)
            for other in self._others:
                await other.remove_quiz(unit, quiz_id)
            held = await self._disqualified.in_force(unit, quiz_id, REINSTATED_MAX + 1)
            check_few_decisions(quiz_id, len(held))
            for state in held:
                if state.participant_id not in self._erased.ids:
                    after = taken_back(state, who, now)
                    await self._disqualified.save(unit, after, None)
                    unit.publish(decided_event(after, record.quiz.title, origin))
            await self._disqualified.settle_all(unit, quiz_id)
            if record.status != "cancelled":
                unit.publish(events.removed(record, now, origin))

        try:
            await save_together(self._quizzes.database, work)
        except ChangedError:
            raise changed(quiz_id) from None
        await self._catalogue.refresh()
