"""Two processes are killed in turn while a message goes out: everybody gets it once."""

import json
from contextlib import AsyncExitStack

import pytest

from tests.registration.announcing.announcing_process import tell
from tests.registration.builders import activity, ask, put, service
from tests.support.killing import Killable
from tests.support.service import ORGANISER, in_outbox
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

SECONDS = 60.0
PEOPLE = 60
KILLS = 2


async def test_a_message_reaches_everybody_once_though_two_processes_are_killed_in_turn(mongo: str) -> None:
    async with service(mongo) as ([client], database), AsyncExitStack() as stack:
        await put(client, "street", activity("one", capacity=PEOPLE))
        people = [(await ask(client, "one")).json()["participant_id"] for _ in range(PEOPLE)]
        copies = [Killable.working(tell, mongo, database.name) for _ in range(2)]
        for copy in copies:
            stack.push_async_callback(copy.end)
            await copy.start()

        async def reached() -> list[str]:
            commands = await in_outbox(database, "notification.requested")
            return [json.loads(command)["participant_id"] for command in commands]

        message = {"subject": "请带上雨具", "body": "活动照常进行。"}
        key = {"Idempotency-Key": "a-message-for-all-1"}
        await client.post("/sessions/one/messages", json=message, headers=ORGANISER | key)
        for number in range(KILLS):
            enough = PEOPLE * (number + 1) // (KILLS + 1)
            await eventually(reached, lambda found, enough=enough: len(found) >= enough, seconds=SECONDS)  # type: ignore[misc]
            await copies[number % 2].kill()
            await copies[number % 2].start()

        async def progress() -> tuple[int, bool]:
            [one] = (await client.get("/sessions/one/messages", headers=ORGANISER)).json()["messages"]
            return one["told"], one["finished"]

        await eventually(progress, lambda found: found == (PEOPLE, True), seconds=SECONDS)
        assert await reached() == people
