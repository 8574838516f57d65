"""The audit of registration: held and offered places count as taken, and what runs out is no fault."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from ops.audit.log import Entry, Log
from ops.audit.registration import audit_registration
from shared.storage.mongo import Database
from shared.storage.outbox import waiting
from tests.registration.builders import activity, ask, cancel, own, put, service, soon
from tests.registration.holding import accept, confirm_contact, expiry, run_out

pytestmark = pytest.mark.stack


async def log_of(database: Database, *, without: str = "", left: Sequence[str] = ()) -> Log:
    """
    All events of the outbox as they would be in Kafka.

    `without`: but for the one with this id. `left`: and the erasures of these newcomers.
    """
    entries = []
    for offset, (topic, key, value, headers) in enumerate(await waiting(database)):
        named = {name: (content or b"").decode() for name, content in headers}
        entries.append(Entry(topic, 0, offset, (key or b"").decode(), value, named["ce_id"], named, True, 0))
    for id_ in left:
        value = json.dumps(
            {"participant_id": id_, "version": 2, "erased_at": "2026-05-20T01:00:00Z"}
        ).encode()
        entries.append(Entry("participant.erased", 0, len(entries), id_, value, f"of-{id_}", {}, True, 0))
    return Log(one for one in entries if one.event_id != without)


async def faults(database: Database, log: Log) -> dict[str, list[str]]:
    """What each statement that does not hold has found."""
    checks = await audit_registration(log, database, [])
    return {one.name: [*one.missing, *one.wrong, *one.duplicated] for one in checks if not one.agrees}


async def a_busy_session(client: Any, database: Database) -> dict[str, dict[str, Any]]:
    """Somebody in each state: held, confirmed, run out, offered, accepted, waiting."""
    await put(client, "street", activity("one", 2, waiting_max=9, offer_minutes=60, **soon()))
    first, second = [(await ask(client, "one")).json() for _ in range(2)]
    waiters = [(await ask(client, "one")).json() for _ in range(4)]
    for one in waiters[:2]:
        await confirm_contact(database, one["participant_id"])
    await run_out(database, "one", first)
    await expiry(database).free("one")
    await accept(client, waiters[0])
    await cancel(client, second)
    return {"gone": first, "confirmed": waiters[0], "offered": waiters[1], "waits": waiters[2]}


async def test_places_that_are_held_offered_and_freed_are_as_they_should_be(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        people = await a_busy_session(client, database)
        statuses = {name: (await own(client, one))["status"] for name, one in people.items()}
        assert statuses == {
            "gone": "cancelled",
            "confirmed": "confirmed",
            "offered": "offered",
            "waits": "waitlisted",
        }
        assert await faults(database, await log_of(database)) == {}


async def test_a_place_that_is_taken_by_an_offer_and_counted_by_nobody_is_found(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        await a_busy_session(client, database)
        await database["sessions"].update_one({"_id": "one"}, {"$inc": {"taken": -1}})
        assert await faults(database, await log_of(database)) == {"no session is oversold": ["one"]}


async def test_a_step_that_was_not_published_is_found(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        people = await a_busy_session(client, database)
        log = await log_of(database)
        # Nobody is offered a place who has not waited.
        [waited] = [
            event.id
            for event in log.events("registration.waitlisted")
            if event.body["registration_id"] == people["confirmed"]["registration_id"]
        ]
        found = await faults(database, await log_of(database, without=waited))
        assert found["every step of a registration is published once"] == [
            people["confirmed"]["registration_id"]
        ]


async def remove(database: Database, participant_id: str) -> None:
    """Everything about a newcomer, as a background loop does it."""
    for collection in ("registrations", "requests"):
        await database[collection].delete_many({"participant_id": participant_id})
    for collection in ("participants", "contact_keys"):
        await database[collection].delete_one({"_id": participant_id})


async def test_of_newcomers_who_have_left_only_their_events_are_there(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        people = await a_busy_session(client, database)
        gone, waits = (people[name]["participant_id"] for name in ("gone", "waits"))
        await remove(database, gone)
        assert await faults(database, await log_of(database, left=[gone])) == {}
        # This one still waits, and should not have been removed.
        await remove(database, waits)
        found = await faults(database, await log_of(database, left=[gone, waits]))
        assert found["whoever has left has given everything back"] == [people["waits"]["registration_id"]]
