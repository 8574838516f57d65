"""Two processes are killed in turn while a message goes out: everybody gets it once."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from shared.storage.mongo import Database
from tests.registration.builders import activity, ask, put, service
from tests.support.service import ORGANISER, in_outbox
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

PROCESS = Path(__file__).with_name("announcing_process.py")
REPOSITORY = Path(__file__).parents[3]
SECONDS = 60.0
PEOPLE = 60
KILLS = 4


async def start(mongo: str, database: Database) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(PROCESS), mongo, database.name, env={"PYTHONPATH": str(REPOSITORY)}
    )


async def kill(process: asyncio.subprocess.Process) -> None:
    """By SIGKILL; a process that has failed by itself is a failure of the test."""
    assert process.returncode is None
    process.kill()
    await process.wait()


async def test_a_message_reaches_everybody_once_though_two_processes_are_killed_in_turn(mongo: str) -> None:
    async with service(mongo) as ([client], database), AsyncExitStack() as stack:
        await put(client, "street", activity("one", capacity=PEOPLE))
        people = [(await ask(client, "one")).json()["participant_id"] for _ in range(PEOPLE)]
        copies = [await start(mongo, database) for _ in range(2)]
        for number in range(len(copies)):
            stack.push_async_callback(lambda number=number: kill(copies[number]))  # type: ignore[misc]

        async def reached() -> list[str]:
            commands = await in_outbox(database, "notification.requested")
            return [json.loads(command)["participant_id"] for command in commands]

        message = {"subject": "请带上雨具", "body": "活动照常进行。"}
        key = {"Idempotency-Key": "a-message-for-all-1"}
        await client.post("/sessions/one/messages", json=message, headers=ORGANISER | key)
        for number in range(KILLS):
            enough = PEOPLE * (number + 1) // (KILLS + 1)
            await eventually(reached, lambda found, enough=enough: len(found) >= enough, seconds=SECONDS)  # type: ignore[misc]
            await kill(copies[number % 2])
            copies[number % 2] = await start(mongo, database)

        async def progress() -> tuple[int, bool]:
            [one] = (await client.get("/sessions/one/messages", headers=ORGANISER)).json()["messages"]
            return one["told"], one["finished"]

        await eventually(progress, lambda found: found == (PEOPLE, True), seconds=SECONDS)
        assert await reached() == people
