"""What a quiz is in the words of the Contest API."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.quiz.quizzes.record import CHANGED_AFTER_CLOSE, Final, QuizRecord
from services.quiz.quizzes.rules import QuizId
from services.quiz.scoreboard.rules import contest_of, reltime_of, scoreboard_of, state_of, time_of
from services.quiz.standings.rules import OrderParts, Standing
from shared.contracts.events import Ties
from tests.quiz.builders import quiz

OPENS = datetime(2026, 5, 20, 1, tzinfo=UTC)
CLOSES = OPENS + timedelta(hours=3)


def record(ties: Ties = "time_used") -> QuizRecord:
    of = quiz(opens_at=OPENS, closes_at=CLOSES, ties=ties)
    return QuizRecord(QuizId("contest"), of, "open", CLOSES, 1)


def after(**span: float) -> datetime:
    return OPENS + timedelta(**span)


@pytest.mark.parametrize(
    ("span", "written"),
    [
        (timedelta(hours=1, minutes=22, seconds=5, milliseconds=34), "1:22:05.034"),
        (timedelta(), "0:00:00.000"),
        (timedelta(days=5, seconds=1), "120:00:01.000"),
        (-timedelta(minutes=15, seconds=32, milliseconds=457), "-0:15:32.457"),
    ],
)
def test_a_span_is_written_as_the_examples_of_the_contest_api_are(span: timedelta, written: str) -> None:
    assert reltime_of(span) == written


def test_a_moment_has_always_milliseconds() -> None:
    assert time_of(OPENS) == "2026-05-20T01:00:00.000Z"
    assert time_of(OPENS.replace(microsecond=34_999)) == "2026-05-20T01:00:00.034Z"


def test_the_state_says_what_has_happened_so_far() -> None:
    of = record()
    assert vars_of(of, after(hours=-1)) == {}
    assert vars_of(of, after(hours=1)) == {"started": time_of(OPENS)}
    frozen_at = after(hours=2)
    frozen = replace(of, frozen_at=frozen_at)
    # A freeze is told two seconds before.
    assert vars_of(frozen, frozen_at - timedelta(seconds=1)) == {"started": time_of(OPENS)}
    assert vars_of(frozen, frozen_at)["frozen"] == time_of(frozen_at)
    over = {"started": time_of(OPENS), "ended": time_of(CLOSES)}
    assert vars_of(of, CLOSES) == over
    closed = replace(of, status="closed", final=Final(1, after(hours=4)))
    assert vars_of(closed, after(hours=5)) == over | {"finalized": time_of(after(hours=4))}
    assert vars_of(replace(of, status="closed"), after(hours=5))["finalized"] == time_of(CLOSES)
    last = CLOSES + CHANGED_AFTER_CLOSE
    assert "end_of_updates" not in vars_of(closed, last)
    assert vars_of(closed, last + timedelta(seconds=1))["end_of_updates"] == time_of(last)
    early = replace(closed, closes_at=after(hours=1))
    assert vars_of(early, after(hours=5))["ended"] == time_of(after(hours=1))
    assert "finalized" not in vars_of(replace(of, status="cancelled"), after(hours=1))


def vars_of(of: QuizRecord, now: datetime) -> dict[str, str]:
    state = state_of(of, now)
    told = {name: getattr(state, name) for name in state.__struct_fields__}
    return {name: value for name, value in told.items() if value is not None}


@pytest.mark.parametrize(
    ("ties", "time"),
    [("time_used", "0:06:52.000"), ("earlier_finish", "0:31:07.500"), ("shared", None)],
)
def test_the_time_of_a_row_is_what_decides_between_equal_points(ties: Ties, time: str | None) -> None:
    parts = OrderParts(39, 412, after(minutes=31, seconds=7.5))
    board = scoreboard_of(record(ties), [Standing(1, "wang", parts)], ["7K3QM0R9"], after(hours=1))
    [row] = board.rows
    assert (row.rank, row.team_id, row.score.score, row.score.time) == (1, "7K3QM0R9", 19.5, time)
    assert (board.time, board.contest_time) == (time_of(after(hours=1)), "1:00:00.000")


def test_a_contest_is_as_long_as_the_quiz_was() -> None:
    contest = contest_of(replace(record(), closes_at=after(hours=2)))
    assert (contest.id, contest.start_time, contest.duration) == ("contest", time_of(OPENS), "2:00:00.000")
    assert contest.scoreboard_type == "score"
