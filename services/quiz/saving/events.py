"""`quiz.answers_saved` as a record, made in one step: there are many for each attempt."""

from services.quiz.attempts.submission import encoder
from services.quiz.saving.rules import Sheet
from shared.contracts.envelope import Context, to_headers
from shared.contracts.events import QuizAnswersSaved
from shared.contracts.sources import QUIZ
from shared.contracts.traces import trace_begun_by
from shared.messaging.publisher import Record
from shared.runtime.logs import correlation_id


def saved_record(sheet: Sheet, save_id: str) -> Record:
    """The event that the answers of an attempt were saved; each save is a fact of its own."""
    context = Context(
        id=save_id,
        source=QUIZ,
        type=QuizAnswersSaved.type,
        time=sheet.saved_at,
        subject=sheet.attempt_id,
        correlation_id=correlation_id.get() or save_id,
        traceparent=trace_begun_by(save_id),
    )
    value = encoder.encode(sheet)
    return QuizAnswersSaved.topic, sheet.attempt_id.encode(), value, to_headers(context)
