"""Positions on long waiting lists: read once for all who ask, and without reading a registration."""

import asyncio
from typing import Any

import pytest

from services.registration.booking.positions import Positions
from services.registration.booking.store import RegistrationStore
from services.registration.sessions.store import SessionStore
from tests.registration.builders import activity, ask, cancel, put, service

pytestmark = pytest.mark.stack


class Watched(RegistrationStore):
    counted = lists_read = 0

    async def position(self, *args: Any) -> int | None:
        self.counted += 1
        return await super().position(*args)

    async def waiting_numbers(self, session_id: str) -> list[int]:
        self.lists_read += 1
        return await super().waiting_numbers(session_id)


async def test_a_long_list_is_read_once_for_all_its_positions(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=9))
        people = [(await ask(client, "one")).json() for _ in range(5)]
        await cancel(client, people[2])
        store = Watched(database)
        found = await store.read_all([one["registration_id"] for one in people])
        waits = [found[one["registration_id"]] for one in people]
        sessions = await SessionStore(database).by_id(["one"])
        long, short = Positions(store, counted_max=2), Positions(store, counted_max=3)
        expected = {people[at]["registration_id"]: position for at, position in ((1, 1), (3, 2), (4, 3))}
        await database.command({"profile": 2})
        asked = await asyncio.gather(*(long.of(waits, sessions) for _ in range(20)))
        assert (await long.of(waits, sessions)) == expected
        await database.command({"profile": 0})
        assert asked == [expected] * 20
        assert (store.counted, store.lists_read) == (0, 1)
        done = await database["system.profile"].find({"ns": f"{database.name}.registrations"}).to_list(None)
        assert sum(one["docsExamined"] for one in done if one["command"].get("aggregate")) == 0
        # A short one is counted each time.
        assert await short.of(waits, sessions) == expected
        assert (store.counted, store.lists_read) == (3, 1)


async def test_positions_on_a_long_list_follow_after_a_while_and_after_an_error(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=9))
        people = [(await ask(client, "one")).json() for _ in range(3)]

        class FailsOnce(Watched):
            async def waiting_numbers(self, session_id: str) -> list[int]:
                numbers = await super().waiting_numbers(session_id)
                if self.lists_read == 1:
                    raise TimeoutError
                return numbers

        store = FailsOnce(database)
        last = people[2]["registration_id"]
        found = await store.read_all([last])
        sessions = await SessionStore(database).by_id(["one"])
        kept, fresh = (
            Positions(store, counted_max=0, kept_seconds=600),
            Positions(Watched(database), counted_max=0, kept_seconds=0),
        )
        with pytest.raises(TimeoutError):
            await kept.of(found.values(), sessions)
        assert await kept.of(found.values(), sessions) == {last: 2}
        assert await fresh.of(found.values(), sessions) == {last: 2}
        await cancel(client, people[1])
        assert await kept.of(found.values(), sessions) == {last: 2}
        assert await fresh.of(found.values(), sessions) == {last: 1}
