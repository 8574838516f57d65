"""When the life of a published quiz may change. All functions are pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NewType

import msgspec

from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.record import QuizRecord, cancelled, final
from services.quiz.quizzes.rules import LOG_DELAY_SECONDS_MAX, NOTICE_SECONDS, QUIZ_DAYS_MAX, Quiz
from shared.runtime.errors import Conflict, NotFound, Rejected

CancellationId = NewType("CancellationId", str)

# Later ends, beyond the versions that organisers may use for other changes: an emergency must not be refused.
EXTENSIONS_KEPT_FREE = 10
# What was saved is handed in so long after the end, at the earliest. With clocks that differ, a quiz is
# opened again before that or never.
REOPENED_WITHIN = timedelta(seconds=LOG_DELAY_SECONDS_MAX - 5)
# After it, every process knows of the cancellation, and what it accepted before is graded.
TOLD_AFTER = timedelta(seconds=LOG_DELAY_SECONDS_MAX)
NOTICE = timedelta(seconds=NOTICE_SECONDS)
BY_ORGANISER = "by_organiser"
REMOVED = "quiz_removed"
# Disqualified people who are reinstated with a removal: they are saved with it.
REINSTATED_MAX = 200


class Words(msgspec.Struct, frozen=True):
    """Other words of a question, which nobody answers; None: they stay."""

    explanation: str | None = None
    source: str | None = None


class Cancellation(msgspec.Struct, frozen=True):
    """
    A cancelled quiz, and how far those who took part were told.

    Attributes:
        version: the last one of the quiz.
        tell_after: not earlier.
        portions: all ids of attempts, in so many portions; 0 until it begins.
        portions_told: it goes on after these.
        told: people who were told. Somebody with attempts in several portions is counted several times, and
            gets one message.
    """

    cancellation_id: CancellationId
    quiz_id: str
    version: int
    title: str
    code: str
    text: str
    cancelled_at: datetime
    tell_after: datetime
    portions: int = 0
    portions_told: int = 0
    told: int = 0
    unfinished: bool = True


def cancellation_id(quiz_id: str, version: int) -> CancellationId:
    """A quiz is cancelled once; a new one of the same name has a higher version."""
    return CancellationId(f"{quiz_id}/{version}")


def extended(record: QuizRecord, closes_at: datetime, now: datetime) -> Quiz | None:
    """
    The quiz with a later end; None if it ends then already.

    Raises:
        Conflict: it is closing, closed or cancelled.
        Rejected: the end is earlier, or the quiz would be too long.
    """
    check_not_final(record)
    if record.status == "closing" or record.closes_at <= now + NOTICE:
        raise _closing(record)
    if closes_at == record.closes_at:
        return None
    if closes_at < record.closes_at:
        raise Rejected(
            f"quiz {record.quiz_id} ends at {record.closes_at.isoformat()}: the end only moves later",
            code="end_not_later",
        )
    if closes_at - record.quiz.opens_at > timedelta(days=QUIZ_DAYS_MAX):
        raise Rejected(
            f"a quiz may be open for {QUIZ_DAYS_MAX} days", code="quiz_too_long", days=QUIZ_DAYS_MAX
        )
    return _with(record.quiz, {"closes_at": closes_at})


def check_reopenable(record: QuizRecord, now: datetime) -> bool:
    """
    Whether a quiz is to be opened again; False if it is open.

    Raises:
        Conflict: it is closed or cancelled, or its end by definition is over.
    """
    check_not_final(record)
    if record.status == "open":
        return False
    if record.quiz.closes_at <= now + NOTICE:
        raise _closing(record)
    return True


def reworded(record: QuizRecord, title: str | None, words: Mapping[str, Words]) -> Quiz | None:
    """
    The quiz with another title, and other explanations and sources; None if it has these words already.

    Raises:
        NotFound: the quiz has no such question.
        Conflict: it was cancelled.
    """
    if record.status == "cancelled":
        raise cancelled(record)
    quiz = record.quiz
    if unknown := sorted(words.keys() - {one.id for one in quiz.questions}):
        raise NotFound(f"quiz {record.quiz_id} has no question {unknown[0]}", code="question_not_in_quiz")
    after = _with(
        quiz,
        {
            "title": quiz.title if title is None else title,
            "questions": tuple(_reworded(one, words.get(one.id, Words())) for one in quiz.questions),
        },
    )
    return None if after == quiz else after


def check_removable(record: QuizRecord) -> None:
    """
    Check that a quiz may be removed.

    Raises:
        Conflict: somebody has begun it; or it is closed: its final standings are published under its name.
    """
    if record.begun:
        raise Conflict(f"quiz {record.quiz_id} has attempts: cancel it", code="quiz_in_use")
    if record.status == "closed":
        raise final(record)


def check_few_decisions(quiz_id: str, disqualified: int) -> None:
    """
    Check that all who are disqualified in a quiz can be reinstated with its removal.

    Raises:
        Conflict: they are too many.
    """
    if disqualified > REINSTATED_MAX:
        raise Conflict(
            f"more than {REINSTATED_MAX} people are disqualified in quiz {quiz_id}: cancel it",
            code="quiz_in_use",
        )


def check_not_final(record: QuizRecord) -> None:
    """
    Check that a quiz is neither closed nor cancelled.

    Raises:
        Conflict: it is.
    """
    if record.status == "cancelled":
        raise cancelled(record)
    if record.status == "closed":
        raise final(record)


def _closing(record: QuizRecord) -> Conflict:
    return Conflict(f"quiz {record.quiz_id} closed at {record.closes_at.isoformat()}", code="quiz_closed")


def _reworded(question: Question, words: Words) -> Question:
    changed: dict[str, Any] = {
        name: said
        for name in ("explanation", "source")
        if (said := getattr(words, name)) is not None and said != getattr(question, name)
    }
    return question.model_copy(update=changed) if changed else question


def _with(quiz: Quiz, changed: dict[str, Any]) -> Quiz:
    return quiz.model_copy(update=changed)
