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
from shared.storage.unit_of_work import UnitOfWork


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
        definition = quiz.model_dump(mode="json")
        # What is stored was checked when it was put.
        stored = await self._drafts.stored(quiz_id)
        draft = Draft(quiz_id, stored[0], quiz) if stored else None
        _check(quiz_id, draft, matches)
        if stored and draft and stored[1] == definition:
            return draft
        await self._check_unpublished(quiz_id)
        if draft is None and await self._drafts.count() >= DRAFTS_MAX:
            raise Conflict(f"there are {DRAFTS_MAX} drafts already", code="too_many_drafts")
        if not await self._drafts.put(quiz_id, definition, draft.version if draft else None):
            raise _differs(quiz_id)
        return Draft(quiz_id, draft.version + 1 if draft else 1, quiz)

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
        await self._check_unpublished(quiz_id)

        async def leave(unit: UnitOfWork) -> None:
            if not await self._drafts.delete(quiz_id, draft.version, unit):
                raise ChangedError

        await publish(self._quizzes, quiz_id, draft.quiz, clock.now(), origin, also=leave)

    async def delete(self, quiz_id: str, matches: Matching) -> None:
        """
        Delete a draft.

        Raises:
            NotFound: there is none of this name.
            Outdated: somebody has changed it since it was read.
        """
        draft = await self.read(quiz_id)
        _check(quiz_id, draft, matches)
        if not await self._drafts.delete(quiz_id, draft.version):
            raise _differs(quiz_id)

    async def _check_unpublished(self, quiz_id: str) -> None:
        if await self._quizzes.read(quiz_id):
            raise Conflict(f"quiz {quiz_id} is published already", code="quiz_published")


def _check(quiz_id: str, draft: Draft | None, matches: Matching) -> None:
    if not matches(draft.version if draft else None):
        raise _differs(quiz_id)


def _differs(quiz_id: str) -> Outdated:
    return Outdated(
        f"the draft of quiz {quiz_id} has changed since you read it; read it again", code="draft_differs"
    )
