"""`quiz.answers_saved` as a record, made in one step: there are many for each attempt."""

from services.quiz.attempts.submission import encoder
from services.quiz.saving.rules import Sheet
from shared.contracts.events import QuizAnswersSaved
from shared.contracts.first_headers import FirstHeaders
from shared.contracts.sources import QUIZ
from shared.contracts.traces import trace_begun_by
from shared.messaging.publisher import Record
from shared.runtime.logs import correlation_id
from shared.runtime.tracing import traceparent

_headers = FirstHeaders(QUIZ, QuizAnswersSaved.type)


def saved_record(sheet: Sheet, save_id: str) -> Record:
    """The event that the answers of an attempt were saved; each save is a fact of its own."""
    key = sheet.attempt_id.encode()
    headers = _headers.of(
        save_id,
        key,
        sheet.saved_at,
        correlation_id.get() or save_id,
        traceparent.get() or trace_begun_by(save_id),
    )
    return QuizAnswersSaved.topic, key, encoder.encode(sheet), headers
