"""Held and offered places, for the tests of registration: what confirms, accepts and ends them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from msgspec.structs import replace

from services.registration.booking.confirm import PlaceConfirmation
from services.registration.booking.expire import Expiry
from services.registration.booking.last_word import LastWords
from services.registration.participants.store import ParticipantStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together
from tests.registration.builders import parts_of
from tests.support.service import bearer, in_outbox

Json = dict[str, Any]


async def accept(client: httpx.AsyncClient, registered: dict[str, Any]) -> httpx.Response:
    """Accept the offer of a place."""
    path = f"/registrations/{registered['registration_id']}/accept"
    return await client.post(path, headers=bearer(registered["token"]))


async def confirm_contact(database: Database, participant_id: str) -> int:
    """The participant has verified a contact: what follows for places. Returns how many are confirmed."""

    async def work(unit: UnitOfWork) -> int:
        participants = ParticipantStore(database)
        [one] = (await participants.lock(unit, [participant_id])).values()
        one = replace(one, verified_at=clock.now())
        await participants.save(unit, one)
        return await confirmation(database).confirm_held(unit, one, Origin(), clock.now())

    return await save_together(database, work)


def confirmation(database: Database) -> PlaceConfirmation:
    return parts_of(database).confirmation


def expiry(database: Database, **others: Any) -> Expiry:
    parts = parts_of(database, **others)
    return Expiry(database, parts.stores.sessions, parts.stores.registrations, parts.promotion)


def last_words(database: Database, **others: Any) -> LastWords:
    stores = parts_of(database, **others).stores
    return LastWords(database, stores.sessions, stores.registrations)


async def run_out(database: Database, session_id: str = "one", *registered: Json) -> None:
    """Time is over for these, or for all that is held or offered at the session."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    these: Json = {"session_id": session_id, "held_until": {"$ne": None}}
    if registered:
        these["_id"] = {"$in": [one["registration_id"] for one in registered]}
    await database["registrations"].update_many(these, {"$set": {"held_until": past}})
    await database["sessions"].update_one({"_id": session_id}, {"$set": {"runs_out_at": past}})


async def events(database: Database, outcome: str) -> list[Json]:
    """What was published of this outcome of registrations, in order."""
    return [json.loads(value) for value in await in_outbox(database, f"registration.{outcome}")]
