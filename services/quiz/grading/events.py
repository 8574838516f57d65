"""
`quiz.completed` as a record, made in one step: there is one for every submission.

The bytes are those that `shared.messaging.publisher.to_record` makes of the contract in its envelope, in a
fifth of the time; tests/quiz/grading/test_events.py proves them equal.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from services.quiz.results.rules import Result
from services.quiz.scoring.rules import HALF_POINTS_A_POINT
from shared.contracts.envelope import Context, context_of, to_headers
from shared.contracts.events import QuizCompleted
from shared.contracts.sources import QUIZ
from shared.messaging.publisher import Record


class _Completed(msgspec.Struct, frozen=True, gc=False):
    """`shared.contracts.events.QuizCompleted`, field by field."""

    result_id: str
    quiz_id: str
    quiz_title: str
    participant_id: str
    group_id: str | None
    district: str | None
    points: float
    points_max: float
    score_percent: int
    passed: bool
    time_used_seconds: int
    completed_at: datetime
    automatic: bool


Completed = tuple[Context, Result, str]
"""The context of a submission, its result, and the title of its quiz."""

_encoder = msgspec.json.Encoder()


def completed_records(results: Sequence[Completed], now: datetime) -> list[Record]:
    """The events of results."""
    return [_record(parent, result, title, now) for parent, result, title in results]


def _record(parent: Context, result: Result, title: str, now: datetime) -> Record:
    body = _Completed(
        result.attempt_id,
        result.quiz_id,
        title,
        result.participant_id,
        result.group_id,
        result.district,
        # Not the properties of a result: three calls for each submission.
        result.half_points / HALF_POINTS_A_POINT,
        result.half_points_max / HALF_POINTS_A_POINT,
        100 * result.half_points // result.half_points_max,
        result.passed,
        result.time_used_seconds,
        result.submitted_at,
        result.automatic,
    )
    context = context_of(
        QuizCompleted.type,
        result.participant_id,
        source=QUIZ,
        cause=result.attempt_id,
        now=now,
        parent=parent,
    )
    return QuizCompleted.topic, result.participant_id.encode(), _encoder.encode(body), to_headers(context)
