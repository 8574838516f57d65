"""What an offered quiz remembers says the same as the rules."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.quiz.quizzes.offered import Offered
from services.quiz.quizzes.record import QuizRecord
from services.quiz.quizzes.rules import QuizId, day_of
from tests.quiz.builders import quiz

OPENS = datetime(2026, 3, 27, tzinfo=UTC)
CLOSES = OPENS + timedelta(days=5)
SECONDS = st.integers(0, 6 * 86_400)
# Clocks change in one of them during these days, and each has midnight at another hour.
ZONES = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "UTC"])


@given(ZONES, st.integers(10, 7_200), st.integers(0, 60), SECONDS, st.lists(SECONDS, min_size=1, max_size=20))
def test_days_are_those_of_the_rules(
    zone: str, duration_seconds: int, grace_seconds: int, closes_after: int, asked: list[int]
) -> None:
    of = quiz(
        opens_at=OPENS,
        closes_at=CLOSES,
        timezone=zone,
        duration_seconds=duration_seconds,
        grace_seconds=grace_seconds,
    )
    # It may have been closed early.
    closes_at = min(CLOSES, OPENS + timedelta(seconds=closes_after))
    offered = Offered(QuizRecord(QuizId("contest"), of, "open", closes_at, 1))
    for seconds in asked:
        moment = OPENS + timedelta(seconds=seconds)
        assert offered.day_of(moment) == day_of(of, moment)
