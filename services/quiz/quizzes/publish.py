"""The publication of a quiz: saved and told of together."""

from datetime import datetime, timedelta

from services.quiz.quizzes.rules import ATTEMPT_IDS, SOURCE, Quiz
from services.quiz.quizzes.store import QUIZZES_MAX, QuizRecord
from services.quiz.store import QuizStore
from shared.contracts.envelope import enclose
from shared.contracts.events import PublishedOption, PublishedQuestion, QuizPublished
from shared.messaging.consumer import EVENT_BYTES_MAX
from shared.runtime.errors import Conflict, Rejected

# Of an open quiz each version is kept: another system may have drawn a paper from it.
VERSIONS_MAX = 20
# A version replaced longer before the opening than this was never open to anybody, whatever their clock.
KEPT_BEFORE_OPENING = timedelta(seconds=60)


async def publish(store: QuizStore, quiz_id: str, quiz: Quiz, now: datetime) -> bool:
    """
    Publish a quiz, or change one that nobody has begun; False if it is published as it is.

    Raises:
        Conflict: somebody has begun it, or may be sitting it elsewhere: a change would be unfair. Or
            another change came between. Or there are `QUIZZES_MAX`.
        Rejected: it is over already, or does not fit an event.
    """
    record = await store.quizzes.read(quiz_id)
    if record and record.quiz == quiz:
        return False
    keep_earlier = record is not None and now >= record.quiz.opens_at - KEPT_BEFORE_OPENING
    if record:
        _check_change(record, quiz, now)
        if keep_earlier and await store.quizzes.versions_kept(quiz_id) >= VERSIONS_MAX:
            raise Conflict(f"quiz {quiz_id} has {VERSIONS_MAX} versions already", code="too_many_versions")
    elif len(await store.quizzes.revisions()) >= QUIZZES_MAX:
        raise Conflict(f"there are {QUIZZES_MAX} quizzes already", code="too_many_quizzes")
    if quiz.closes_at <= now:
        raise Rejected(f"quiz {quiz_id} would be over since {quiz.closes_at.isoformat()}", code="quiz_over")
    version = record.version if record else 0
    event = published(quiz_id, quiz, version + 1)
    # What no topic takes would stop the outbox for all that comes after it.
    if len(event.model_dump_json().encode()) > EVENT_BYTES_MAX:
        raise Rejected(f"quiz {quiz_id} has more than {EVENT_BYTES_MAX} bytes", code="quiz_too_large")
    told = enclose(event, source=SOURCE, cause=f"{quiz_id}/{version + 1}", now=now)
    if not await store.quizzes.publish(quiz_id, quiz, version, [told], keep_earlier=keep_earlier):
        raise Conflict(
            f"quiz {quiz_id} was changed or begun meanwhile: look at it again", code="quiz_changed"
        )
    return True


def _check_change(record: QuizRecord, quiz: Quiz, now: datetime) -> None:
    quiz_id = record.quiz_id
    if record.status != "open" or record.begun:
        raise Conflict(f"quiz {quiz_id} has attempts and cannot change", code="quiz_in_use")
    if now >= record.quiz.opens_at and not quiz.keeps_to(record.quiz):
        raise Conflict(
            f"quiz {quiz_id} has opened: its times, attempts and number of questions stay as they are",
            code="quiz_opened",
        )


def published(quiz_id: str, quiz: Quiz, version: int) -> QuizPublished:
    """What others are told: everything but key, explanation and source."""
    return QuizPublished(
        quiz_id=quiz_id,
        version=version,
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
