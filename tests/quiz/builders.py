"""Quizzes, submissions and a running quiz service, for the tests of quiz."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
from fastapi import FastAPI

from services.quiz.app import QuizSettings, assemble
from services.quiz.papers import Paper, lay_out
from services.quiz.rules import Option, Question, Quiz, attempt_id, day_of, paper_number
from services.quiz.submission import Submission
from shared.events import QuestionKind
from shared.tokens import TokenSigner, new_key_pair

PRIVATE_KEY, PUBLIC_KEY = new_key_pair()
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
    now = datetime.now(UTC)
    fields: dict[str, object] = {
        "title": "科普知识竞赛",
        "opens_at": now - timedelta(hours=1),
        "closes_at": now + timedelta(hours=1),
        "papers": 16,
        "blueprint": {"天文": 3, "健康": 2},
        "questions": tuple(question(n, "天文" if n < 6 else "健康") for n in range(10)),
    }
    return Quiz.model_validate(fields | changes)


def paper(quiz_id: str, of: Quiz, attempt: str) -> Paper:
    return lay_out(quiz_id, of, paper_number(attempt, of.papers))


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
) -> Submission:
    """Answers of which `right` are right, given within `seconds`."""
    who = participant_id or str(uuid4())
    submitted = submitted_at or datetime.now(UTC)
    started = submitted - timedelta(seconds=seconds)
    attempt = attempt_id(quiz_id, who, day_of(of, started), number)
    ids = sorted(paper(quiz_id, of, attempt).question_ids)
    answers = {id_: "A" if place < right else "B" for place, id_ in enumerate(ids)}
    return Submission(attempt, quiz_id, who, number, started, submitted, answers, None, district)


def as_participant(participant_id: str, district: str | None = "华龙区") -> dict[str, str]:
    token = SIGNER.sign(participant_id, None, district, datetime.now(UTC))
    return {"Authorization": f"Bearer {token}"}


def settings(kafka: str, mongo: str, **changes: object) -> QuizSettings:
    fields: dict[str, object] = {
        "kafka": kafka,
        "mongo": mongo,
        "database": f"quiz_{uuid4().hex[:12]}",
        "organiser_key": ORGANISER_KEY,
        "token_public_key": PUBLIC_KEY,
        "attempt_key": "a-secret-of-at-least-thirty-two-characters",
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
