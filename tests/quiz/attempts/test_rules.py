"""Whose attempt is whose, and which one comes next."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.quiz.attempts.rules import attempt_id, next_attempt, possible_attempts
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.record import QuizRecord, schedule_of
from services.quiz.quizzes.rules import QuizId
from shared.runtime.errors import Rejected
from tests.quiz.builders import quiz

NOW = datetime(2026, 5, 20, 4, tzinfo=UTC)
OPEN = {"opens_at": NOW, "closes_at": NOW + timedelta(days=2)}
QUIZ_ID, WHO = QuizId("contest"), ParticipantId("wang")


@given(
    st.sets(
        st.tuples(st.sampled_from("ab"), st.sampled_from("cd"), st.dates(), st.integers(1, 20)), min_size=2
    )
)
def test_different_attempts_have_different_ids(sat: set[tuple[str, str, object, int]]) -> None:
    assert len({attempt_id(q, p, str(day), n) for q, p, day, n in sat}) == len(sat)


def test_attempts_are_possible_on_the_days_that_have_begun() -> None:
    ends = NOW + timedelta(days=364)
    year = quiz(opens_at=NOW, closes_at=ends, attempts_per_day=20, timezone="Asia/Shanghai")

    def until(moment: datetime) -> list[str]:
        return [*possible_attempts(QUIZ_ID, year, WHO, moment)]

    assert until(NOW - timedelta(days=1)) == []
    two_days = until(NOW + timedelta(days=1))
    assert two_days == [
        attempt_id(QUIZ_ID, WHO, day, number)
        for day in ("2026-05-20", "2026-05-21")
        for number in range(1, 21)
    ]
    # On the posters' clock the third day has begun.
    assert len(until(datetime(2026, 5, 21, 16, tzinfo=UTC))) == 60
    assert len(until(NOW + timedelta(days=999))) == 365 * 20


def test_the_next_attempt_follows_the_last_one_of_the_day() -> None:
    of = quiz(**OPEN, attempts_per_day=3)
    record, schedule = QuizRecord(QUIZ_ID, of, "open", of.closes_at, 7), schedule_of(of, of.closes_at)
    today = [attempt_id(QUIZ_ID, WHO, "2026-05-20", number) for number in (1, 2, 3)]
    later = next_attempt(record, schedule, WHO, today, [1, 2], NOW)
    assert (later.number, later.attempt_id, later.quiz_version) == (3, today[2], 7)
    with pytest.raises(Rejected) as refused:
        next_attempt(record, schedule, WHO, today, [1, 3], NOW)
    assert refused.value.code == "attempts_exhausted"
