"""The event `quiz.regraded`. Pure: the same correction of a result gives the same event every time."""

from datetime import datetime

from services.quiz.quizzes.record import Correction
from services.quiz.results.rules import Result
from shared.contracts.envelope import Envelope, enclose
from shared.contracts.events import QuizRegraded
from shared.contracts.origin import Origin
from shared.contracts.sources import QUIZ


def regraded_event(
    before: Result, after: Result, quiz_title: str, correction: Correction, now: datetime, origin: Origin
) -> Envelope[QuizRegraded]:
    """The event that a result has other points."""
    event = QuizRegraded(
        result_id=after.attempt_id,
        version=after.version,
        quiz_id=after.quiz_id,
        quiz_title=quiz_title,
        participant_id=after.participant_id,
        correction=correction.number,
        code=correction.code,
        points_before=before.points,
        points=after.points,
        points_max=after.points_max,
        score_percent=after.score_percent,
        passed_before=before.passed,
        passed=after.passed,
        time_used_seconds=after.time_used_seconds,
        completed_at=after.submitted_at,
        regraded_at=now,
        points_max_before=before.points_max if before.points_max != after.points_max else None,
    )
    return enclose(
        event,
        source=QUIZ,
        cause=f"{after.attempt_id}/{correction.number}",
        now=now,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )
