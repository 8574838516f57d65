"""What a door loads before it works without a network, on the real database."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from ops.door.verifier import ListRefused, keys_of, read_list
from services.registration.booking.rules import Registration
from services.registration.booking.store import RegistrationStore
from services.registration.check_in.list_for_door import DoorLists
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.store import SessionStore
from services.registration.tickets.keys import TicketKey
from shared.storage.mongo import Database
from tests.registration.builders import (
    activity,
    ask,
    cancel,
    check_in,
    erase,
    now_on,
    put,
    service,
)
from tests.support.service import ORGANISER, TOKEN_PRIVATE_KEY, code_of

pytestmark = pytest.mark.stack


async def page_of(client: httpx.AsyncClient, session_id: str, **headers: str) -> httpx.Response:
    return await client.get(f"/sessions/{session_id}/door-list", headers=ORGANISER | headers)


async def test_a_list_says_what_tickets_do_not(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=6, waiting_max=5, **now_on()))
        plain, came, left, gone, back, part = [
            (await ask(client, "one", places=places)).json() for places in (1, 1, 1, 1, 1, 1)
        ]
        await check_in(client, came["ticket_code"])
        await cancel(client, left)
        await cancel(client, back)
        await ask(client, "one", token=back["token"])
        await erase(client, gone)
        answer = await page_of(client, "one")
        content = json.loads(answer.json()["list"])
        entries = {one["registration_id"]: one for one in content["entries"]}
        assert set(entries) == {one["registration_id"] for one in (came, left, gone, back)}
        assert entries[came["registration_id"]]["people_in"] == 1
        assert entries[left["registration_id"]]["standing"] == "cancelled"
        assert entries[gone["registration_id"]]["standing"] == "revoked"
        assert (
            entries[back["registration_id"]]["round"],
            entries[back["registration_id"]]["standing"],
        ) == (2, "place")
        assert plain["registration_id"] not in answer.text
        assert part["participant_id"] not in answer.text


async def test_a_list_is_signed_and_the_same_while_it_says_the_same(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=6, **now_on()))
        holder = (await ask(client, "one")).json()
        keys = keys_of((await client.get("/tickets/keys")).json())
        page = await page_of(client, "one")
        door_list = read_list([page.json()], keys)
        assert (door_list.session_id, door_list.entries) == ("one", {})
        forged = page.json() | {"list": page.json()["list"].replace("one", "two")}
        with pytest.raises(ListRefused):
            read_list([forged], keys)
        same = await page_of(client, "one", **{"If-None-Match": page.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        await check_in(client, holder["ticket_code"])
        changed = await page_of(client, "one", **{"If-None-Match": page.headers["etag"]})
        assert changed.json()["version"] != page.json()["version"]
        assert code_of(await page_of(client, "none")) == (404, "session_unknown")
        unsigned = await client.get("/sessions/one/door-list")
        assert unsigned.status_code == 401


def lists_of(database: Database, registrations: RegistrationStore) -> DoorLists:
    return DoorLists(
        database,
        SessionStore(database),
        ParticipantStore(database),
        registrations,
        TicketKey.from_private_key(TOKEN_PRIVATE_KEY),
        registrations_a_page=2,
    )


async def test_all_doors_that_ask_at_once_get_one_list(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        read = 0

        class Watched(RegistrationStore):
            async def all_of_session(self, *args: Any) -> list[Registration]:
                nonlocal read
                read += 1
                return await super().all_of_session(*args)

        lists = lists_of(database, Watched(database))
        await asyncio.gather(*(lists.read("one", 0, "east-gate") for _ in range(30)))
        assert read == 1


async def test_a_long_list_comes_in_pages_that_belong_together(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        people = [(await ask(client, "one")).json() for _ in range(5)]
        for one in people:
            await check_in(client, one["ticket_code"])
        lists = lists_of(database, RegistrationStore(database))
        pages: list[Any] = []
        after: int | None = 0
        while after is not None:
            page = await lists.read("one", after, "east-gate")
            pages.append({"list": page.text, "key_id": page.key_id, "signature": page.signature})
            after = page.after
        keys = keys_of((await client.get("/tickets/keys")).json())
        assert len(pages) == 3
        assert len(read_list(pages, keys).entries) == 5
        for incomplete in (pages[:2], pages[1:], [pages[0], pages[2]], []):
            with pytest.raises(ListRefused):
                read_list(incomplete, keys)
