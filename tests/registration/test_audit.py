"""The audit of registration: held and offered places count as taken, and what runs out is no fault."""

from typing import Any

import pytest

from shared.storage.mongo import Database
from tests.registration.auditing import faults, log_of
from tests.registration.builders import activity, ask, cancel, own, put, service, soon
from tests.registration.holding import accept, confirm_contact, expiry, run_out

pytestmark = pytest.mark.stack


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
