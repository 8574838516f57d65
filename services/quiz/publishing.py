"""The publication of a quiz: saved and told of together."""

from datetime import datetime

from services.quiz.rules import ATTEMPT_IDS, Quiz
from services.quiz.store import QUIZZES_MAX, QuizStore
from shared.contracts.envelope import enclose
from shared.contracts.events import PublishedOption, PublishedQuestion, QuizPublished
from shared.messaging.consumer import EVENT_BYTES_MAX
from shared.runtime.errors import Conflict, Rejected

SOURCE = "kepu/quiz"


async def publish(store: QuizStore, quiz_id: str, quiz: Quiz, now: datetime) -> bool:
    """
    Publish a quiz, or change one that nobody has begun; False if it is published as it is.

    Raises:
        Conflict: somebody has begun it: a change would be unfair. Or another change came between.
            Or there are `QUIZZES_MAX`.
        Rejected: it does not fit an event.
    """
    record = await store.quiz(quiz_id)
    if record and record.quiz == quiz:
        return False
    if record and (record.status != "open" or await store.has_attempts(quiz_id)):
        raise Conflict(f"quiz {quiz_id} has attempts and cannot change", code="quiz_in_use")
    if record is None and len(await store.versions()) >= QUIZZES_MAX:
        raise Conflict(f"there are {QUIZZES_MAX} quizzes already", code="too_many_quizzes")
    version = record.version if record else 0
    event = published(quiz_id, quiz)
    # What no topic takes would stop the outbox for all that comes after it.
    if len(event.model_dump_json().encode()) > EVENT_BYTES_MAX:
        raise Rejected(f"quiz {quiz_id} has more than {EVENT_BYTES_MAX} bytes", code="quiz_too_large")
    told = enclose(event, source=SOURCE, cause=f"{quiz_id}/{version + 1}", now=now)
    if not await store.publish(quiz_id, quiz, version, [told]):
        raise Conflict(f"quiz {quiz_id} was changed meanwhile: look at it again", code="quiz_changed")
    return True


def published(quiz_id: str, quiz: Quiz) -> QuizPublished:
    """What others are told: everything but key, explanation and source."""
    return QuizPublished(
        quiz_id=quiz_id,
        title=quiz.title,
        opens_at=quiz.opens_at,
        closes_at=quiz.closes_at,
        timezone=quiz.timezone,
        duration_seconds=quiz.duration_seconds,
        grace_seconds=quiz.grace_seconds,
        attempts_per_day=quiz.attempts_per_day,
        pass_percent=quiz.pass_percent,
        papers=quiz.papers,
        attempt_ids=str(ATTEMPT_IDS),
        blueprint=quiz.blueprint,
        questions=tuple(
            PublishedQuestion(
                id=question.id,
                topic_name=question.topic,
                kind=question.kind,
                text=question.text,
                options=tuple(PublishedOption(id=option.id, text=option.text) for option in question.options),
            )
            for question in quiz.questions
        ),
    )
