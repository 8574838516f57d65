"""
While as many questions as a file may have are previewed, confirmed and exported, the loop serves others.

What is measured is the loop's own processor time: how busy the machine is does not count.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.quiz.bank.rules import BankQuestion
from services.quiz.formats.rules import QUESTIONS_A_FILE_MAX
from services.quiz.formats.write import write_file
from services.quiz.quizzes.questions import OPTION_LETTERS
from tests.quiz.bank.builders import REVIEWER, WRITER, bank, bank_question, confirm, upload
from tests.quiz.formats.builders import written
from tests.support.service import code_of

pytestmark = pytest.mark.stack

LOOK_SECONDS = 0.001
REVIEWED = 200
OF_A_QUIZ = 1_000
TRIES_MAX = 3


class Steps:
    """The longest step of the loop, in seconds of its processor time."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = time.thread_time()
            self.longest = max(self.longest, now - before)
            before = now


@asynccontextmanager
async def watched() -> AsyncIterator[Steps]:
    steps = Steps()
    watching = asyncio.create_task(steps.watch())
    # It has begun.
    await asyncio.sleep(2 * LOOK_SECONDS)
    try:
        yield steps
        await asyncio.sleep(2 * LOOK_SECONDS)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def texts(number: int) -> dict[str, Any]:
    """A text and eight options, as long as a file may have of so many questions."""
    return {
        "text": f"{number}{'长' * 700}",
        "options": tuple(f"{letter}{number}{'短' * 70}" for letter in OPTION_LETTERS),
    }


def at_once() -> float:
    """What it costs to check as many questions in one step."""
    said = texts(1)
    options = [{"id": one, "text": text} for one, text in zip(OPTION_LETTERS, said["options"], strict=True)]
    one = bank_question(text=said["text"], options=options).model_dump(mode="json")
    began = time.thread_time()
    for _ in range(QUESTIONS_A_FILE_MAX):
        BankQuestion.model_validate(one)
    return time.thread_time() - began


async def steps_of(ask: Callable[[], Awaitable[httpx.Response]]) -> tuple[httpx.Response, float]:
    """The answer, and the longest step. Whoever is told that MongoDB is away asks again, as a client does."""
    async with watched() as steps:
        for _ in range(TRIES_MAX):
            answer = await ask()
            if answer.status_code != 503:
                break
    assert answer.is_success, answer.text
    return answer, steps.longest


async def test_the_largest_file_keeps_others_waiting_for_small_steps_only(mongo: str, tmp_path: Path) -> None:
    questions = [written(f"q{n}", **texts(n)) for n in range(QUESTIONS_A_FILE_MAX)]
    content = await write_file(questions, "xlsx")
    bound = at_once() / 2
    longest = {}
    async with bank(mongo, tmp_path) as (client, _):
        first, longest["preview"] = await steps_of(lambda: upload(client, content, format="xlsx"))
        one = first.json()["import_id"]
        _, longest["confirm"] = await steps_of(lambda: confirm(client, one))
        again, longest["preview of what is there"] = await steps_of(
            lambda: upload(client, content, format="xlsx")
        )
        assert again.json()["unchanged"] == QUESTIONS_A_FILE_MAX
        as_csv = {"format": "csv"}
        _, longest["export"] = await steps_of(
            lambda: client.get("/bank/export", params=as_csv, headers=WRITER)
        )
        refused = await confirm(client, again.json()["import_id"])
        assert code_of(refused) == (409, "import_changes_nothing")
        for begin in range(0, OF_A_QUIZ, REVIEWED):
            form = {"versions": {f"q{n}": 1 for n in range(begin, begin + REVIEWED)}}
            ask = partial(client.post, "/bank/reviews", json=form, headers=REVIEWER)
            _, longest["review"] = await steps_of(ask)
    assert {what: seconds for what, seconds in longest.items() if seconds > bound} == {}, bound
