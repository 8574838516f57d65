"""Reminders go to each holder once, also after crashes and outages, and anew after a move."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.runtime.background import looping
from shared.storage.mongo import Database
from tests.registration.builders import (
    activity,
    ask,
    cancel,
    check_in,
    erase,
    events,
    now_on,
    put,
    reminding,
    service,
)
from tests.support.service import ORGANISER
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

HOUR = timedelta(hours=1)


def in_hours(hours: float, **changes: Any) -> dict[str, Any]:
    """The times of a session that begins in so many hours and takes two."""
    starts_at = datetime.now(UTC) + timedelta(hours=hours)
    return {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + 2 * HOUR).isoformat()} | changes


async def pass_time(database: Database, hours: float, session_id: str = "one") -> None:
    """Let a session and its reminder be so much nearer."""
    amount = {"unit": "minute", "amount": round(hours * 60)}
    for collection, names in (("sessions", ("starts_at", "ends_at")), ("reminders", ("due_at", "until"))):
        sooner = {name: {"$dateSubtract": {"startDate": f"${name}", **amount}} for name in names}
        await database[collection].update_one({"_id": session_id}, [{"$set": sooner}])


async def remind_all(database: Database, session_id: str = "one", limit: int = 2) -> int:
    """Remind everybody who is due, a few at a time; returns how many."""
    total = 0
    while reminded := await reminding(database).remind(session_id, limit):
        total += reminded
    return total


async def sent(database: Database) -> list[tuple[str, str]]:
    """The reminders, each with the registration."""
    found = await events(database, "registration.reminded")
    return [(one["reminder"], one["registration_id"]) for one in found]


async def street(client: httpx.AsyncClient, people: int, **changes: Any) -> list[dict[str, Any]]:
    await put(client, "street", activity("one", capacity=9, waiting_max=5, **changes))
    return [(await ask(client, "one")).json() for _ in range(people)]


async def test_each_holder_is_reminded_once_of_each(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        people = await street(client, 5, **in_hours(25), feedback="https://example.org/feedback")
        await cancel(client, people[4])
        ids = [one["registration_id"] for one in people[:4]]
        assert await remind_all(database) == 0
        await pass_time(database, 1.5)
        assert await remind_all(database) == 4
        assert await remind_all(database) == 0
        await pass_time(database, 22)
        await check_in(client, people[0]["ticket_code"])
        assert await remind_all(database) == 0
        await pass_time(database, 1)
        # Who is there already is not reminded.
        assert await remind_all(database) == 3
        await check_in(client, people[1]["ticket_code"])
        await pass_time(database, 3)
        assert await remind_all(database) == 2
        assert await sent(database) == [
            *(("day_before", id_) for id_ in ids),
            *(("hour_before", id_) for id_ in ids[1:]),
            *(("thanks", id_) for id_ in ids[:2]),
        ]
        feedback = [one["feedback"] for one in await events(database, "registration.reminded")]
        assert feedback == [None] * 7 + ["https://example.org/feedback"] * 2
        assert await database["reminders"].count_documents({}) == 0


async def test_a_stop_between_two_batches_reminds_nobody_twice_and_forgets_nobody(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        people = await street(client, 5, **in_hours(25))
        await pass_time(database, 2)
        assert await reminding(database).remind("one", 2) == 2
        # Two copies at once, as after a failover.
        await asyncio.gather(*(remind_all(database, limit=1) for _ in range(2)))
        assert await sent(database) == [("day_before", one["registration_id"]) for one in people]


async def test_after_an_outage_only_what_still_makes_sense_is_sent(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await street(client, 2, **in_hours(25))
        await pass_time(database, 25.1)
        assert await remind_all(database) == 0
        assert await sent(database) == []
        [next_one] = await database["reminders"].find().to_list(None)
        assert next_one["kind"] == "thanks"


async def test_a_moved_session_reminds_anew_and_another_change_does_not(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        times = in_hours(25)
        people = await street(client, 2, **times)
        ids = [one["registration_id"] for one in people]
        await pass_time(database, 1.5)
        assert await remind_all(database) == 2
        read = (await client.get("/activities/street")).json()
        read["sessions"][0]["venue"] = "体育馆"
        await put(client, "street", read)
        assert await remind_all(database) == 0
        moved = read | {"sessions": [read["sessions"][0] | in_hours(48)]}
        await put(client, "street", moved)
        assert await remind_all(database) == 0
        await pass_time(database, 24.5)
        assert await remind_all(database) == 2
        assert await sent(database) == [("day_before", id_) for id_ in ids] * 2
        assert {one["venue"] for one in (await events(database, "registration.reminded"))[2:]} == {"体育馆"}


@pytest.mark.parametrize("how", ["off", "cancelled", "erased", "waiting", "removed"])
async def test_nobody_else_is_reminded(mongo: str, how: str) -> None:
    async with service(mongo) as ([client], database):
        body = activity("one", capacity=1, waiting_max=5, **in_hours(25))
        await put(client, "street", body)
        holder, _ = [(await ask(client, "one")).json() for _ in range(2)]
        if how == "off":
            off = body | {"sessions": [body["sessions"][0] | {"reminders": False}]}
            await put(client, "street", off)
        if how == "cancelled":
            await client.post("/sessions/one/cancel", json={"reason": "rain"}, headers=ORGANISER)
        if how == "erased":
            await erase(client, holder)
        if how == "removed":
            await database["sessions"].update_one({"_id": "one"}, {"$set": {"removed": True}})
        await pass_time(database, 2)
        reminded = await remind_all(database)
        assert reminded == (1 if how == "waiting" else 0)
        assert [id_ for _, id_ in await sent(database)] == [holder["registration_id"]] * reminded


async def test_the_loop_reminds_all_who_are_due(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        for name in ("one", "two"):
            await put(client, f"of-{name}", activity(name, capacity=9, **in_hours(25)))
            await ask(client, name)
            await pass_time(database, 2, name)
        await put(client, "of-three", activity("three", capacity=9, **in_hours(25)))
        await ask(client, "three")
        loop = reminding(database).loop
        async with looping(loop):
            await eventually(lambda: sent(database), lambda found: len(found) == 2)
            assert await loop.check() is None


async def test_a_session_that_is_on_now_only_thanks(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=9, **now_on()))
        [planned] = await database["reminders"].find().to_list(None)
        assert planned["kind"] == "thanks"
