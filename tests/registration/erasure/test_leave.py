"""Newcomers who do not verify a contact go, and leave nothing."""

from datetime import timedelta

import pytest

from services.registration.booking.store import RegistrationStore
from services.registration.erasure.leave import Leaving
from services.registration.participants.store import ParticipantStore
from shared.storage.mongo import Database
from shared.storage.outbox import waiting
from tests.registration.builders import activity, ask, cancel, newcomer, put, seats, service
from tests.registration.sign_ins.builders import join, signed_in
from tests.support.service import code_of

pytestmark = pytest.mark.stack
KEPT = ("participants", "contact_keys", "contacts", "registrations", "requests")


async def all_leave(database: Database) -> list[bool]:
    """Look at everybody who is due, as the loop does."""
    leaving = Leaving(database, ParticipantStore(database), RegistrationStore(database), kept=timedelta())
    return [await leaving.delete_newcomer(hash_) for hash_ in await leaving._pending("", 100)]


async def kept(database: Database) -> dict[str, int]:
    return {name: await database[name].count_documents({}) for name in KEPT}


async def test_who_has_nothing_left_and_no_confirmed_contact_leaves_nothing(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        await put(client, "street", activity("one", 10))
        held = (await ask(client, "one")).json()
        await join(client)
        await cancel(client, held)
        assert await all_leave(database) == [True, True]
        assert await kept(database) == dict.fromkeys(KEPT, 0)
        assert await seats(client, "street") == (10, 0)
        assert await waiting(database)
        gone = await ask(client, "one", token=held["token"])
        assert code_of(gone) == (401, "participant_unknown")


async def test_who_has_a_place_or_a_confirmed_contact_stays(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        await put(client, "street", activity("one", 1, waiting_max=1))
        for _ in range(2):
            await ask(client, "one")
        joined = newcomer()
        await client.post("/participants", json=joined)
        await signed_in(client, database, joined["email"])
        before = await kept(database)
        assert await all_leave(database) == [False, False]
        assert await kept(database) == before


async def test_a_contact_that_was_left_is_free(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        first = (await join(client, email="li@example.org")).json()
        assert await all_leave(database) == [True]
        again = await join(client, email="li@example.org")
        assert again.status_code == 201
        assert again.json()["participant_id"] != first["participant_id"]
