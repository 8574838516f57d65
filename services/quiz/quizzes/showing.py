"""Who may see what follows from scores, and from when on. All functions are pure."""

from services.quiz.quizzes.record import QuizRecord
from shared.runtime import acting
from shared.runtime.acting import Organiser
from shared.runtime.errors import Conflict


def not_closed_yet(record: QuizRecord) -> Conflict:
    """The refusal of a request that must wait for the close."""
    return Conflict(f"quiz {record.quiz_id} is not closed yet", code="quiz_not_closed")


def check_scores_shown(record: QuizRecord, by: Organiser | None) -> None:
    """
    Accept a question for what follows from scores, such as standings.

    Args:
        by: the organiser who asks, if it is one. Viewers and the door may sit the quiz too.
    Raises:
        Conflict: the quiz withholds its scores.
    """
    if record.withholds_scores and (by is None or by.role not in acting.ORGANISER):
        raise not_closed_yet(record)
