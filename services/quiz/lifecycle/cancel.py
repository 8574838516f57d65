"""Cancel a quiz: its end, the event, and the work to tell everybody who took part are saved together."""

from services.quiz.lifecycle import events
from services.quiz.lifecycle.rules import NOTICE, TOLD_AFTER, Cancellation, cancellation_id
from services.quiz.lifecycle.store import CancellationStore
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.changes import ChangedError, QuizChanges
from services.quiz.quizzes.publish import changed
from services.quiz.quizzes.record import QuizRecord, final
from services.quiz.quizzes.store import QuizStore
from shared.contracts.origin import UNKNOWN_ORIGIN, Origin
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.storage.unit_of_work import UnitOfWork, save_together


class Cancelling:
    """Cancels quizzes."""

    def __init__(
        self, quizzes: QuizStore, changes: QuizChanges, cancellations: CancellationStore, catalogue: Catalogue
    ) -> None:
        self._quizzes = quizzes
        self._changes = changes
        self._cancellations = cancellations
        self._catalogue = catalogue

    async def read(self, quiz_id: str) -> Cancellation:
        """
        The cancellation of a quiz.

        Raises:
            NotFound: there is no such quiz, or it is not cancelled.
        """
        record = await self._record(quiz_id)
        found = await self._cancellations.read(cancellation_id(quiz_id, record.version))
        if found is None:
            raise NotFound(f"quiz {quiz_id} is not cancelled", code="cancellation_unknown")
        return found

    async def cancel(
        self, quiz_id: str, code: str, text: str, origin: Origin = UNKNOWN_ORIGIN
    ) -> Cancellation:
        """
        Cancel a quiz. Cancelling it again changes nothing, and the first reason stays.

        Raises:
            NotFound: there is no such quiz.
            Conflict: its standings are final.
        """
        record = await self._record(quiz_id)
        if record.status == "cancelled":
            return await self.read(quiz_id)
        if record.status == "closed":
            raise final(record)
        now = clock.now()
        cancellation = Cancellation(
            cancellation_id=cancellation_id(quiz_id, record.version),
            quiz_id=quiz_id,
            version=record.version,
            title=record.quiz.title,
            code=code,
            text=text,
            cancelled_at=now,
            tell_after=now + NOTICE + TOLD_AFTER,
        )

        async def work(unit: UnitOfWork) -> None:
            await self._changes.cancel(unit, quiz_id, record.version, now + NOTICE)
            await self._cancellations.add(unit, cancellation)
            unit.publish(events.cancelled(cancellation, origin))

        try:
            await save_together(self._quizzes.database, work)
        except ChangedError:
            # Another organiser has cancelled it, changed it, or it has just closed.
            after = await self._record(quiz_id)
            if after.status == "cancelled":
                return await self.read(quiz_id)
            raise (final(after) if after.status != "open" else changed(quiz_id)) from None
        await self._catalogue.refresh()
        return cancellation

    async def _record(self, quiz_id: str) -> QuizRecord:
        if (record := await self._quizzes.read(quiz_id)) is None:
            raise NotFound(f"there is no quiz {quiz_id}", code="quiz_unknown")
        return record
