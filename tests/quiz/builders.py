"""Quizzes, submissions, attempts and events, for the tests of quiz; parts.py has the parts of a worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import msgspec

from services.quiz.app import QuizSettings, assemble
from services.quiz.attempts.rules import Attempt, attempt_id
from services.quiz.attempts.submission import Submission
from services.quiz.attempts.tokens import AttemptClaims, AttemptTokens
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.papers import Paper, lay_out, paper_number
from services.quiz.quizzes.questions import Option, Question
from services.quiz.quizzes.record import schedule_of
from services.quiz.quizzes.rules import Quiz, QuizId, day_of
from shared.contracts.envelope import Envelope, enclose
from shared.contracts.events import ParticipantErased, ParticipantJoined, QuestionKind, QuizSubmitted
from shared.messaging.received import Batch
from shared.runtime import clock
from shared.storage.mongo import Database
from tests.support.service import NO_KAFKA, as_participant, bearer, copies_of, received, settings_of

ATTEMPT_KEY = "a-secret-of-at-least-thirty-two-characters"


def question(number: int, topic: str = "天文", kind: QuestionKind = "single", key: str = "A") -> Question:
    letters = "AB" if kind == "true_false" else "ABCD"
    return Question(
        id=f"q{number}",
        topic=topic,
        kind=kind,
        text=f"第{number}题？",
        options=tuple(Option(id=letter, text=f"{number}{letter}") for letter in letters),
        key=key,
    )


def quiz(**changes: object) -> Quiz:
    """Open now; ten questions of two topics, five on a paper; every right answer is A."""
    now = clock.now()
    fields: dict[str, object] = {
        "title": "科普知识竞赛",
        "opens_at": now - timedelta(hours=1),
        "closes_at": now + timedelta(hours=1),
        "timezone": noon_zone(now),
        "papers": 16,
        "blueprint": {"天文": 3, "健康": 2},
        "questions": tuple(question(n, "天文" if n < 6 else "健康") for n in range(10)),
    }
    return Quiz.model_validate(fields | changes)


def noon_zone(now: datetime) -> str:
    """A zone in which it is about noon: what tests begin in minutes is on one day, whenever they run."""
    hours = 12 - now.astimezone(UTC).hour
    # POSIX counts to the west.
    return f"Etc/GMT{-hours:+d}" if hours else "UTC"


def paper(quiz_id: str, of: Quiz, attempt_id_: str) -> Paper:
    return lay_out(quiz_id, of, paper_number(attempt_id_, of.papers))


def submission(
    quiz_id: str,
    of: Quiz,
    participant_id: str | None = None,
    *,
    right: int = 5,
    number: int = 1,
    seconds: int = 60,
    district: str | None = "华龙区",
    submitted_at: datetime | None = None,
    version: int | None = None,
) -> Submission:
    """Answers of which `right` are right, given within `seconds`."""
    who = participant_id or str(uuid4())
    submitted = submitted_at or datetime.now(UTC)
    started = submitted - timedelta(seconds=seconds)
    id_ = attempt_id(quiz_id, who, day_of(of, started), number)
    ids = sorted(paper(quiz_id, of, id_).question_ids)
    answers = {one: "A" if place < right else "B" for place, one in enumerate(ids)}
    return Submission(id_, quiz_id, who, number, started, submitted, answers, None, district, version)


def as_resident(participant_id: str) -> dict[str, str]:
    """A participant whose token names a district, so that no submission waits for a profile."""
    return as_participant(participant_id, district="华龙区")


def settings(*, mongo: str, kafka: str = NO_KAFKA, **changes: object) -> QuizSettings:
    return settings_of(QuizSettings, mongo=mongo, kafka=kafka, attempt_key=ATTEMPT_KEY, **changes)


@asynccontextmanager
async def service(
    mongo: str, *, kafka: str = NO_KAFKA, copies: int = 1, **changes: object
) -> AsyncIterator[tuple[list[httpx.AsyncClient], Database]]:
    """Copies of the service on one database, and that database."""
    of = settings(mongo=mongo, kafka=kafka, **changes)
    async with copies_of(assemble, of, of.database, copies=copies) as clients_and_database:
        yield clients_and_database


def attempt(
    quiz_id: str, of: Quiz, who: str, *, number: int = 1, started_at: datetime | None = None
) -> Attempt:
    """An attempt as a start would have made it."""
    started = started_at or datetime.now(UTC)
    id_ = attempt_id(quiz_id, who, day_of(of, started), number)
    deadline_at = schedule_of(of, of.closes_at).last_moment(started)
    return Attempt(id_, QuizId(quiz_id), ParticipantId(who), number, started, deadline_at, 1)


def token(
    of: Attempt, key: str = ATTEMPT_KEY, district: str | None = "华龙区", group_id: str | None = None
) -> dict[str, str]:
    """The header that opens the submission of an attempt."""
    claims = AttemptClaims(
        of.attempt_id,
        of.quiz_id,
        of.participant_id,
        of.number,
        round(of.started_at.timestamp() * 1000),
        round(of.deadline_at.timestamp() * 1000),
        group_id,
        district,
        of.quiz_version,
    )
    return bearer(AttemptTokens(key).sign(claims))


def envelope(sent: Submission, nth: int = 1) -> Envelope[QuizSubmitted]:
    """The event by which any other system submits; the nth that it sends of this attempt."""
    event = QuizSubmitted(**msgspec.structs.asdict(sent))
    return enclose(event, source="another/system", cause=f"{sent.attempt_id}/{nth}", now=datetime.now(UTC))


def batch(*submissions: Submission, nth: int = 1, appended_at: datetime | None = None) -> Batch[Submission]:
    return Batch([received(envelope(one, nth), one, appended_at) for one in submissions])


def people(*events: ParticipantJoined | ParticipantErased) -> Batch[ParticipantJoined | ParticipantErased]:
    now = datetime.now(UTC)
    return Batch(
        [
            received(enclose(event, source="kepu/registration", cause=str(uuid4()), now=now))
            for event in events
        ]
    )


def joined(
    who: str, group_id: str | None = "school-1", district: str | None = "范县", version: int = 1
) -> ParticipantJoined:
    return ParticipantJoined(
        participant_id=who,
        version=version,
        kind="person",
        group_id=group_id,
        district=district,
        audience="youth",
        language="zh-CN",
        contact_sealed=None,
    )


def erased(who: str, version: int = 2) -> ParticipantErased:
    return ParticipantErased(participant_id=who, version=version, erased_at=datetime.now(UTC))
