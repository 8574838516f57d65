"""
Correct a quiz: the correction, and the work that follows from it, are saved together.

From that moment on, submissions are graded with it. Results that were there before follow in the background
(regrade.py).
"""

from collections.abc import Callable, Collection
from datetime import timedelta

from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.record import QuizRecord
from services.quiz.quizzes.rules import Quiz
from services.quiz.quizzes.store import QuizStore
from services.quiz.regrading.question_changes import Change
from services.quiz.regrading.rules import Preview, Regrading, correction_for
from services.quiz.regrading.store import PreviewStore, RegradingStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound, Outdated
from shared.runtime.ids import random_id
from shared.storage.expiry import all_ended_after
from shared.storage.unit_of_work import UnitOfWork, save_together


class Corrections:
    """
    Corrects quizzes.

    Args:
        settle: results are graded again so long after the correction. None: when no transaction of a grader
            lives any more that began before it, and does not know it.
    """

    def __init__(
        self,
        quizzes: QuizStore,
        catalogue: Catalogue,
        regradings: RegradingStore,
        previews: PreviewStore,
        *,
        settle: timedelta | None = None,
    ) -> None:
        self._quizzes = quizzes
        self._catalogue = catalogue
        self._regradings = regradings
        self._previews = previews
        self._settle = settle

    async def read(self, quiz_id: str) -> QuizRecord:
        """
        A quiz as it is stored now, with its corrections.

        Raises:
            NotFound: there is none of this name.
        """
        if (record := await self._quizzes.read(quiz_id)) is None:
            raise NotFound(f"there is no quiz {quiz_id}", code="quiz_unknown")
        return record

    async def _versions(self, record: QuizRecord, change: Change) -> Collection[Quiz]:
        """All definitions that are kept, if points may change: somebody may have a paper of each."""
        puts_back = any(one.taken_out for one in record.corrections)
        if change.points is None and not change.taken_out and not puts_back:
            return [record.quiz]
        ids = [(record.quiz_id, number) for number in range(1, record.version)]
        return [record.quiz, *(await self._quizzes.definitions(ids)).values()]

    async def preview(self, quiz_id: str, question_id: str, change: Change, reason: str, who: str) -> None:
        """
        Let a preview of a correction be made (preview.py).

        Raises:
            NotFound, Rejected, Conflict: the question cannot be corrected, or not so, or is so already.
        """
        record, now = await self.read(quiz_id), clock.now()
        versions = await self._versions(record, change)
        correction = correction_for(record, question_id, change, reason, who, now, versions)
        if correction is None:
            raise Conflict(f"question {question_id} is corrected so already", code="corrected_already")
        await self._previews.ask(Preview(random_id(), quiz_id, correction, now))

    async def correct(
        self,
        quiz_id: str,
        question_id: str,
        change: Change,
        reason: str,
        who: str,
        matches: Callable[[int | None], bool],
        origin: Origin,
    ) -> QuizRecord:
        """
        Correct a question; if it is as wanted already, nothing changes.

        Args:
            change: what is corrected.
            matches: whether this number of corrections is what the organiser has read.
        Raises:
            NotFound, Rejected, Conflict: it cannot be corrected, or not so: see `rules.correction_for`.
            Outdated: somebody else has corrected the quiz since.
        """
        record, now = await self.read(quiz_id), clock.now()
        if not matches(len(record.corrections)):
            raise Outdated(
                f"quiz {quiz_id} has been corrected since you read it; read it again",
                code="corrections_differ",
            )
        versions = await self._versions(record, change)
        correction = correction_for(record, question_id, change, reason, who, now, versions)
        if correction is None:
            return record
        settle = await all_ended_after(self._quizzes.database) if self._settle is None else self._settle

        async def work(unit: UnitOfWork) -> bool:
            if saved := await self._quizzes.correct(unit, quiz_id, correction):
                begins_at, by = clock.now() + settle, (origin.correlation_id, origin.traceparent)
                await self._regradings.add(unit, Regrading(quiz_id, correction.number, begins_at, *by))
            return saved

        if not await save_together(self._quizzes.database, work):
            raise Conflict(f"quiz {quiz_id} has changed meanwhile: look at it again", code="quiz_changed")
        await self._catalogue.refresh()
        return await self.read(quiz_id)
