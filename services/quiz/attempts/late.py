"""What came after the deadline of an attempt: whether the end of its quiz was moved meanwhile. No I/O."""

from datetime import datetime

from services.quiz.attempts.tokens import AttemptClaims
from services.quiz.quizzes.offered import Offered
from services.quiz.quizzes.record import cancelled
from shared.runtime import clock
from shared.runtime.errors import Conflict


def check_more_time(offered: Offered, claims: AttemptClaims, now: datetime) -> None:
    """
    Accept answers that are late by their token, if the quiz ends later by now and the attempt has more time.

    Raises:
        Conflict: the time is over, or the quiz was cancelled.
    """
    schedule = offered.schedule
    if not schedule.is_over(schedule.last_moment(clock.from_epoch_ms(claims.started_ms)), now):
        return
    if offered.record.status == "cancelled":
        raise cancelled(offered.record)
    raise Conflict(f"attempt {claims.attempt_id}: the time is over", code="attempt_late")
