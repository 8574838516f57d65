"""
The objects `scoreboard` and `contest` of the Contest API. All functions are pure.

A contest of the type `score` is one of points. Participants are its teams, and their aliases the teams' ids.

Source: ICPC, Contest API 2026-01 (https://ccs-specs.icpc.io/2026-01/contest_api)
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from services.quiz.quizzes.record import CHANGED_AFTER_CLOSE, QuizRecord
from services.quiz.scoring.rules import HALF_POINTS_A_POINT
from services.quiz.standings.rules import EARLIER_FINISH, SHARED, Standing
from shared.contracts.events import Ties

MILLISECOND = timedelta(milliseconds=1)


class ContestState(msgspec.Struct, frozen=True):
    """When what has happened; None: not yet, or not known."""

    started: str | None
    ended: str | None
    frozen: str | None
    thawed: str | None
    finalized: str | None
    end_of_updates: str | None


class Score(msgspec.Struct, frozen=True, omit_defaults=True):
    """The points, and the time that decides between equal ones, if the quiz has one."""

    score: float
    time: str | None = None


class ScoreboardRow(msgspec.Struct, frozen=True):
    """One participant."""

    rank: int
    team_id: str
    score: Score


class Scoreboard(msgspec.Struct, frozen=True):
    """The first standings of a quiz at a moment."""

    time: str
    contest_time: str
    state: ContestState
    rows: list[ScoreboardRow]


class Contest(msgspec.Struct, frozen=True):
    """A quiz as a contest."""

    id: str
    name: str
    start_time: str
    duration: str
    scoreboard_type: str = "score"


def time_of(moment: datetime) -> str:
    """A moment, such as 2026-05-20T09:31:07.500Z: with milliseconds, since all have to have them or none."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def reltime_of(span: timedelta) -> str:
    """A span of time, such as 1:22:05.034 or -0:15:00.000."""
    milliseconds = span // MILLISECOND
    seconds, rest = divmod(abs(milliseconds), 1_000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{'-' if milliseconds < 0 else ''}{hours}:{minute:02}:{second:02}.{rest:03}"


def state_of(record: QuizRecord, now: datetime) -> ContestState:
    """
    The state of a quiz.

    When a freeze has ended is not stored. So a thawed quiz looks as if it had never been frozen.
    """
    is_final = record.status == "closed"
    ended = is_final or record.status in ("closing", "cancelled") or now >= record.closes_at
    started = ended or now >= record.quiz.opens_at
    # It is told two seconds before.
    frozen = record.frozen_at if record.frozen_at and now >= record.frozen_at else None
    last = record.closes_at + CHANGED_AFTER_CLOSE
    return ContestState(
        started=time_of(record.quiz.opens_at) if started else None,
        ended=time_of(record.closes_at) if ended else None,
        frozen=time_of(frozen) if frozen else None,
        thawed=None,
        # Of a quiz that was closed long ago the moment of the close is not stored.
        finalized=time_of(record.final.closed_at or record.closes_at) if is_final else None,
        end_of_updates=time_of(last) if is_final and now > last else None,
    )


def scoreboard_of(
    record: QuizRecord, standings: Sequence[Standing], aliases: Sequence[str], now: datetime
) -> Scoreboard:
    """
    The scoreboard of a quiz.

    Args:
        standings: the first ones, in order.
        aliases: theirs.
    """
    opens_at, ties = record.quiz.opens_at, record.quiz.ties
    return Scoreboard(
        time=time_of(now),
        contest_time=reltime_of(now - opens_at),
        state=state_of(record, now),
        rows=[
            ScoreboardRow(
                one.rank,
                alias,
                Score(one.parts.half_points / HALF_POINTS_A_POINT, _deciding_time(one, opens_at, ties)),
            )
            for one, alias in zip(standings, aliases, strict=True)
        ],
    )


def contest_of(record: QuizRecord) -> Contest:
    """The quiz as a contest."""
    quiz = record.quiz
    return Contest(
        record.quiz_id, quiz.title, time_of(quiz.opens_at), reltime_of(record.closes_at - quiz.opens_at)
    )


def _deciding_time(one: Standing, opens_at: datetime, ties: Ties) -> str | None:
    if ties == SHARED:
        return None
    if ties == EARLIER_FINISH:
        return reltime_of(max(one.parts.finished_at - opens_at, timedelta()))
    return reltime_of(timedelta(seconds=one.parts.time_used_seconds))
