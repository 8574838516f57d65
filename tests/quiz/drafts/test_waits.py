"""While the largest definitions are listed and read, the loop serves others."""

import asyncio
import time

import httpx
import pytest

from services.quiz.quizzes.questions import OPTION_LETTERS
from services.quiz.quizzes.rules import Quiz
from shared.contracts.events import QUESTIONS_MAX
from tests.quiz.bank.test_waits import steps_of
from tests.quiz.builders import quiz, service
from tests.quiz.http import definition
from tests.support.service import ORGANISER, code_of

pytestmark = pytest.mark.stack

DRAFTS = 5


def large() -> Quiz:
    questions = [
        {
            "id": f"q{n}",
            "topic": "天文",
            "kind": "single",
            "text": f"{n}{'长' * 400}",
            "options": [{"id": one, "text": f"{one}{n}{'短' * 15}"} for one in OPTION_LETTERS],
            "key": "A",
        }
        for n in range(QUESTIONS_MAX)
    ]
    lines = [{"topic": "天文", "count": 7}]
    return quiz(questions=questions, blueprint={}, lines=lines)


def seconds_of_one(of: Quiz) -> float:
    """What it costs to check one definition."""
    said = definition(of)
    began = time.thread_time()
    Quiz.model_validate(said)
    return time.thread_time() - began


async def put(client: httpx.AsyncClient, quiz_id: str, of: Quiz) -> httpx.Response:
    return await client.put(f"/quizzes/{quiz_id}/draft", json=definition(of), headers=ORGANISER)


async def test_a_list_of_large_drafts_checks_none_of_them(mongo: str) -> None:
    of = large()
    async with service(mongo, role="api") as ([client], _):
        for nth in range(DRAFTS):
            assert (await put(client, f"large-{nth}", of)).status_code == 200
        assert (await put(client, "small", quiz())).status_code == 200
        bound = seconds_of_one(of) / 2
        answer, longest = await steps_of(lambda: client.get("/quiz-drafts", headers=ORGANISER))
        assert longest < bound
        drafts = {one["quiz_id"]: one for one in answer.json()["drafts"]}
        assert len(drafts) == DRAFTS + 1
        assert (drafts["large-0"]["questions"], drafts["small"]["questions"]) == (7, 5)
        # A draft that is put shows the same.
        assert (await put(client, "large-1", of)).json() == drafts["large-1"]


async def test_of_one_key_few_definitions_are_read_at_a_time(mongo: str) -> None:
    of = large()
    async with service(mongo, role="api") as ([client], _):
        assert (await put(client, "large", of)).status_code == 200
        for path in ("draft", "trial"):
            asked = (client.get(f"/quizzes/large/{path}", headers=ORGANISER) for _ in range(20))
            answers = await asyncio.gather(*asked)
            assert {one.status_code for one in answers} == {200, 503}
            assert {code_of(one)[1] for one in answers if one.status_code == 503} == {"overloaded"}
