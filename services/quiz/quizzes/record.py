"""
A quiz as it is now: its definition, its status, its close and its corrections; when it accepts attempts and
submissions, and when it may change. All functions are pure.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from services.quiz.quizzes.rules import Quiz, QuizId
from shared.runtime.errors import Conflict

Status = Literal["open", "closing", "closed"]
KEY_CORRECTED = "key_corrected"
QUESTION_CANCELLED = "question_cancelled"


class Correction(msgspec.Struct, frozen=True):
    """
    What an organiser has corrected in a quiz that somebody has begun.

    Attributes:
        number: counts the corrections of the quiz, from 1.
        asked: the digest of the question as participants read it (keys.py). The correction is about every
            version of the quiz in which the question reads the same.
        key: the letters that are right now; None: the question is cancelled, and everybody who has it gets
            its point.
    """

    number: int
    question_id: str
    asked: str
    key: str | None
    reason: str
    who: str
    at: datetime

    @property
    def code(self) -> str:
        """Why points change, as `quiz.regraded` says it."""
        return QUESTION_CANCELLED if self.key is None else KEY_CORRECTED


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


def schedule_of(quiz: Quiz, closes_at: datetime) -> Schedule:
    """When a quiz with this closing time accepts attempts and submissions."""
    duration, grace = timedelta(seconds=quiz.duration_seconds), timedelta(seconds=quiz.grace_seconds)
    closes_at = closes_at.astimezone(UTC)
    return Schedule(quiz.opens_at.astimezone(UTC), closes_at, duration, grace, closes_at + grace)


def not_open_yet(record: QuizRecord) -> Conflict:
    """The refusal of a request that must wait for the opening."""
    return Conflict(
        f"quiz {record.quiz_id} opens at {record.quiz.opens_at.isoformat()}", code="quiz_not_open"
    )


def check_open(record: QuizRecord, now: datetime) -> None:
    """
    Accept a start if the quiz is open now.

    Raises:
        Conflict: the quiz has not opened yet, or has closed.
    """
    if now < record.quiz.opens_at:
        raise not_open_yet(record)
    if now >= record.closes_at or record.status != "open":
        raise Conflict(f"quiz {record.quiz_id} closed at {record.closes_at.isoformat()}", code="quiz_closed")


def check_change(record: QuizRecord, quiz: Quiz, now: datetime) -> None:
    """
    Accept a new definition.

    Raises:
        Conflict: somebody has an attempt of the quiz, or may have one in another system.
    """
    if record.status != "open" or record.begun:
        raise Conflict(f"quiz {record.quiz_id} has attempts and cannot change", code="quiz_in_use")
    if now >= record.quiz.opens_at and not quiz.keeps_to(record.quiz):
        raise Conflict(
            f"quiz {record.quiz_id} has opened: times, attempts, number of questions, whom it admits,"
            " how it ranks and when it shows scores stay",
            code="quiz_opened",
        )
