"""What a door loads before it works without a network, on the real database."""

import asyncio
import json
from collections.abc import Collection
from typing import Any

import httpx
import pytest

from ops.door.verifier import ListRefused, keys_of, read_list
from services.registration.booking.rules import Registration
from services.registration.booking.store import RegistrationStore
from services.registration.check_in.list_for_door import DoorLists
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from services.registration.tickets.keys import TicketKey
from shared.runtime.fair_queue import Sender
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork
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
from tests.support.waiting import eventually

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


def lists_of(
    database: Database, registrations: RegistrationStore, sessions: SessionStore | None = None
) -> DoorLists:
    return DoorLists(
        database,
        sessions or SessionStore(database),
        ParticipantStore(database),
        registrations,
        TicketKey.from_private_key(TOKEN_PRIVATE_KEY),
        registrations_a_page=2,
    )


async def test_all_doors_that_ask_at_once_get_one_list(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        read = asked = 0

        class Watched(RegistrationStore):
            async def all_of_session(self, *args: Any) -> list[Registration]:
                nonlocal read
                read += 1
                return await super().all_of_session(*args)

        class Asked(SessionStore):
            async def by_id(self, session_ids: Collection[str]) -> dict[str, Session]:
                nonlocal asked
                found = await super().by_id(session_ids)
                asked += 1
                return found

        lists = lists_of(database, Watched(database), Asked(database))
        async with lists._once._paced.turn("somebody"):
            doors = [asyncio.create_task(lists.read("one", 0, "east-gate")) for _ in range(30)]
            await eventually(lambda: asked == 30)
        await asyncio.gather(*doors)
        assert read == 1


async def test_one_session_keeps_a_door_of_another_one_waiting_for_one_page(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        await put(client, "hall", activity("two", capacity=5, **now_on()))
        for session_id in ("one",) * 5 + ("two",):
            await ask(client, session_id)
        made: list[tuple[str, int]] = []

        class Watched(RegistrationStore):
            async def all_of_session(
                self, unit: UnitOfWork, session_id: str, after: int, limit: int
            ) -> list[Registration]:
                made.append((session_id, after))
                return await super().all_of_session(unit, session_id, after, limit)

        lists = lists_of(database, Watched(database))
        line = lists._once._paced
        async with line.turn("somebody"):
            # With the same key, as many doors have it.
            asked = [asyncio.create_task(lists.read("one", after, "doors")) for after in range(60)]
            await eventually(lambda: line._under_way[Sender("doors", "one")] == 3)
            asked.append(asyncio.create_task(lists.read("two", 0, "doors")))
            await eventually(lambda: line._under_way[Sender("doors", "two")] == 1)
        pages = await asyncio.gather(*asked)
        assert made.index(("two", 0)) <= 1
        # Whatever they ask for, there are as many pages as the session has.
        assert sorted(made) == [("one", 0), ("one", 2), ("one", 4), ("two", 0)]
        assert [json.loads(page.text)["page_begins"] for page in pages[:6]] == [0, 0, 2, 2, 4, 4]


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


async def test_numbers_that_nobody_has_any_more_make_no_page(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        people = [(await ask(client, "one")).json() for _ in range(7)]
        await cancel(client, people[6])
        gone = {"session_id": "one", "sequence": {"$in": [3, 4, 5]}}
        await database["registrations"].delete_many(gone)
        lists = lists_of(database, RegistrationStore(database))
        # Pages are of the numbers 1 and 2, 3 and 4, 5 and 6, 7.
        first = await lists.read("one", 0, "east-gate")
        assert first.after == 4
        second = await lists.read("one", first.after, "east-gate")
        assert second.after == 6
        last = await lists.read("one", second.after, "east-gate")
        assert (last.after, len(json.loads(last.text)["entries"])) == (None, 1)
