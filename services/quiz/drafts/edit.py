"""
Put, publish and delete a draft. A draft is checked as a quiz is, but for its end: that may be over already.
"""

from services.quiz.drafts.store import DRAFTS_MAX, Draft, DraftStore
from services.quiz.quizzes.changes import ChangedError
from services.quiz.quizzes.publish import Matching, publish
from services.quiz.quizzes.rules import Quiz
from services.quiz.quizzes.store import QuizStore
from shared.contracts.origin import UNKNOWN_ORIGIN, Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound, Outdated
from shared.storage.unit_of_work import UnitOfWork, save_together


class Drafts:
    """Writes drafts."""

    def __init__(self, drafts: DraftStore, quizzes: QuizStore) -> None:
        self._drafts = drafts
        self._quizzes = quizzes

    async def read(self, quiz_id: str) -> Draft:
        """
        A draft.

        Raises:
            NotFound: there is none of this name.
        """
        if (draft := await self._drafts.read(quiz_id)) is None:
            raise NotFound(f"there is no draft of a quiz {quiz_id}", code="draft_unknown")
        return draft

    async def put(self, quiz_id: str, quiz: Quiz, matches: Matching) -> Draft:
        """
        Save a draft, new or changed; putting the same again changes nothing.

        Raises:
            Conflict: a quiz of this name is published, or there are `DRAFTS_MAX` drafts.
            Outdated: somebody has changed it since it was read.
        """
        draft = await self._drafts.read(quiz_id)
        _check(quiz_id, draft, matches)
        if draft and draft.quiz == quiz:
            return draft
        if draft is None and await self._drafts.count() >= DRAFTS_MAX:
            raise Conflict(f"there are {DRAFTS_MAX} drafts already", code="too_many_drafts")

        async def work(unit: UnitOfWork) -> int:
            version = await self._drafts.put(unit, quiz_id, quiz, draft.version if draft else None)
            if version is None:
                raise _differs(quiz_id)
            # After the write to the name: a quiz that is published at the same moment conflicts with it.
            if await self._quizzes.is_there(unit, quiz_id):
                raise _published(quiz_id)
            return version

        return Draft(quiz_id, await save_together(self._drafts.database, work), quiz)

    async def publish(self, quiz_id: str, matches: Matching, origin: Origin = UNKNOWN_ORIGIN) -> None:
        """
        Publish a draft. Then there is no draft any more.

        Raises:
            NotFound: there is none of this name.
            Conflict, Rejected: as `quizzes.publish` says it; or a quiz of this name is published.
            Outdated: somebody has changed it since it was read.
        """
        draft = await self.read(quiz_id)
        _check(quiz_id, draft, matches)
        if await self._quizzes.read(quiz_id):
            raise _published(quiz_id)

        async def leave(unit: UnitOfWork) -> None:
            if not await self._drafts.delete(unit, quiz_id, draft.version):
                raise ChangedError

        await publish(self._quizzes, quiz_id, draft.quiz, clock.now(), origin, before=leave)

    async def delete(self, quiz_id: str, matches: Matching) -> None:
        """
        Delete a draft.

        Raises:
            NotFound: there is none of this name.
            Outdated: somebody has changed it since it was read.
        """
        draft = await self.read(quiz_id)
        _check(quiz_id, draft, matches)

        async def work(unit: UnitOfWork) -> None:
            if not await self._drafts.delete(unit, quiz_id, draft.version):
                raise _differs(quiz_id)

        await save_together(self._drafts.database, work)


def _check(quiz_id: str, draft: Draft | None, matches: Matching) -> None:
    if not matches(draft.version if draft else None):
        raise _differs(quiz_id)


def _published(quiz_id: str) -> Conflict:
    return Conflict(f"quiz {quiz_id} is published already", code="quiz_published")


def _differs(quiz_id: str) -> Outdated:
    return Outdated(
        f"the draft of quiz {quiz_id} has changed since you read it; read it again", code="draft_differs"
    )
