"""Places owed to a waiting list: given out in chunks, in the order of asking, whatever comes between."""

import json
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from services.registration.programme.rules import CancelReason
from services.registration.programme.store import ActivityStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime.background import looping
from shared.runtime.backlog import Backlog
from shared.runtime.errors import Conflict
from shared.storage.mongo import Database
from tests.registration.builders import (
    activity,
    ask,
    cancel,
    owed_promotions,
    programme_cancellation,
    programme_changes,
    put,
    seats,
    service,
)
from tests.registration.crashing import Crash, DyingSessions
from tests.support.service import in_outbox
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def stored(database: Database, session_id: str = "one") -> Session:
    return (await SessionStore(database).by_id([session_id]))[session_id]


async def give(database: Database, session_id: str = "one", *, at_once: int, **changes: Any) -> None:
    """Put the session's activity with these changes; so many people are promoted at once."""
    session = replace(await stored(database, session_id), **changes)
    its_activity = await ActivityStore(database).read(session.activity_id)
    assert its_activity is not None
    await programme_changes(database, promoted_max=at_once).put_activity(
        its_activity, [session], lambda _: True, Origin()
    )


async def register(client: httpx.AsyncClient, number: int, session_id: str = "one") -> list[dict[str, Any]]:
    return [(await ask(client, session_id)).json() for _ in range(number)]


async def by_status(database: Database) -> dict[str, list[int]]:
    """The numbers in the order of asking, by status."""
    found: dict[str, list[int]] = {}
    async for one in database["registrations"].find().sort("sequence"):
        found.setdefault(one["status"], []).append(one["sequence"])
    return found


async def promoted(database: Database) -> list[str]:
    confirmed = [json.loads(value) for value in await in_outbox(database, "registration.confirmed")]
    return [one["registration_id"] for one in confirmed if one["promoted"]]


async def test_a_long_list_moves_up_in_chunks_and_nobody_who_asks_meanwhile_jumps_the_queue(
    mongo: str,
) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=9))
        people = await register(client, 8)
        await give(database, at_once=3, capacity=12)
        assert await by_status(database) == {"confirmed": [1, 2, 3, 4], "waitlisted": [5, 6, 7, 8]}
        assert (await stored(database)).owed == 4
        # Eight places are free, and four wait for theirs.
        late = (await ask(client, "one")).json()
        assert (late["status"], late["position"]) == ("waitlisted", 5)
        assert await owed_promotions(database).promote("one", limit=2)
        assert await by_status(database) == {"confirmed": [1, 2, 3, 4, 5, 6], "waitlisted": [7, 8, 9]}
        with pytest.raises(Crash):
            await owed_promotions(database, sessions=DyingSessions(database, 1)).promote("one", limit=2)
        assert await by_status(database) == {"confirmed": [1, 2, 3, 4, 5, 6], "waitlisted": [7, 8, 9]}
        while await owed_promotions(database).promote("one", limit=2):
            pass
        assert await by_status(database) == {"confirmed": list(range(1, 10))}
        assert await promoted(database) == [one["registration_id"] for one in [*people[1:], late]]
        assert await seats(client, "street") == (3, 0)
        assert (await ask(client, "one")).json()["status"] == "confirmed"


async def test_those_who_are_owed_a_place_fill_no_waiting_list_and_it_is_never_longer_afterwards(
    mongo: str,
) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=4))
        await register(client, 5)
        assert (await ask(client, "one")).json()["code"] == "session_full"
        await give(database, at_once=1, capacity=4)
        assert (await stored(database)).owed == 2
        answers = await register(client, 4)
        assert [one.get("status") for one in answers[:3]] == ["waitlisted"] * 3
        assert answers[3]["code"] == "session_full"
        while await owed_promotions(database).promote("one", limit=1):
            pass
        assert await by_status(database) == {"confirmed": [1, 2, 3, 4], "waitlisted": [5, 6, 7, 8]}


async def test_a_head_that_does_not_fit_is_owed_nothing_and_holds_up_those_behind_it(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=3, waiting_max=9))
        for places in (3, 1, 1, 3, 1):
            await ask(client, "one", places=places)
        await give(database, at_once=1, capacity=7)
        # Places are free for the next one alone: the one behind it wants three, and two are left.
        assert (await stored(database)).owed == 1
        assert not await owed_promotions(database).promote("one", limit=1)
        assert await by_status(database) == {"confirmed": [1, 2, 3], "waitlisted": [4, 5]}


async def test_with_places_owed_neither_capacity_nor_list_is_cut_below_those_who_would_wait(
    mongo: str,
) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=4))
        await register(client, 5)
        await give(database, at_once=1, capacity=5)
        await register(client, 3)
        cuts: list[dict[str, Any]] = [{"capacity": 3}, {"waiting_max": 2}]
        for cut in cuts:
            with pytest.raises(Conflict) as refused:
                await give(database, at_once=0, **cut)
            assert (refused.value.code, refused.value.values["waiting"]) == (
                "waiting_max_below_waiting",
                5 if "capacity" in cut else 3,
            )
        await give(database, at_once=0, waiting_max=3)
        await owed_promotions(database).promote("one")
        assert await seats(client, "street") == (0, 3)


async def test_who_leaves_while_places_are_owed_takes_nobody_elses(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=9))
        people = await register(client, 8)
        await give(database, at_once=1, capacity=4)
        for number in (0, 3, 6):
            assert (await cancel(client, people[number])).status_code == 200
        while await owed_promotions(database).promote("one", limit=1):
            pass
        assert await by_status(database) == {
            "cancelled": [1, 4, 7],
            "confirmed": [2, 3, 5, 6],
            "waitlisted": [8],
        }
        assert (await stored(database)).owed == 0


async def test_a_session_that_owes_many_keeps_no_other_waiting(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        for name, people in (("one", 6), ("two", 2)):
            await put(client, f"of-{name}", activity(name, capacity=1, waiting_max=9))
            await register(client, people, name)
            await give(database, name, at_once=0, capacity=9)
        owed = owed_promotions(database)
        backlog = Backlog(
            "promoting", SessionStore(database).owing, lambda id_: owed.promote(id_, 1), items_max=1
        )
        for _ in range(2):
            await backlog.turn()
        assert [(await stored(database, name)).owed for name in ("one", "two")] == [4, 0]


async def test_the_loop_gives_all_that_is_owed_and_a_cancelled_session_owes_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        for name in ("one", "two"):
            await put(client, f"of-{name}", activity(name, capacity=1, waiting_max=9))
            await register(client, 4, name)
            await give(database, name, at_once=1, capacity=9)
        reason = CancelReason("weather")
        await programme_cancellation(database).cancel_session("two", reason, Origin())
        loop = owed_promotions(database).loop
        async with looping(loop):
            await eventually(lambda: SessionStore(database).owing("", 9), lambda owing: owing == [])
            assert await loop.check() is None
        assert [(await stored(database, name)).waiting for name in ("one", "two")] == [0, 2]
