"""Questions of the bank and organisers with keys of their own, for the tests of the bank."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from services.quiz.bank.rules import BankQuestion
from shared.storage.mongo import Database
from tests.quiz.builders import service

WRITER, REVIEWER = ({"X-Organiser-Key": f"key-of-{name}-for-tests"} for name in ("writer", "reviewer"))
CSV = {"Content-Type": "text/csv", "Accept-Language": "zh-CN"}


def bank_question(question_id: str = "q1", **changes: Any) -> BankQuestion:
    """A single choice; its text has its id."""
    fields: dict[str, Any] = {
        "id": question_id,
        "topic": "天文",
        "kind": "single",
        "text": f"离太阳最近的行星是？（{question_id}）",
        "options": [{"id": "A", "text": "金星"}, {"id": "B", "text": "水星"}],
        "key": "B",
        "difficulty": "easy",
    }
    return BankQuestion.model_validate(fields | changes)


@asynccontextmanager
async def bank(mongo: str, folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Database]]:
    """The service with two organisers, a writer and a reviewer."""
    organisers = [
        {
            "name": name,
            "role": "organiser",
            "key_sha256": hashlib.sha256(headers["X-Organiser-Key"].encode()).hexdigest(),
            "added_at": "2026-05-01T00:00:00Z",
        }
        for name, headers in (("writer", WRITER), ("reviewer", REVIEWER))
    ]
    file = folder / "organisers.json"
    file.write_text(json.dumps({"organisers": organisers}))
    file.chmod(0o600)
    async with service(mongo, role="api", organiser_keys_file=file) as ([client], database):
        yield client, database


async def put(
    client: httpx.AsyncClient, question: BankQuestion, headers: dict[str, str] = WRITER, **more: str
) -> httpx.Response:
    body = question.model_dump(mode="json")
    return await client.put(f"/bank/questions/{question.id}", json=body, headers=headers | more)


async def upload(
    client: httpx.AsyncClient, content: bytes, headers: dict[str, str] = WRITER, **parameters: str
) -> httpx.Response:
    return await client.post("/bank/imports", content=content, params=parameters, headers=headers | CSV)


async def confirm(
    client: httpx.AsyncClient, import_id: str, headers: dict[str, str] = WRITER, *, skip: bool = False
) -> httpx.Response:
    body = {"skip_problems": skip}
    return await client.post(f"/bank/imports/{import_id}/confirmation", json=body, headers=headers)
