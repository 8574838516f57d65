"""Whether answers came in time: by the deadline of their attempt, and by the clock of the broker. No I/O."""

from datetime import datetime

from services.quiz.attempts.tokens import AttemptClaims
from services.quiz.quizzes.offered import Offered
from services.quiz.quizzes.record import cancelled
from shared.messaging.appended import Appended
from shared.runtime import clock
from shared.runtime.errors import Conflict, Unavailable

# Grading refuses what says that it was sent a minute after it was appended (grading/rules.py).
AHEAD_MS_MAX = 50_000


class ClockDoubtful(Unavailable):
    """Our clock and the broker's differ, or it took too long: grading may refuse the answers."""


def check_moment(sent_at: datetime, appended: Appended | None, now: datetime, seconds_max: float) -> None:
    """
    Check that grading will find these answers in time, since it also looks at the broker's time.

    The clock of this process may be wrong, or the process may have stood still.

    Args:
        sent_at: as it is in the log.
        appended: None: the broker did not say. Then our own clock has to do.
        seconds_max: from `sent_at` to the append.
    Raises:
        ClockDoubtful: it may be refused, so it must not be acknowledged.
    """
    first_ms, last_ms = appended or (clock.epoch_ms(now),) * 2
    sent_ms = clock.epoch_ms(sent_at)
    if sent_ms - first_ms > AHEAD_MS_MAX or last_ms - sent_ms > seconds_max * 1000:
        raise ClockDoubtful("it cannot be told whether this was in time; send it again")


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
