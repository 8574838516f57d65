"""Who still waits when a session begins, or registration closes, gets a last word: once, whatever crashes."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.registration.programme.rules import CancelReason
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime.background import looping
from shared.storage.mongo import Database
from tests.registration.builders import (
    activity,
    ask,
    cancel,
    own,
    programme_cancellation,
    put,
    seats,
    service,
    soon,
)
from tests.registration.crashing import Crash, DyingSessions
from tests.registration.holding import events, last_words
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def ends(database: Database, name: str, session_id: str = "one") -> None:
    """The session has begun, or its registration is closed, since a moment ago."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    await database["sessions"].update_one({"_id": session_id}, {"$set": {name: past}})


@pytest.mark.parametrize(
    ("name", "code"), [("starts_at", "session_began"), ("closes_at", "registration_closed")]
)
async def test_everybody_who_waits_gets_one_last_word_whatever_crashes(
    mongo: str, name: str, code: str
) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=20, **soon()))
        people = [(await ask(client, "one")).json() for _ in range(12)]
        assert not await last_words(database).say("one")
        await ends(database, name)
        assert await SessionStore(database).waiting_in_vain("", 9, datetime.now(UTC)) == ["one"]
        # A free place is nobody's now: nobody is promoted, and nobody who asks gets ahead of those who wait.
        await cancel(client, people[0])
        assert (await ask(client, "one")).json()["code"] in ("session_full", "session_closed")
        with pytest.raises(Crash):
            await last_words(database, sessions=DyingSessions(database, 1)).say("one", limit=4)
        assert len(await events(database, "cancelled")) == 1
        assert await last_words(database).say("one", limit=4)

        async def say_all() -> None:
            while await last_words(database).say("one", limit=4):
                pass

        await asyncio.gather(say_all(), say_all())
        words = (await events(database, "cancelled"))[1:]
        assert [one["registration_id"] for one in words] == [one["registration_id"] for one in people[1:]]
        assert {one["code"] for one in words} == {code}
        assert (await own(client, people[1]))["status"] == "cancelled"
        assert await seats(client, "street") == (1, 0)


async def test_the_loop_leaves_a_cancelled_session_to_its_own_notice(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        for name in ("one", "two"):
            await put(client, f"of-{name}", activity(name, capacity=1, waiting_max=20, **soon()))
            for _ in range(3):
                await ask(client, name)
        await programme_cancellation(database).cancel_session("two", CancelReason("weather"), Origin())
        for name in ("one", "two"):
            await ends(database, "starts_at", name)
        loop = last_words(database).loop
        async with looping(loop):
            await eventually(lambda: seats(client, "of-one"), lambda found: found == (0, 0))
            assert await loop.check() is None
        assert await seats(client, "of-two") == (0, 2)


async def test_after_the_start_a_free_place_is_for_who_asks_once_nobody_waits(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=20, **soon()))
        people = [(await ask(client, "one")).json() for _ in range(2)]
        await ends(database, "starts_at")
        await cancel(client, people[0])
        await last_words(database).say("one")
        assert (await ask(client, "one")).json()["status"] == "confirmed"
        assert (await ask(client, "one")).json()["code"] == "session_full"
