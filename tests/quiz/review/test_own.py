"""Which attempts somebody can have."""

from datetime import UTC, datetime, timedelta

from services.quiz.attempts.rules import attempt_id
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.record import QuizRecord
from services.quiz.quizzes.rules import QuizId, day_of
from services.quiz.review.own import OWN_ATTEMPTS_MAX, possible_attempts
from tests.quiz.builders import quiz

WANG = ParticipantId("wang")


def open_for(days: int, attempts_per_day: int) -> QuizRecord:
    opens_at = datetime(2026, 5, 20, 4, tzinfo=UTC)
    of = quiz(
        opens_at=opens_at,
        closes_at=opens_at + timedelta(days=days),
        timezone="Asia/Shanghai",
        attempts_per_day=attempts_per_day,
    )
    return QuizRecord(QuizId("contest"), of, "open", of.closes_at, 1)


def test_they_are_those_of_all_days_until_now_the_latest_first() -> None:
    of = open_for(7, 2)
    now = of.quiz.opens_at + timedelta(days=2)
    found = possible_attempts(of, WANG, now)
    today, first = day_of(of.quiz, now), day_of(of.quiz, of.quiz.opens_at)
    assert [(one.day, one.number) for one in (found[0], found[1], found[-1])] == [
        (today, 2),
        (today, 1),
        (first, 1),
    ]
    assert len(found) == 6
    assert all(one.attempt_id == attempt_id(of.quiz_id, WANG, one.day, one.number) for one in found)


def test_before_the_opening_there_are_none_and_after_the_close_no_more() -> None:
    of = open_for(7, 1)
    assert possible_attempts(of, WANG, of.quiz.opens_at - timedelta(days=3)) == []
    at_the_close = possible_attempts(of, WANG, of.closes_at)
    assert possible_attempts(of, WANG, of.closes_at + timedelta(days=99)) == at_the_close


def test_there_are_only_so_many() -> None:
    of = open_for(300, 20)
    assert len(possible_attempts(of, WANG, of.closes_at)) == OWN_ATTEMPTS_MAX
