"""Quiz over HTTP, for the tests of its rooms."""

from typing import Any

import httpx

from services.quiz.quizzes.rules import Quiz
from tests.support.service import ORGANISER


def definition(of: Quiz) -> dict[str, Any]:
    return of.model_dump(mode="json")


async def put(client: httpx.AsyncClient, quiz_id: str, of: Quiz) -> httpx.Response:
    return await client.put(f"/quizzes/{quiz_id}", json=definition(of), headers=ORGANISER)
