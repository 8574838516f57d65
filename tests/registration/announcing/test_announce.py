"""A message to the people of a session: once to each, whatever dies in between."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.registration.announcing.announce import ANNOUNCEMENTS_MAX
from services.registration.announcing.rules import Announcement
from services.registration.announcing.store import AnnouncementStore
from shared.runtime.background import looping
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork
from tests.registration.builders import (
    activity,
    announcements,
    ask,
    cancel,
    check_in,
    erase,
    now_on,
    put,
    service,
)
from tests.registration.crashing import Crash
from tests.support.service import ORGANISER, as_participant, code_of, in_outbox
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

TEXT = {"subject": "请带上雨具", "body": "活动照常进行，请带上雨具。"}
PATH = "/sessions/one/messages"


class Dying(AnnouncementStore):
    """A transaction, the first or a later one, is broken off near its end."""

    def __init__(self, database: Database, dies_at: int) -> None:
        super().__init__(database)
        self._saves_left = dies_at

    async def save(self, unit: UnitOfWork, announcement: Announcement) -> None:
        await super().save(unit, announcement)
        self._saves_left -= 1
        if self._saves_left == 0:
            raise Crash


async def write(client: httpx.AsyncClient, *, key: str = "", **changes: Any) -> httpx.Response:
    headers = ORGANISER | {"Idempotency-Key": key or str(uuid4())}
    return await client.post(PATH, json=TEXT | changes, headers=headers)


async def people(client: httpx.AsyncClient, number: int, **session: Any) -> list[dict[str, Any]]:
    """This number of people, of whom five have a place and the others wait."""
    await put(client, "street", activity("one", capacity=5, waiting_max=9, **session))
    return [(await ask(client, "one")).json() for _ in range(number)]


async def reached(database: Database) -> list[str]:
    """The participants who were told, one entry for each command."""
    return [
        json.loads(value)["participant_id"] for value in await in_outbox(database, "notification.requested")
    ]


def ids(registered: list[dict[str, Any]]) -> list[str]:
    return [one["participant_id"] for one in registered]


async def progress(client: httpx.AsyncClient) -> tuple[int, bool]:
    [one] = (await client.get(PATH, headers=ORGANISER)).json()["messages"]
    return one["told"], one["finished"]


@pytest.mark.parametrize(("to", "first", "last"), [("holders", 0, 5), ("waiting", 5, 8), ("all", 0, 8)])
async def test_each_person_it_is_meant_for_is_told_once_a_few_at_a_time(
    mongo: str, to: str, first: int, last: int
) -> None:
    async with service(mongo) as ([client], database):
        registered = await people(client, 8)
        sent = await write(client, to=to)
        assert sent.status_code == 202
        id_ = sent.json()["message_id"]
        while await announcements(database).tell(id_, limit=2):
            pass
        assert await announcements(database).tell(id_, limit=2) is False
        assert await reached(database) == ids(registered)[first:last]
        assert await progress(client) == (last - first, True)
        command = json.loads((await in_outbox(database, "notification.requested"))[0])
        assert command.items() >= (TEXT | {"channels": ["inbox", "email"]}).items()


@pytest.mark.parametrize("dies_at", [1, 2, 3])
async def test_after_a_crash_the_next_process_goes_on_and_tells_nobody_twice(
    mongo: str, dies_at: int
) -> None:
    async with service(mongo) as ([client], database):
        registered = await people(client, 5)
        id_ = (await write(client)).json()["message_id"]
        dying = announcements(database, announcements=Dying(database, dies_at))
        for _ in range(dies_at - 1):
            assert await dying.tell(id_, limit=2)
        with pytest.raises(Crash):
            await dying.tell(id_, limit=2)
        # Two at once, as two processes do.
        while any(await asyncio.gather(*[announcements(database).tell(id_, limit=2) for _ in range(2)])):
            pass
        assert await reached(database) == ids(registered)
        assert await progress(client) == (5, True)


async def test_the_loop_sends_what_a_request_has_left(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        registered = await people(client, 3)
        await write(client)
        async with looping(announcements(database).loop):

            async def all_told() -> bool:
                return sorted(await reached(database)) == sorted(ids(registered))

            await eventually(all_told)


async def test_a_repeat_sends_nothing_again_and_another_text_needs_another_key(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await people(client, 1)
        key = str(uuid4())
        first = await write(client, key=key)
        await announcements(database).tell(first.json()["message_id"])
        again = await write(client, key=key)
        assert again.json()["message_id"] == first.json()["message_id"]
        assert again.json()["finished"] is True
        assert len(await reached(database)) == 1
        other = await write(client, key=key, subject="请勿带雨具")
        assert code_of(other) == (409, "idempotency_key_reused")


async def test_whoever_comes_later_has_gone_or_is_erased_is_not_told(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        registered = await people(client, 3)
        id_ = (await write(client)).json()["message_id"]
        await cancel(client, registered[0])
        await erase(client, registered[1])
        await ask(client, "one")
        # Who gave the place back and has a later one did not have it when the message was written.
        await ask(client, "one", token=registered[0]["token"])
        while await announcements(database).tell(id_):
            pass
        assert await reached(database) == ids(registered)[2:]


async def test_whoever_came_in_is_told_too(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        registered = await people(client, 2, **now_on())
        await check_in(client, registered[0]["ticket_code"])
        await announcements(database).tell((await write(client)).json()["message_id"])
        assert sorted(await reached(database)) == sorted(ids(registered))


async def test_messages_are_listed_latest_first_and_their_number_is_bounded(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await people(client, 1)
        for number in range(ANNOUNCEMENTS_MAX):
            assert (await write(client, subject=f"{number}")).status_code == 202
        assert code_of(await write(client)) == (409, "too_many_messages")
        page = (await client.get(PATH, params={"limit": 30}, headers=ORGANISER)).json()
        rest = (await client.get(PATH, params={"after": page["after"]}, headers=ORGANISER)).json()
        subjects = [one["subject"] for one in page["messages"] + rest["messages"]]
        assert sorted(subjects, key=int) == [str(number) for number in range(ANNOUNCEMENTS_MAX)]
        assert rest["after"] is None


async def test_only_organisers_write_and_only_something(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        registered = await people(client, 1)
        own = as_participant(registered[0]["participant_id"]) | {"Idempotency-Key": str(uuid4())}
        assert code_of(await client.post(PATH, json=TEXT, headers=own)) == (401, "organiser_key_missing")
        assert code_of(await write(client, subject=" ")) == (422, "invalid")
        assert code_of(await write(client, body="")) == (422, "invalid")
        assert code_of(await write(client, channels=[])) == (422, "invalid")
        missing = await client.post(PATH, json=TEXT, headers=ORGANISER)
        assert code_of(missing) == (422, "invalid")
        headers = ORGANISER | {"Idempotency-Key": str(uuid4())}
        unknown = await client.post("/sessions/none/messages", json=TEXT, headers=headers)
        assert code_of(unknown) == (404, "session_unknown")
