"""
`quiz.submitted` as a record, made in one step: there is one for every submission.

The encoder leaves out optional fields that have their default value. The contract reads the record with the
same values: tests/quiz/attempts/test_submission.py proves it.
"""

from services.quiz.attempts.submission import Submission, encoder
from shared.contracts.events import QuizSubmitted
from shared.contracts.first_headers import FirstHeaders
from shared.contracts.sources import QUIZ
from shared.contracts.traces import trace_begun_by
from shared.messaging.publisher import Record
from shared.runtime.logs import correlation_id
from shared.runtime.tracing import traceparent

_headers = FirstHeaders(QUIZ, QuizSubmitted.type)


def submitted_record(submission: Submission, receipt_id: str) -> Record:
    """The event that the answers of an attempt came in. Its id is the receipt's: each request is a fact."""
    key = submission.attempt_id.encode()
    headers = _headers.of(
        receipt_id,
        key,
        submission.submitted_at,
        correlation_id.get() or receipt_id,
        traceparent.get() or trace_begun_by(receipt_id),
    )
    return QuizSubmitted.topic, key, encoder.encode(submission), headers
