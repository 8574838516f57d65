"""
`quiz.submitted` as a record, made in one step: there is one for every submission.

The encoder leaves out optional fields that have their default value. The contract reads the record with the
same values: tests/quiz/attempts/test_submission.py proves it.
"""

from services.quiz.attempts.submission import Submission, encoder
from shared.contracts.envelope import Context, to_headers
from shared.contracts.events import QuizSubmitted
from shared.contracts.sources import QUIZ
from shared.contracts.traces import trace_begun_by
from shared.messaging.publisher import Record
from shared.runtime.logs import correlation_id


def submitted_record(submission: Submission, receipt_id: str) -> Record:
    """The event that the answers of an attempt came in. Its id is the receipt's: each request is a fact."""
    context = Context(
        id=receipt_id,
        source=QUIZ,
        type=QuizSubmitted.type,
        time=submission.submitted_at,
        subject=submission.attempt_id,
        correlation_id=correlation_id.get() or receipt_id,
        traceparent=trace_begun_by(receipt_id),
    )
    value = encoder.encode(submission)
    return QuizSubmitted.topic, submission.attempt_id.encode(), value, to_headers(context)
