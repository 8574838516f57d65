"""Publish a quiz, or change it: the definition and `quiz.published` are saved together."""

from datetime import datetime, timedelta

from services.quiz.quizzes.events import published
from services.quiz.quizzes.record import check_change
from services.quiz.quizzes.rules import Quiz
from services.quiz.quizzes.store import QUIZZES_MAX, ChangedError, QuizStore
from shared.contracts.origin import UNKNOWN_ORIGIN, Origin
from shared.runtime.errors import Conflict, Rejected
from shared.storage.unit_of_work import UnitOfWork, save_together

# Every version of an open quiz is kept: another system may have drawn a paper from it.
VERSIONS_MAX = 20
# A version that is replaced earlier than this before the opening was open to nobody, even if clocks differ.
KEPT_BEFORE_OPENING = timedelta(seconds=60)


async def publish(
    quizzes: QuizStore, quiz_id: str, quiz: Quiz, now: datetime, origin: Origin = UNKNOWN_ORIGIN
) -> bool:
    """
    Publish a quiz, or change one that nobody has begun; False if nothing changes.

    Raises:
        Conflict: somebody has begun it, or may have an attempt of it in another system: a change would be
            unfair. Or another change came in between. Or there are already `QUIZZES_MAX`.
        Rejected: it is over already, or does not fit an event.
    """
    record = await quizzes.read(quiz_id)
    if record and record.quiz == quiz:
        return False
    keep_earlier = record is not None and now >= record.quiz.opens_at - KEPT_BEFORE_OPENING
    if record:
        check_change(record, quiz, now)
        if keep_earlier and await quizzes.versions_kept(quiz_id) >= VERSIONS_MAX:
            raise Conflict(f"quiz {quiz_id} has {VERSIONS_MAX} versions already", code="too_many_versions")
    elif len(await quizzes.revisions()) >= QUIZZES_MAX:
        raise Conflict(f"there are {QUIZZES_MAX} quizzes already", code="too_many_quizzes")
    if quiz.closes_at <= now:
        raise Rejected(f"quiz {quiz_id} would be over since {quiz.closes_at.isoformat()}", code="quiz_over")
    earlier = record.version if record else 0
    envelope = published(quiz_id, quiz, earlier + 1, now, origin)
    # The outbox refuses such an event too, but only with the general code `too_large`.
    if len(envelope.event.model_dump_json().encode()) > envelope.event.bytes_max:
        raise Rejected(
            f"quiz {quiz_id} has more than {envelope.event.bytes_max} bytes", code="quiz_too_large"
        )

    async def work(unit: UnitOfWork) -> None:
        await quizzes.add_version(unit, quiz_id, quiz, earlier, keep_earlier=keep_earlier)
        unit.publish(envelope)

    try:
        await save_together(quizzes.database, work)
    except ChangedError:
        raise Conflict(
            f"quiz {quiz_id} was changed or begun meanwhile: look at it again", code="quiz_changed"
        ) from None
    return True
