"""What is said at the close of a quiz. Pure."""

from collections.abc import Sequence
from datetime import datetime

from services.quiz.quizzes.rules import QuizRecord
from services.quiz.scoring.rules import HALVES_A_QUESTION, score_percent
from services.quiz.standings.rules import ranked
from shared.contracts.events import FinalStanding, QuizClosed


def closed(
    record: QuizRecord, best_first: Sequence[tuple[str, int]], participants: int, now: datetime
) -> QuizClosed:
    """
    The event with the final standings.

    Args:
        best_first: participants and their orders, as many as the event may hold.
        participants: how many have a standing.
    """
    halves_max = HALVES_A_QUESTION * record.quiz.questions_a_paper
    return QuizClosed(
        quiz_id=record.quiz_id,
        quiz_title=record.quiz.title,
        closed_at=now,
        participants=participants,
        points_max=halves_max / HALVES_A_QUESTION,
        standings=tuple(
            FinalStanding(
                rank=standing.rank,
                participant_id=standing.participant_id,
                points=standing.place.halves / HALVES_A_QUESTION,
                score_percent=score_percent(standing.place.halves, halves_max),
                time_used_seconds=standing.place.time_used_seconds,
            )
            for standing in ranked(best_first, record.quiz.opens_at)
        ),
    )
