"""Quiz over HTTP, for the tests of its rooms."""

from typing import Any

import httpx
from fastapi import FastAPI

from services.quiz.quizzes.rules import Quiz
from tests.quiz.builders import service
from tests.support.service import ORGANISER


def definition(of: Quiz) -> dict[str, Any]:
    return of.model_dump(mode="json")


async def put(client: httpx.AsyncClient, quiz_id: str, of: Quiz) -> httpx.Response:
    return await client.put(f"/quizzes/{quiz_id}", json=definition(of), headers=ORGANISER)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body.keys() - {"errors"} == {"type", "title", "status", "code", "detail"}
    return answer.status_code, body["code"]


def app_of_api(kafka: str, mongo: str, **changes: object) -> FastAPI:
    return service(kafka, mongo, role="api", **changes)
