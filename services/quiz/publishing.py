"""The publication of a quiz: saved and told of together."""

from datetime import datetime

from services.quiz.rules import ATTEMPT_IDS, Quiz
from services.quiz.store import QuizStore
from shared.envelope import enclose
from shared.errors import Conflict
from shared.events import PublishedOption, PublishedQuestion, QuizPublished

SOURCE = "kepu/quiz"


async def publish(store: QuizStore, quiz_id: str, quiz: Quiz, now: datetime) -> bool:
    """
    Publish a quiz, or change one that nobody has begun; False if it is published as it is.

    Raises:
        Conflict: somebody has begun it: a change would be unfair.
    """
    record = await store.quiz(quiz_id)
    if record and record.quiz == quiz:
        return False
    if record and (record.status != "open" or await store.has_attempts(quiz_id)):
        raise Conflict(f"quiz {quiz_id} has attempts and cannot change", code="quiz_in_use")
    version = record.version + 1 if record else 1
    event = _published(quiz_id, quiz)
    await store.publish(quiz_id, quiz, [enclose(event, source=SOURCE, cause=f"{quiz_id}/{version}", now=now)])
    return True


def _published(quiz_id: str, quiz: Quiz) -> QuizPublished:
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
