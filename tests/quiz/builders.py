"""Quizzes, submissions and a running quiz service, for the tests of quiz."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import msgspec
from aiokafka import ConsumerRecord
from fastapi import FastAPI

from services.quiz.app import QuizSettings, assemble
from services.quiz.attempts.submission import Submission
from services.quiz.attempts.tokens import AttemptClaims, AttemptTokens
from services.quiz.grading.handlers import Grading
from services.quiz.quizzes.catalogue import Catalogue, offering
from services.quiz.quizzes.papers import Paper, lay_out
from services.quiz.quizzes.publish import publish
from services.quiz.quizzes.rules import (
    Attempt,
    Option,
    ParticipantId,
    Question,
    Quiz,
    QuizId,
    attempt_id,
    day_of,
    deadline,
    paper_number,
)
from services.quiz.store import QuizStore
from shared.contracts.envelope import Envelope, enclose
from shared.contracts.events import (
    ParticipantErased,
    ParticipantJoined,
    QuestionKind,
    QuizCompleted,
    QuizSubmitted,
)
from shared.contracts.topics import create_missing
from shared.messaging.consumer import Batch, Following, Raw, Received
from shared.messaging.publisher import Publisher, publishing
from shared.runtime import clock
from shared.web.tokens import TokenSigner, new_key_pair
from tests.support.kafka import fresh_database, read_all

PRIVATE_KEY, PUBLIC_KEY = new_key_pair()
ATTEMPT_KEY = "a-secret-of-at-least-thirty-two-characters"
ORGANISER_KEY = "organisers-key-for-tests"
SIGNER = TokenSigner(PRIVATE_KEY)
ORGANISER = {"X-Organiser-Key": ORGANISER_KEY}


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


def as_participant(participant_id: str, district: str | None = "华龙区") -> dict[str, str]:
    signed = SIGNER.sign(participant_id, None, district, datetime.now(UTC))
    return {"Authorization": f"Bearer {signed}"}


def settings(kafka: str, mongo: str, **changes: object) -> QuizSettings:
    fields: dict[str, object] = {
        "kafka": kafka,
        "mongo": mongo,
        "database": f"quiz_{uuid4().hex[:12]}",
        "organiser_key": ORGANISER_KEY,
        "token_public_key": PUBLIC_KEY,
        "attempt_key": ATTEMPT_KEY,
    }
    return QuizSettings.model_validate(fields | changes)


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, which runs as it would under a server."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://quiz", timeout=30) as client,
    ):
        yield client


def service(kafka: str, mongo: str, **changes: object) -> FastAPI:
    return assemble(settings(kafka, mongo, **changes))


def attempt(
    quiz_id: str, of: Quiz, who: str, *, number: int = 1, started_at: datetime | None = None
) -> Attempt:
    """An attempt as a start would have made it."""
    started = started_at or datetime.now(UTC)
    id_ = attempt_id(quiz_id, who, day_of(of, started), number)
    latest = deadline(of, of.closes_at, started)
    return Attempt(id_, QuizId(quiz_id), ParticipantId(who), number, started, latest, 1)


def token(of: Attempt, key: str = ATTEMPT_KEY, district: str | None = "华龙区") -> dict[str, str]:
    """The header that opens the submission of an attempt."""
    claims = AttemptClaims(
        of.attempt_id,
        of.quiz_id,
        of.participant_id,
        of.number,
        round(of.started_at.timestamp() * 1000),
        round(of.deadline_at.timestamp() * 1000),
        None,
        district,
        of.quiz_version,
    )
    return {"Authorization": f"Bearer {AttemptTokens(key).sign(claims)}"}


def envelope(sent: Submission, nth: int = 1) -> Envelope[QuizSubmitted]:
    """The event by which any other system submits; the nth that it sends of this attempt."""
    event = QuizSubmitted(**msgspec.structs.asdict(sent))
    return enclose(event, source="another/system", cause=f"{sent.attempt_id}/{nth}", now=datetime.now(UTC))


def received(told: Envelope[Any], event: Any = None, appended_at: datetime | None = None) -> Received[Any]:
    """An event as the consumer gives it to a handler."""
    at_ms = round((appended_at or datetime.now(UTC)).timestamp() * 1000)
    value = told.event.model_dump_json().encode()
    record: Raw = ConsumerRecord(
        told.event.topic, 0, 0, at_ms, 1, told.event.key.encode(), value, None, 0, len(value), ()
    )
    return Received(event or told.event, told.context, record)


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


@dataclass
class Workshop:
    """The parts of a worker, with a quiz published, to be used one by one."""

    store: QuizStore
    catalogue: Catalogue
    publisher: Publisher
    grading: Grading
    quiz_id: str
    quiz: Quiz

    def submission(self, participant_id: str | None = None, **changes: Any) -> Submission:
        return submission(self.quiz_id, self.quiz, participant_id, **changes)

    async def completed(self, kafka: str) -> list[tuple[str, QuizCompleted]]:
        """The event ids and events of `quiz.completed` that the log has of this quiz."""
        return await completed_of(kafka, self.quiz_id)


def told(following: Following) -> list[tuple[str, QuizCompleted]]:
    """The event ids and events that follow from a batch."""
    found = []
    for one in following:
        assert isinstance(one, tuple)
        topic, _, value, headers = one
        assert topic == QuizCompleted.topic
        found.append((dict(headers)["ce_id"].decode(), QuizCompleted.model_validate_json(value or b"")))
    return found


async def completed_of(kafka: str, quiz_id: str) -> list[tuple[str, QuizCompleted]]:
    found = []
    for record in await read_all(kafka, QuizCompleted.topic):
        assert record.value is not None
        event = QuizCompleted.model_validate_json(record.value)
        if event.quiz_id == quiz_id:
            found.append((dict(record.headers)["ce_id"].decode(), event))
    return found


@asynccontextmanager
async def workshop(kafka: str, mongo: str, **changes: object) -> AsyncIterator[Workshop]:
    await create_missing(kafka)
    of, quiz_id = quiz(**changes), f"quiz-{uuid4().hex[:8]}"
    async with fresh_database(mongo) as database, publishing(kafka, "tests") as publisher:
        store = QuizStore(database)
        await store.prepare()
        # A quiz that is over was published before.
        await publish(store, quiz_id, of, min(clock.now(), of.closes_at - timedelta(milliseconds=1)))
        async with offering(store) as catalogue:
            grading = Grading(store, catalogue, publisher)
            yield Workshop(store, catalogue, publisher, grading, quiz_id, of)
