"""Publish a quiz, or change it: the definition and `quiz.published` are saved together."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from services.quiz.quizzes.changes import ChangedError, removed_version
from services.quiz.quizzes.events import published
from services.quiz.quizzes.names import take_name
from services.quiz.quizzes.record import QuizRecord, check_change
from services.quiz.quizzes.rules import Quiz
from services.quiz.quizzes.store import QUIZZES_MAX, QuizStore
from shared.contracts.envelope import Envelope
from shared.contracts.events import QuizPublished
from shared.contracts.origin import UNKNOWN_ORIGIN, Origin
from shared.runtime.errors import Conflict, Outdated, Rejected
from shared.storage.unit_of_work import UnitOfWork, save_together

# Every version of an open quiz is kept: another system may have drawn a paper from it.
VERSIONS_MAX = 20
# A version that is replaced earlier than this before the opening was open to nobody, even if clocks differ.
KEPT_BEFORE_OPENING = timedelta(seconds=60)

Matching = Callable[[int | None], bool]
Before = Callable[[UnitOfWork], Awaitable[None]]


async def publish(
    quizzes: QuizStore,
    quiz_id: str,
    quiz: Quiz,
    now: datetime,
    origin: Origin = UNKNOWN_ORIGIN,
    *,
    matches: Matching = lambda version: True,
    before: Before | None = None,
) -> bool:
    """
    Publish a quiz, or change one that nobody has begun; False if nothing changes.

    Args:
        matches: whether the version before, None for a new quiz, is what the organiser has read.
        before: what is saved together with the quiz, and comes first.
    Raises:
        Conflict: somebody has begun it, or may have an attempt of it in another system: a change would be
            unfair. Or another change came in between. Or there are already `QUIZZES_MAX`. Or there is a draft
            of this name.
        Rejected: it is over already, or does not fit an event.
        Outdated: somebody has changed it since it was read.
    """
    record = await quizzes.read(quiz_id)
    check_version(quiz_id, record, matches)
    if record and record.quiz == quiz:
        return False
    keep_earlier = record is not None and now >= record.quiz.opens_at - KEPT_BEFORE_OPENING
    if record:
        check_change(record, quiz, now)
        if keep_earlier:
            await check_versions(quizzes, quiz_id, VERSIONS_MAX)
    elif len(await quizzes.revisions()) >= QUIZZES_MAX:
        raise Conflict(f"there are {QUIZZES_MAX} quizzes already", code="too_many_quizzes")
    if quiz.closes_at <= now:
        raise Rejected(f"quiz {quiz_id} would be over since {quiz.closes_at.isoformat()}", code="quiz_over")
    earlier = record.version if record else await removed_version(quizzes.database, quiz_id)
    envelope = fitting(published(quiz_id, quiz, earlier + 1, now, origin))

    async def work(unit: UnitOfWork) -> None:
        if before:
            await before(unit)
        if record is None:
            await take_name(quizzes.database, unit, quiz_id)
        await quizzes.add_version(
            unit, quiz_id, quiz, earlier, keep_earlier=keep_earlier, is_new=record is None
        )
        unit.publish(envelope)

    try:
        await save_together(quizzes.database, work)
    except ChangedError:
        raise changed(quiz_id) from None
    return True


def check_version(quiz_id: str, record: QuizRecord | None, matches: Matching) -> None:
    """
    Check that the organiser has read this version.

    Raises:
        Outdated: somebody has changed the quiz since, or it exists already.
    """
    if not matches(record.version if record else None):
        raise Outdated(f"quiz {quiz_id} has changed since you read it; read it again", code="quiz_differs")


async def check_versions(quizzes: QuizStore, quiz_id: str, most: int) -> None:
    """
    Check that one more version can be kept.

    Raises:
        Conflict: there are `most` already.
    """
    if await quizzes.versions_kept(quiz_id) >= most:
        raise Conflict(f"quiz {quiz_id} has {most} versions already", code="too_many_versions")


def fitting(envelope: Envelope[QuizPublished]) -> Envelope[QuizPublished]:
    """
    The event, if it is not too large.

    Raises:
        Rejected: it is. The outbox refuses such an event too, but only with the general code `too_large`.
    """
    event = envelope.event
    if len(event.model_dump_json().encode()) > event.bytes_max:
        raise Rejected(f"quiz {event.quiz_id} has more than {event.bytes_max} bytes", code="quiz_too_large")
    return envelope


def changed(quiz_id: str) -> Conflict:
    """The refusal of a change that met another one."""
    return Conflict(f"quiz {quiz_id} was changed or begun meanwhile: look at it again", code="quiz_changed")
