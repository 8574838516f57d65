"""The event of a cancellation, and the commands to tell those who took part. Pure."""

from datetime import datetime
from uuid import UUID

from services.quiz.lifecycle.rules import REMOVED, Cancellation
from services.quiz.quizzes.record import QuizRecord
from shared.contracts.envelope import Envelope, enclose
from shared.contracts.events import NotificationRequested, QuizCancelled
from shared.contracts.origin import Origin
from shared.contracts.sources import QUIZ
from shared.runtime.ids import derived_id

REQUEST_IDS = UUID("3f8f3f0e-52a8-5a0c-9c39-6d1f2d7f7a41")
SUBJECT = "竞赛已取消 / A quiz was cancelled"


def cancelled(cancellation: Cancellation, origin: Origin) -> Envelope[QuizCancelled]:
    """The event of a cancellation."""
    event = QuizCancelled(
        quiz_id=cancellation.quiz_id,
        version=cancellation.version,
        quiz_title=cancellation.title,
        code=cancellation.code,
        reason=cancellation.text,
        cancelled_at=cancellation.cancelled_at,
    )
    return _enclosed(event, origin)


def removed(record: QuizRecord, now: datetime, origin: Origin) -> Envelope[QuizCancelled]:
    """The event of a removal."""
    event = QuizCancelled(
        quiz_id=record.quiz_id,
        version=record.version,
        quiz_title=record.quiz.title,
        code=REMOVED,
        cancelled_at=now,
    )
    return _enclosed(event, origin)


def requested(
    cancellation: Cancellation, participant_id: str, now: datetime
) -> Envelope[NotificationRequested]:
    """
    The command to tell one person. Its id comes from cancellation and person: a repeat is the same event.
    """
    request_id = derived_id(REQUEST_IDS, cancellation.quiz_id, str(cancellation.version), participant_id)
    event = NotificationRequested(
        request_id=request_id,
        participant_id=participant_id,
        subject=SUBJECT,
        body=(
            f"“{cancellation.title}”已取消，没有最终排名。\n"
            f"This quiz was cancelled, without final standings.\n\n{cancellation.text}"
        ),
        channels=("inbox",),
    )
    return enclose(event, source=QUIZ, cause=request_id, now=now)


def _enclosed(event: QuizCancelled, origin: Origin) -> Envelope[QuizCancelled]:
    return enclose(
        event,
        source=QUIZ,
        cause=f"{event.quiz_id}/{event.version}",
        now=event.cancelled_at,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )
