"""The fast writing of quiz.completed and the public contract say the same."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from services.quiz.grading.events import completed_records
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.rules import QuizId
from services.quiz.results.rules import AttemptId, Result
from shared.contracts.envelope import Context, enclose
from shared.contracts.events import QuizCompleted
from shared.messaging.publisher import to_record
from shared.runtime.clock import to_milliseconds
from tests.support.strategies import CONTEXTS, IDS, LINES, MOMENTS

RESULTS = st.builds(
    Result,
    attempt_id=IDS.map(AttemptId),
    submission_id=LINES,
    quiz_id=IDS.map(QuizId),
    quiz_version=st.integers(1, 9),
    participant_id=IDS.map(ParticipantId),
    group_id=st.none() | IDS,
    district=st.none() | LINES,
    half_points=st.integers(0, 40),
    half_points_max=st.integers(40, 400),
    passed=st.booleans(),
    time_used_seconds=st.integers(0, 31_622_400),
    submitted_at=MOMENTS.map(to_milliseconds),
    answers=st.just(""),
    automatic=st.booleans(),
)


@given(RESULTS, CONTEXTS, LINES, MOMENTS)
def test_record_is_the_one_that_the_contract_makes(
    result: Result, parent: Context, title: str, now: datetime
) -> None:
    event = QuizCompleted(
        result_id=result.attempt_id,
        quiz_id=result.quiz_id,
        quiz_title=title,
        participant_id=result.participant_id,
        group_id=result.group_id,
        district=result.district,
        points=result.points,
        points_max=result.points_max,
        score_percent=result.score_percent,
        passed=result.passed,
        time_used_seconds=result.time_used_seconds,
        completed_at=result.submitted_at,
        automatic=result.automatic,
    )
    told = enclose(event, source="kepu/quiz", cause=result.attempt_id, now=now, parent=parent)
    assert completed_records([(parent, result, title)], now) == [to_record(told)]
