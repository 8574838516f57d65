"""
Publish the results that a quiz has withheld, when everything is graded and before the quiz is closed.

The results are read in portions of ids, and each portion is published and then noted. So after a crash
another worker goes on with the last portion that was not noted. It publishes the same events again, with the
same ids.
"""

import time
from uuid import UUID

from services.quiz.grading.events import completed_records
from services.quiz.participants.erased import Erased
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.record import QuizRecord
from services.quiz.quizzes.store import QuizStore
from services.quiz.results.rules import Portion, Result, in_portions
from services.quiz.results.store import ResultStore
from shared.contracts.envelope import Context
from shared.contracts.events import QuizSubmitted
from shared.contracts.sources import QUIZ
from shared.contracts.traces import new_traceparent, trace_begun_by
from shared.messaging.publisher import Publisher
from shared.runtime import clock
from shared.storage.lease import Lease

LEASE = "telling"
# After this time the next quiz has its turn.
TURN_SECONDS = 2.0


class Teller:
    """
    Publishes withheld results.

    Args:
        lease: of all workers together. Without it each of them would publish everything.
        turn_seconds: a call ends after this time, and the next one goes on.
    """

    def __init__(
        self,
        quizzes: QuizStore,
        results: ResultStore,
        catalogue: Catalogue,
        erased: Erased,
        publisher: Publisher,
        lease: Lease,
        *,
        turn_seconds: float = TURN_SECONDS,
    ) -> None:
        self._quizzes = quizzes
        self._results = results
        self._catalogue = catalogue
        self._erased = erased
        self._publisher = publisher
        self._lease = lease
        self._turn_seconds = turn_seconds

    async def tell(self, record: QuizRecord) -> bool:
        """
        Publish some portions of the results of a quiz that withholds them; True if none is left.

        Raises:
            Unavailable: a server does not answer; call again.
        """
        if not record.withholds_scores:
            return True
        if not await self._lease.hold():
            return False
        quiz_id = record.quiz_id
        telling = await self._quizzes.begin_telling(quiz_id, len(await self._results.portions()))
        if telling is None:
            return False
        portions = in_portions(telling.portions)
        until = time.monotonic() + self._turn_seconds
        for told, portion in enumerate(portions[telling.told :], start=telling.told + 1):
            await self._tell(quiz_id, portion)
            await self._quizzes.go_on_telling(quiz_id, told)
            if told < telling.portions and (time.monotonic() > until or not await self._lease.hold()):
                return False
        return True

    async def _tell(self, quiz_id: str, portion: Portion) -> None:
        await self._erased.keep_fresh()
        found = await self._results.of_portion(quiz_id, portion)
        results = [one for one in found if one.participant_id not in self._erased.ids]
        titles = {
            version: (await self._catalogue.look_up(quiz_id, version)).record.quiz.title
            for version in {one.quiz_version for one in results}
        }
        completed = [(_context(one), one, titles[one.quiz_version]) for one in results]
        await self._publisher.write(completed_records(completed, clock.now()))


def _context(result: Result) -> Context:
    """The submission of a result, as far as it is still known."""
    try:
        # The trace of a submission to intake.
        traceparent = trace_begun_by(str(UUID(result.submission_id)))
    except ValueError:
        # Another system may have given its submission any id.
        traceparent = new_traceparent()
    return Context(
        id=result.submission_id,
        source=QUIZ,
        type=QuizSubmitted.type,
        time=result.submitted_at,
        subject=result.attempt_id,
        correlation_id=result.submission_id,
        traceparent=traceparent,
    )
