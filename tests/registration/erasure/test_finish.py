"""What an erasure leaves to the background: nobody waits for it, or notices that it is not done yet."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from services.registration.booking.store import RegistrationStore
from services.registration.erasure.store import ErasureStore
from shared.runtime.background import looping
from shared.storage.mongo import Database
from tests.registration.builders import (
    activity,
    ask,
    cancel,
    check_in,
    erase,
    notices,
    now_on,
    owed_promotions,
    own,
    pick,
    put,
    seats,
    service,
    taken,
    unfinished_erasures,
)
from tests.registration.crashing import Crash, DyingSessions
from tests.support.service import ORGANISER, in_outbox
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

NAMES = ["one", "two", "three", "four"]
KEY = "the-key-of-the-erased"


async def registered_everywhere(
    client: httpx.AsyncClient, **changes: Any
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Somebody with the only place in each session, and who waits for it in each."""
    for name in NAMES:
        await put(client, f"of-{name}", activity(name, capacity=1, waiting_max=5, **changes))
    gone = (await ask(client, NAMES[0], key=KEY)).json()
    for name in NAMES[1:]:
        await ask(client, name, token=gone["token"])
    return gone, [(await ask(client, name)).json() for name in NAMES]


async def events(database: Database, topic: str) -> list[dict[str, Any]]:
    return [json.loads(value) for value in await in_outbox(database, topic)]


async def test_registrations_go_one_by_one_and_after_a_crash_the_others_follow(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        gone, heads = await registered_everywhere(client)
        id_ = gone["participant_id"]
        assert (await erase(client, gone)).status_code == 200
        [erased] = await events(database, "participant.erased")
        assert erased["participant_id"] == id_
        assert await database["contact_keys"].count_documents({"_id": id_}) == 0
        assert await events(database, "registration.cancelled") == []
        for dead in range(1, 3):
            with pytest.raises(Crash):
                await unfinished_erasures(database, sessions=DyingSessions(database, 2)).go_on(id_)
            assert len(await events(database, "registration.cancelled")) == dead
        assert await ErasureStore(database).pending("", 9) == [id_]
        while await unfinished_erasures(database).go_on(id_, limit=1):
            pass
        assert await ErasureStore(database).pending("", 9) == []
        cancelled = await events(database, "registration.cancelled")
        assert {(one["participant_id"], one["code"]) for one in cancelled} == {(id_, "participant_erased")}
        assert sorted(one["session_id"] for one in cancelled) == sorted(NAMES)
        assert [(await own(client, head))["status"] for head in heads] == ["confirmed"] * 4
        assert [await seats(client, f"of-{name}") for name in NAMES] == [(0, 0)] * 4


async def test_from_the_answer_on_the_erased_can_do_nothing_and_hear_of_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        gone, _ = await registered_everywhere(client, **now_on())
        # Here the participant waits.
        await put(client, "fair", activity("five", capacity=1, waiting_max=5))
        holder = (await ask(client, "five")).json()
        await ask(client, "five", token=gone["token"])
        behind = (await ask(client, "five")).json()
        id_ = gone["participant_id"]
        await erase(client, gone)
        # Nothing is done in the background yet.
        for again in (ask(client, "one", key=KEY), ask(client, "two", token=gone["token"])):
            answer = await again
            assert (answer.status_code, answer.json()["code"]) == (401, "participant_erased")
        assert (await check_in(client, gone["ticket_code"])).json()["verdict"] == "unknown"
        assert (await pick(client, gone)).json()["verdict"] == "revoked"
        await put(client, "of-one", activity("one", capacity=1, waiting_max=5, venue="体育馆", **now_on()))
        await client.post("/sessions/two/cancel", json={"reason": "weather"}, headers=ORGANISER)
        for name in ("one", "two"):
            while await notices(database).notify(name):
                pass
        # A free place passes over the erased.
        await cancel(client, holder)
        await owed_promotions(database).promote("five")
        assert (await own(client, behind))["status"] == "confirmed"
        while await unfinished_erasures(database).go_on(id_):
            pass
        told_of = {
            topic: [
                (one["session_id"], one.get("code"))
                for one in await events(database, f"registration.{topic}")
                if one["participant_id"] == id_ and one.get("promoted", True)
            ]
            for topic in ("moved", "checked_in", "confirmed", "cancelled")
        }
        # What had begun stays: in it the participant has a place without a ticket.
        assert told_of == {
            "moved": [],
            "checked_in": [],
            "confirmed": [],
            "cancelled": [("five", "participant_erased")],
        }
        assert await database["registrations"].count_documents({"participant_id": id_}) == 5
        assert await RegistrationStore(database).not_erased(id_, 9) == []


async def test_an_erasure_waits_for_no_session_and_is_held_up_by_none(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        gone, heads = await registered_everywhere(client)
        loop = unfinished_erasures(database).loop
        async with taken(database, "two"):
            async with asyncio.timeout(5):
                assert (await erase(client, gone)).status_code == 200
                assert (await ask(client, "three")).status_code == 201
        async with looping(loop):
            await eventually(lambda: ErasureStore(database).pending("", 9), lambda pending: pending == [])
            assert await loop.check() is None
        assert [(await own(client, head))["status"] for head in heads] == ["confirmed"] * 4


async def test_requests_are_forgotten_a_few_at_a_time(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        gone, _ = await registered_everywhere(client)
        registrations, id_ = RegistrationStore(database), gone["participant_id"]
        assert [await registrations.forget_requests(id_, 3) for _ in range(2)] == [True, False]
        left = {"participant_id": id_, "fingerprint": {"$ne": None}}
        assert await database["requests"].count_documents(left) == 0
        assert await database["requests"].count_documents({"fingerprint": {"$ne": None}}) == 4


async def test_an_erasure_stays_open_until_other_rooms_have_forgotten_all(mongo: str) -> None:
    left = {"first room": 2, "second room": 3}

    async def first(participant_id: str, limit: int) -> bool:
        left["first room"] = max(0, left["first room"] - 1)
        return left["first room"] > 0

    async def second(participant_id: str, limit: int) -> bool:
        left["second room"] = max(0, left["second room"] - 1)
        return left["second room"] > 0

    async with service(mongo) as ([client], database):
        await put(client, "fair", activity("one", capacity=1))
        gone = (await ask(client, "one")).json()
        await erase(client, gone)
        unfinished = unfinished_erasures(database, forget=(first, second))
        while await unfinished.go_on(gone["participant_id"]):
            assert await ErasureStore(database).pending("", 9) == [gone["participant_id"]]
        assert left == {"first room": 0, "second room": 0}
        assert await ErasureStore(database).pending("", 9) == []
