"""The event `quiz.closed`. Pure: the same final standings give the same event every time."""

from collections.abc import Sequence
from datetime import datetime

from services.quiz.quizzes.keys import Keys, half_points_max_of
from services.quiz.quizzes.record import QuizRecord
from services.quiz.scoring.rules import HALF_POINTS_A_POINT, score_percent
from services.quiz.standings.rules import ranked
from shared.contracts.envelope import Envelope, enclose
from shared.contracts.events import FinalStanding, QuizClosed
from shared.contracts.sources import QUIZ


def closed(
    record: QuizRecord,
    best_first: Sequence[tuple[str, int]],
    participants: int,
    now: datetime,
    *,
    version: int = 1,
) -> Envelope[QuizClosed]:
    """
    The event with the final standings.

    Args:
        best_first: participants and their orders, up to the limit of the event.
        participants: how many have a standing.
        version: 1 at the close, and one more for each time that they are revised.
    """
    ties = record.quiz.ties
    half_points_max = half_points_max_of(record.quiz, Keys(record.corrections))
    event = QuizClosed(
        quiz_id=record.quiz_id,
        quiz_title=record.quiz.title,
        closed_at=record.final.closed_at or now,
        participants=participants,
        points_max=half_points_max / HALF_POINTS_A_POINT,
        ties=ties,
        counts=record.quiz.counts,
        standings=tuple(
            FinalStanding(
                rank=standing.rank,
                participant_id=standing.participant_id,
                points=standing.parts.half_points / HALF_POINTS_A_POINT,
                score_percent=score_percent(standing.parts.half_points, half_points_max),
                time_used_seconds=standing.parts.time_used_seconds,
                finished_at=standing.parts.finished_at,
            )
            for standing in ranked(best_first, record.quiz.opens_at, ties)
        ),
        version=version,
    )
    cause = record.quiz_id if version == 1 else f"{record.quiz_id}/{version}"
    return enclose(event, source=QUIZ, cause=cause, now=now)
