"""Places of the unconfirmed are held, then confirmed or freed: once, whatever crashes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.registration.programme.rules import CancelReason
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime.background import looping
from shared.runtime.errors import Unavailable
from shared.storage.mongo import Database
from tests.registration.builders import (
    activity,
    ask,
    cancel,
    check_in,
    erase_whole,
    notices,
    own,
    programme_cancellation,
    put,
    seats,
    service,
    soon,
)
from tests.registration.crashing import Crash, DyingSessions
from tests.registration.holding import confirm_contact, events, expiry, run_out
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

Json = dict[str, Any]


@asynccontextmanager
async def holding(mongo: str, copies: int = 1) -> AsyncIterator[tuple[httpx.AsyncClient, Database]]:
    """The service as it is by default: it holds the places of newcomers."""
    async with service(mongo, copies=copies, hold_minutes=30) as (clients, database):
        yield clients[0], database


async def test_a_newcomers_place_is_held_without_a_ticket_and_confirmed_with_the_contact(mongo: str) -> None:
    async with holding(mongo) as (client, database):
        await put(client, "street", activity("one", capacity=5, **soon()))
        held = (await ask(client, "one")).json()
        assert (held["status"], held["ticket_code"]) == ("held", None)
        until = datetime.fromisoformat(held["until"])
        assert timedelta(minutes=29) < until - datetime.now(UTC) <= timedelta(minutes=30)
        assert await seats(client, "street") == (4, 0)
        mine = await own(client, held)
        assert (mine["status"], mine["until"]) == ("held", held["until"])
        [event] = await events(database, "held")
        assert (event["until"], event["promoted"]) == (held["until"], False)
        assert await events(database, "confirmed") == []
        assert await confirm_contact(database, held["participant_id"]) == 1
        mine = await own(client, held)
        assert (mine["status"], mine["until"]) == ("confirmed", None)
        assert (await check_in(client, mine["ticket_code"])).status_code == 200
        [confirmed] = await events(database, "confirmed")
        assert (confirmed["version"], confirmed["registration_id"]) == (2, held["registration_id"])
        # A repeat confirms nothing again.
        assert await confirm_contact(database, held["participant_id"]) == 0
        assert len(await events(database, "confirmed")) == 1
        assert await seats(client, "street") == (4, 0)


async def test_who_is_held_asks_again_and_gets_the_held_place(mongo: str) -> None:
    async with holding(mongo) as (client, _):
        await put(client, "street", activity("one", capacity=5))
        held = (await ask(client, "one", key="the-key-of-the-first")).json()
        repeat = await ask(client, "one", key="the-key-of-the-first")
        assert repeat.json() | {"token": ""} == held | {"token": ""}
        again = (await ask(client, "one", token=held["token"])).json()
        assert (again["status"], again["code"], again["until"]) == (
            "held",
            "already_registered",
            held["until"],
        )
        assert await seats(client, "street") == (4, 0)


async def test_the_unconfirmed_get_few_places_and_the_confirmed_more(mongo: str) -> None:
    async with holding(mongo) as (client, database):
        for name in ("one", "two", "three"):
            await put(client, f"of-{name}", activity(name, capacity=50))
        refused = await ask(client, "one", places=3)
        assert (refused.status_code, refused.json()["code"]) == (403, "places_need_confirmation")
        assert await database["participants"].count_documents({}) == 0
        first = (await ask(client, "one", places=2)).json()
        assert (await ask(client, "two", token=first["token"])).json()["status"] == "held"
        third = await ask(client, "three", token=first["token"])
        assert (third.status_code, third.json()["code"]) == (403, "held_too_many")
        await confirm_contact(database, first["participant_id"])
        more = (await ask(client, "three", token=first["token"], places=5)).json()
        assert more["status"] == "confirmed"
        for name in ("one", "two"):
            [one] = await database["registrations"].find({"session_id": name}).to_list(None)
            assert one["status"] == "confirmed"


async def test_a_session_for_the_confirmed_or_for_rosters_says_so(mongo: str) -> None:
    async with holding(mongo) as (client, database):
        await put(client, "street", activity("one", capacity=50))
        await put(client, "fair", activity("two", capacity=50, admits="verified"))
        await put(client, "school", activity("three", capacity=50, admits="roster"))
        refused = await ask(client, "two")
        assert (refused.status_code, refused.json()["code"]) == (403, "session_for_confirmed")
        person = (await ask(client, "one")).json()
        await confirm_contact(database, person["participant_id"])
        assert (await ask(client, "two", token=person["token"])).json()["status"] == "confirmed"
        refused = await ask(client, "three", token=person["token"])
        assert (refused.status_code, refused.json()["code"]) == (403, "session_for_roster")


async def test_a_held_place_that_runs_out_goes_to_the_waiting_list(mongo: str) -> None:
    async with holding(mongo) as (client, database):
        await put(client, "street", activity("one", capacity=1, waiting_max=5))
        held, waits, behind = [(await ask(client, "one")).json() for _ in range(3)]
        assert [one["status"] for one in (held, waits, behind)] == ["held", "waitlisted", "waitlisted"]
        assert waits["until"]
        await confirm_contact(database, waits["participant_id"])
        assert (await own(client, waits))["until"] is None
        assert not await expiry(database).free("one")
        await run_out(database, "one", held)
        assert not await expiry(database).free("one")
        assert [(await own(client, one))["status"] for one in (held, waits, behind)] == [
            "cancelled",
            "confirmed",
            "waitlisted",
        ]
        [gone] = await events(database, "cancelled")
        assert (gone["registration_id"], gone["code"]) == (held["registration_id"], "hold_expired")
        # The one that is left still has its time.
        stored = (await SessionStore(database).by_id(["one"]))["one"]
        assert stored.runs_out_at == datetime.fromisoformat(behind["until"])
        assert await seats(client, "street") == (0, 1)


async def test_an_unconfirmed_wait_ends_too_and_one_that_is_promoted_is_held(mongo: str) -> None:
    async with holding(mongo) as (client, database):
        await put(client, "street", activity("one", capacity=1, waiting_max=5))
        first, second, third = [(await ask(client, "one")).json() for _ in range(3)]
        await run_out(database, "one", second)
        await expiry(database).free("one")
        assert (await own(client, second))["status"] == "cancelled"
        await cancel(client, first)
        mine = await own(client, third)
        assert mine["status"] == "held"
        assert datetime.fromisoformat(mine["until"]) > datetime.fromisoformat(third["until"])
        assert [one["promoted"] for one in await events(database, "held")] == [False, True]
        await confirm_contact(database, third["participant_id"])
        assert (await own(client, third))["status"] == "confirmed"


async def test_what_runs_out_is_freed_once_by_two_copies_and_whatever_dies_between(mongo: str) -> None:
    async with holding(mongo) as (client, database):
        await put(client, "street", activity("one", capacity=10, waiting_max=20))
        people = await asyncio.gather(*(ask(client, "one") for _ in range(25)))
        await run_out(database)
        with pytest.raises(Crash):
            await expiry(database, sessions=DyingSessions(database, 1)).free("one", limit=3)
        assert await events(database, "cancelled") == []
        assert await expiry(database).free("one", limit=3)
        with pytest.raises(Crash):
            await expiry(database, sessions=DyingSessions(database, 2)).free("one", limit=3) and await expiry(
                database, sessions=DyingSessions(database, 1)
            ).free("one", limit=3)
        # Who was promoted by that is held anew; time is over for them again.
        copies = [expiry(database), expiry(database)]

        async def free_all(copy: int) -> None:
            for _ in range(40):
                try:
                    await copies[copy].free("one", limit=3)
                except Unavailable:
                    continue
                await run_out(database)

        await asyncio.gather(free_all(0), free_all(1))
        gone = await events(database, "cancelled")
        assert sorted(one["registration_id"] for one in gone) == sorted(
            one.json()["registration_id"] for one in people
        )
        assert {one["code"] for one in gone} == {"hold_expired"}
        assert await seats(client, "street") == (10, 0)


async def test_of_a_confirmation_and_the_end_of_time_one_comes_first(mongo: str) -> None:
    async with holding(mongo) as (client, database):
        await put(client, "street", activity("one", capacity=30))
        people = [(await ask(client, "one")).json() for _ in range(12)]
        await run_out(database)
        confirmed, _ = await asyncio.gather(
            asyncio.gather(*(confirm_contact(database, one["participant_id"]) for one in people)),
            expiry(database).free("one"),
        )
        statuses = [(await own(client, one))["status"] for one in people]
        assert statuses.count("confirmed") == sum(confirmed) == len(await events(database, "confirmed"))
        assert statuses.count("cancelled") == 12 - sum(confirmed) == len(await events(database, "cancelled"))
        assert await seats(client, "street") == (30 - sum(confirmed), 0)


async def test_the_loop_frees_what_has_run_out_and_nothing_else(mongo: str) -> None:
    async with holding(mongo) as (client, database):
        for name in ("one", "two"):
            await put(client, f"of-{name}", activity(name, capacity=5))
        late = [(await ask(client, "one")).json() for _ in range(3)]
        early = (await ask(client, "two")).json()
        await run_out(database, "one")
        loop = expiry(database).loop
        async with looping(loop):
            await eventually(lambda: seats(client, "of-one"), lambda found: found == (5, 0))
            assert await loop.check() is None
        assert [(await own(client, one))["status"] for one in (*late, early)] == ["cancelled"] * 3 + ["held"]


async def test_a_held_place_moves_is_cancelled_and_erased_like_others(mongo: str) -> None:
    async with holding(mongo) as (client, database):
        await put(client, "street", activity("one", capacity=5, **soon()))
        moved, left, erased = [(await ask(client, "one")).json() for _ in range(3)]
        assert (await cancel(client, left)).json()["status"] == "cancelled"
        await erase_whole(client, database, erased)
        assert await seats(client, "street") == (4, 0)
        await put(client, "street", activity("one", capacity=5, **soon(venue="体育馆")))
        while await notices(database).notify("one"):
            pass
        assert [one["registration_id"] for one in await events(database, "moved")] == [
            moved["registration_id"]
        ]
        await programme_cancellation(database).cancel_session("one", CancelReason("weather"), Origin())
        await run_out(database)
        await expiry(database).free("one")
        codes = [one["code"] for one in await events(database, "cancelled")]
        assert codes == ["cancelled_by_participant", "participant_erased", "session_cancelled"]
        assert await confirm_contact(database, moved["participant_id"]) == 0
