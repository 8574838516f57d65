"""
Move the end of a quiz, open it again, or correct its words.

A later end and other words are a new version of the quiz with the same papers. Those who have begun keep the
version before, and are graded by it.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from services.quiz.lifecycle.rules import (
    EXTENSIONS_KEPT_FREE,
    NOTICE,
    REOPENED_WITHIN,
    Words,
    check_reopenable,
    extended,
    reworded,
)
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.changes import ChangedError, QuizChanges
from services.quiz.quizzes.events import published
from services.quiz.quizzes.publish import (
    VERSIONS_MAX,
    Matching,
    changed,
    check_version,
    check_versions,
    fitting,
)
from services.quiz.quizzes.record import QuizRecord, final
from services.quiz.quizzes.rules import Quiz
from services.quiz.quizzes.store import QuizStore
from shared.contracts.origin import UNKNOWN_ORIGIN, Origin
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.storage.unit_of_work import UnitOfWork, save_together


class Alterations:
    """Changes published quizzes."""

    def __init__(self, quizzes: QuizStore, changes: QuizChanges, catalogue: Catalogue) -> None:
        self._quizzes = quizzes
        self._changes = changes
        self._catalogue = catalogue

    async def extend(
        self, quiz_id: str, closes_at: datetime, matches: Matching, origin: Origin = UNKNOWN_ORIGIN
    ) -> QuizRecord:
        """
        Move the end of an open quiz later. If it ends then already, nothing changes.

        Raises:
            NotFound, Conflict, Rejected: see `rules.extended`; or somebody else changes it at this moment.
            Outdated: somebody has changed it since it was read.
        """
        record, now = await self._read(quiz_id, matches), clock.now()
        if (quiz := extended(record, closes_at, now)) is None:
            return record
        await check_versions(self._quizzes, quiz_id, VERSIONS_MAX + EXTENSIONS_KEPT_FREE)
        return await self._amend(record, quiz, now, origin, extends_at=now + NOTICE)

    async def reword(
        self,
        quiz_id: str,
        title: str | None,
        words: Mapping[str, Words],
        matches: Matching,
        origin: Origin = UNKNOWN_ORIGIN,
    ) -> QuizRecord:
        """
        Correct the title, explanations and sources, at any time. If they are so already, nothing changes.

        Raises:
            NotFound, Conflict: see `rules.reworded`; or somebody else changes it at this moment.
            Rejected: it does not fit an event any more.
            Outdated: somebody has changed it since it was read.
        """
        record, now = await self._read(quiz_id, matches), clock.now()
        if (quiz := reworded(record, title, words)) is None:
            return record
        await check_versions(self._quizzes, quiz_id, VERSIONS_MAX)
        return await self._amend(record, quiz, now, origin)

    async def reopen(self, quiz_id: str) -> QuizRecord:
        """
        Open a quiz again that was closed early. If it is open, nothing changes.

        Raises:
            NotFound, Conflict: see `rules.check_reopenable`; or it is too late, since what was saved is
            handed
                in.
        """
        record, now = await self._read(quiz_id), clock.now()
        if not check_reopenable(record, now):
            return record

        async def work(unit: UnitOfWork) -> None:
            accepted_after = now - REOPENED_WITHIN
            await self._changes.reopen(unit, quiz_id, record.quiz, record.version, accepted_after)

        await self._save(work, lambda after: final(after) if after.status != "open" else None, quiz_id)
        return await self._read(quiz_id)

    async def _read(self, quiz_id: str, matches: Matching | None = None) -> QuizRecord:
        if (record := await self._quizzes.read(quiz_id)) is None:
            raise NotFound(f"there is no quiz {quiz_id}", code="quiz_unknown")
        if matches:
            check_version(quiz_id, record, matches)
        return record

    async def _amend(
        self,
        record: QuizRecord,
        quiz: Quiz,
        now: datetime,
        origin: Origin,
        extends_at: datetime | None = None,
    ) -> QuizRecord:
        quiz_id, version = record.quiz_id, record.version
        envelope = fitting(published(quiz_id, quiz, version + 1, now, origin))

        async def work(unit: UnitOfWork) -> None:
            await self._changes.amend(unit, quiz_id, quiz, version, extends_at=extends_at)
            unit.publish(envelope)

        await self._save(work, lambda after: changed(quiz_id), quiz_id)
        return await self._read(quiz_id)

    async def _save(
        self,
        work: Callable[[UnitOfWork], Awaitable[None]],
        refusal: Callable[[QuizRecord], Exception | None],
        quiz_id: str,
    ) -> None:
        async def transaction(unit: UnitOfWork) -> None:
            await work(unit)

        try:
            await save_together(self._quizzes.database, transaction)
        except ChangedError:
            after = await self._read(quiz_id)
            if refused := refusal(after):
                raise refused from None
        await self._catalogue.refresh()
