"""
A quiz as it is now: its definition, its status, its close and its corrections; when it accepts attempts and
submissions, and when it may change. All functions are pure.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from services.quiz.quizzes.rules import Quiz, QuizId
from shared.contracts.events import QuizSubmitted
from shared.contracts.topics import retention
from shared.runtime.errors import Conflict

Status = Literal["open", "closing", "closed", "cancelled"]
QUIZ_CANCELLED = "quiz_cancelled"
KEY_CORRECTED = "key_corrected"
QUESTION_CANCELLED = "question_cancelled"
POINTS_CHANGED = "points_changed"
QUESTION_TAKEN_OUT = "question_taken_out"
# Results may change so long after the close: as long as Kafka keeps the answers, so that an audit can
# recompute them, and as long as awards keeps the results.
CHANGED_AFTER_CLOSE = retention(QuizSubmitted)


class Correction(msgspec.Struct, frozen=True):
    """
    What an organiser has corrected in a quiz that somebody has begun.

    It says everything about the question that has ever been corrected, so of one question the last counts.

    Attributes:
        number: counts the corrections of the quiz, from 1.
        asked: the digest of the question as participants read it (keys.py). The correction is about every
            version of the quiz in which the question reads the same.
        key: the letters that are right now; None: the question is cancelled, and everybody who has it gets
            its points.
        points: what the question is worth now; None: what its version of the quiz says.
        taken_out: it is cancelled, and worth nothing.
        what: the code, if neither key nor cancellation is what has changed.
    """

    number: int
    question_id: str
    asked: str
    key: str | None
    reason: str
    who: str
    at: datetime
    points: float | None = None
    taken_out: bool = False
    what: str | None = None

    @property
    def code(self) -> str:
        """Why points change, as `quiz.regraded` says it."""
        return self.what or (QUESTION_CANCELLED if self.key is None else KEY_CORRECTED)


class Final(msgspec.Struct, frozen=True):
    """
    The final standings of a closed quiz.

    Attributes:
        version: 1 at the close, and one more for each time that they have changed since.
        closed_at: the moment of the close; None: it was closed before this was stored.
        revised_at: when they have changed, if they have.
    """

    version: int = 1
    closed_at: datetime | None = None
    revised_at: datetime | None = None


FIRST = Final()


@dataclass(frozen=True, slots=True)
class QuizRecord:
    """
    A quiz as it is now.

    Attributes:
        closes_at: as the definition says, or earlier after an early close.
        version: counts the definitions; events and attempts name it.
        frozen_at: standings show submissions until this moment; None if they are not frozen.
        revision: counts every change of the record, freezes and closings too.
        begun: somebody may have an attempt of this version, so it must stay.
        corrections: all that organisers have corrected since, in order.
        regrading: the number of the correction by which results are graded again now, if any.
        decided: counts what disqualifications have changed; 0: nobody was ever disqualified.
    """

    quiz_id: QuizId
    quiz: Quiz
    status: Status
    closes_at: datetime
    version: int
    frozen_at: datetime | None = None
    revision: int = 1
    begun: bool = False
    corrections: tuple[Correction, ...] = ()
    regrading: int | None = None
    decided: int = 0
    final: Final = FIRST

    @property
    def withholds_scores(self) -> bool:
        """True if only organisers may learn scores now."""
        return self.quiz.shows_scores == "at_close" and self.status != "closed"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a quiz accepts attempts and submissions. All moments have the zone `UTC`: those compare fast."""

    opens_at: datetime
    closes_at: datetime
    duration: timedelta
    grace: timedelta
    accepts_until: datetime

    def last_moment(self, started_at: datetime) -> datetime:
        """The last moment at which answers of an attempt may come in: its deadline and the grace together."""
        return min(started_at + self.duration, self.closes_at) + self.grace

    def is_over(self, deadline_at: datetime, now: datetime) -> bool:
        """
        True if it is too late for the answers of an attempt.

        Args:
            deadline_at: the last moment that was computed at the start; an early close may have come since.
        """
        return now > deadline_at or now > self.accepts_until


def schedule_of(quiz: Quiz, closes_at: datetime, status: Status = "open") -> Schedule:
    """
    When a quiz with this closing time accepts attempts and submissions. After a cancellation is no grace.
    """
    duration, grace = timedelta(seconds=quiz.duration_seconds), timedelta(seconds=quiz.grace_seconds)
    closes_at = closes_at.astimezone(UTC)
    return Schedule(
        quiz.opens_at.astimezone(UTC),
        closes_at,
        duration,
        grace,
        closes_at if status == "cancelled" else closes_at + grace,
    )


def not_open_yet(record: QuizRecord) -> Conflict:
    """The refusal of a request that must wait for the opening."""
    return Conflict(
        f"quiz {record.quiz_id} opens at {record.quiz.opens_at.isoformat()}", code="quiz_not_open"
    )


def cancelled(record: QuizRecord) -> Conflict:
    """The refusal of what a cancelled quiz does not allow any more."""
    return Conflict(f"quiz {record.quiz_id} was cancelled", code=QUIZ_CANCELLED)


def final(record: QuizRecord) -> Conflict:
    """The refusal of what would change final standings."""
    return Conflict(f"quiz {record.quiz_id} is closed, its standings are final", code="quiz_is_final")


def check_open(record: QuizRecord, now: datetime) -> None:
    """
    Accept a start if the quiz is open now.

    Raises:
        Conflict: the quiz has not opened yet, has closed, or was cancelled.
    """
    if record.status == "cancelled":
        raise cancelled(record)
    if now < record.quiz.opens_at:
        raise not_open_yet(record)
    if now >= record.closes_at or record.status != "open":
        raise Conflict(f"quiz {record.quiz_id} closed at {record.closes_at.isoformat()}", code="quiz_closed")


def is_open(record: QuizRecord, now: datetime) -> bool:
    """Whether anybody may start now."""
    try:
        check_open(record, now)
    except Conflict:
        return False
    return True


def check_change(record: QuizRecord, quiz: Quiz, now: datetime) -> None:
    """
    Accept a new definition.

    Raises:
        Conflict: somebody has an attempt of the quiz, or may have one in another system.
    """
    if record.status == "cancelled":
        raise cancelled(record)
    if record.status != "open" or record.begun:
        raise Conflict(f"quiz {record.quiz_id} has attempts and cannot change", code="quiz_in_use")
    if now >= record.quiz.opens_at and not quiz.keeps_to(record.quiz):
        raise Conflict(
            f"quiz {record.quiz_id} has opened: times, attempts, number of questions, points, whom it"
            " admits, how it ranks and when it shows scores stay",
            code="quiz_opened",
        )


def check_not_final(record: QuizRecord, now: datetime) -> None:
    """
    Check that results of a quiz may still change.

    Raises:
        Conflict: it was closed too long ago.
    """
    if record.status == "closed" and now > record.closes_at + CHANGED_AFTER_CLOSE:
        raise Conflict(
            f"quiz {record.quiz_id} was closed more than {CHANGED_AFTER_CLOSE.days} days ago: it is final",
            code="quiz_is_final",
            days=CHANGED_AFTER_CLOSE.days,
        )
