"""Erasure on the real database: nothing personal stays, nothing is held, and nothing follows."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from ops.audit.erasure import personal_in
from services.registration.booking.ids import registration_id
from services.registration.booking.rules import Registration
from services.registration.booking.store import RegistrationStore
from services.registration.participants.rules import ParticipantId, Profile
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.rules import SessionId
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.storage.mongo import Database, Document
from shared.storage.unit_of_work import UnitOfWork, save_together
from tests.registration.builders import (
    activity,
    ask,
    cancel,
    check_in,
    erase_whole,
    erasure,
    newcomer,
    now_on,
    own,
    promotion,
    put,
    seats,
    service,
    soon,
    unfinished_erasures,
    waiter,
)
from tests.support.service import bearer, in_outbox

pytestmark = pytest.mark.stack

KEY = "the-key-of-the-erased"
PROFILE = set(Profile.__struct_fields__)


async def left_of(database: Database, participant_id: str) -> list[tuple[str, set[str]]]:
    """What is stored of a participant that is personal, by collection."""
    found = []
    for collection in await database.list_collection_names():
        these: Document = {"$or": [{"_id": participant_id}, {"participant_id": participant_id}]}
        for document in await database[collection].find(these).to_list(None):
            held = {name for name in PROFILE & document.keys() if document[name] is not None}
            held.update(personal_in(document))
            if held:
                found.append((collection, held))
    return found


async def test_an_erased_participant_leaves_nothing_personal_and_no_place(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=5))
        person = newcomer("张无忌", email="zhang@example.org", district="华龙区")
        gone = (await ask(client, "one", key=KEY, participant=person)).json()
        head = (await ask(client, "one")).json()
        erased = [await erase_whole(client, database, gone) for _ in range(2)]
        assert [answer.status_code for answer in erased] == [200, 200]
        assert erased[0].json() == erased[1].json()
        assert await left_of(database, gone["participant_id"]) == []
        assert await database["contact_keys"].count_documents({"_id": gone["participant_id"]}) == 0
        promoted = await own(client, head)
        assert promoted["status"] == "confirmed"
        assert promoted["ticket_code"]
        [cancelled] = [json.loads(value) for value in await in_outbox(database, "registration.cancelled")]
        assert (cancelled["code"], cancelled["version"]) == ("participant_erased", 2)
        [one] = [json.loads(value) for value in await in_outbox(database, "participant.erased")]
        assert (one["participant_id"], one["version"]) == (gone["participant_id"], 2)
        keyed = [json.loads(value) for value in await in_outbox(database, "participant.keyed")]
        assert [(one["version"], one["key_sealed"]) for one in keyed if one["version"] == 2] == [(2, None)]


async def test_the_erased_register_no_more(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        gone = (await ask(client, "one", key=KEY)).json()
        await erase_whole(client, database, gone)
        for answer in (await ask(client, "one", token=gone["token"]), await ask(client, "one", key=KEY)):
            assert (answer.status_code, answer.json()["code"]) == (401, "participant_erased")
        [seen] = (await client.get("/registrations", headers=bearer(gone["token"]))).json()["registrations"]
        assert (seen["status"], seen["ticket_code"]) == ("cancelled", None)
        assert (await check_in(client, gone["ticket_code"])).json()["verdict"] == "unknown"


async def test_a_token_registers_nothing_from_the_erasure_on_at_no_copy(mongo: str) -> None:
    async with service(mongo, copies=2) as ([client, other], database):
        await put(client, "street", activity("one", capacity=5))
        await put(client, "fair", activity("two", capacity=5))
        gone = (await ask(client, "one")).json()
        # Both copies have verified the token before.
        assert (await ask(other, "one", token=gone["token"])).status_code == 200
        await erase_whole(client, database, gone)
        for copy in (client, other):
            for session_id in ("one", "two"):
                refused = await ask(copy, session_id, token=gone["token"])
                assert (refused.status_code, refused.json()["code"]) == (401, "participant_erased")
        assert await database["registrations"].count_documents({"status": {"$ne": "cancelled"}}) == 0
        assert await seats(client, "fair") == (5, 0)
        assert await left_of(database, gone["participant_id"]) == []


async def test_an_erased_wait_is_cancelled_whenever_its_session_is_and_never_moves_up(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=5, **soon()))
        holder, gone, behind = [(await ask(client, "one")).json() for _ in range(3)]
        [starts_at] = [one["starts_at"] async for one in database["sessions"].find()]
        # When the session has begun, places stay, but no wait does.
        await database["sessions"].update_one({}, {"$set": {"starts_at": datetime.now(UTC)}})
        await erase_whole(client, database, gone)
        assert await seats(client, "street") == (0, 1)
        await database["sessions"].update_one({}, {"$set": {"starts_at": starts_at}})
        await cancel(client, holder)
        assert (await own(client, behind))["status"] == "confirmed"
        assert await seats(client, "street") == (0, 0)
        confirmed = [json.loads(value) for value in await in_outbox(database, "registration.confirmed")]
        assert gone["participant_id"] not in {one["participant_id"] for one in confirmed}


async def test_a_visit_that_has_begun_stays_without_its_ticket(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, **now_on()))
        await put(client, "fair", activity("two", capacity=1, **now_on()))
        inside = (await ask(client, "one")).json()
        await ask(client, "two", token=inside["token"])
        await check_in(client, inside["ticket_code"])
        await erase_whole(client, database, inside)
        kept = await database["registrations"].find().sort("_id").to_list(None)
        assert sorted(one["status"] for one in kept) == ["checked_in", "confirmed"]
        assert await left_of(database, inside["participant_id"]) == []


async def test_a_wait_that_was_left_behind_by_an_erasure_is_passed_over(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=5))
        holder, gone, behind = [(await ask(client, "one")).json() for _ in range(3)]
        # As an earlier version left it: erased, and still waiting.
        await database["participants"].update_one(
            {"_id": gone["participant_id"]}, {"$set": {"erased_at": datetime.now(UTC)}}
        )
        await database["contact_keys"].delete_one({"_id": gone["participant_id"]})
        await cancel(client, holder)
        # Its one free place was looked for at the head of the list alone.
        await database["sessions"].update_one({"_id": "one"}, {"$set": {"capacity": 2}})

        sessions = SessionStore(database)

        async def once_more(unit: UnitOfWork) -> None:
            session = (await sessions.lock(unit, ["one"]))["one"]
            session, _ = await promotion(database).promote(unit, session, Origin(), clock.now())
            await sessions.save(unit, [session])

        await save_together(database, once_more)
        assert (await own(client, behind))["status"] == "confirmed"
        confirmed = [json.loads(value) for value in await in_outbox(database, "registration.confirmed")]
        assert gone["participant_id"] not in {one["participant_id"] for one in confirmed}


async def test_an_erasure_while_its_participant_is_registered_sees_that_registration(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        await put(client, "fair", activity("two", capacity=5))
        person = (await ask(client, "one")).json()
        # Locked before, so that a lock that sets instead of counting would write nothing.
        await ask(client, "one", token=person["token"])
        id_ = ParticipantId(person["participant_id"])
        sessions, registrations = SessionStore(database), RegistrationStore(database)
        erasing: list[asyncio.Task[None]] = []

        async def erase_all() -> None:
            await erasure(database).erase(id_, Origin())
            while await unfinished_erasures(database).go_on(id_):
                pass

        async def register(unit: UnitOfWork) -> None:
            session = (await sessions.lock(unit, ["two"]))["two"]
            participant = (await ParticipantStore(database).lock(unit, [id_]))[id_]
            if participant.profile is None:
                return
            if not erasing:
                erasing.append(asyncio.create_task(erase_all()))
                # It has all the time it would need, were it not kept out.
                await asyncio.wait(erasing, timeout=0.5)
            after = replace(session, taken=1, sequence=1)
            await registrations.add(unit, [_confirmed(id_)])
            await sessions.save(unit, [after])

        await save_together(database, register)
        await erasing[0]
        standing = {"participant_id": id_, "status": {"$ne": "cancelled"}}
        assert await database["registrations"].count_documents(standing) == 0
        assert await seats(client, "fair") == (5, 0)


def _confirmed(id_: ParticipantId) -> Registration:
    return replace(
        waiter(1, status="confirmed"),
        registration_id=registration_id(id_, "two"),
        participant_id=id_,
        session_id=SessionId("two"),
        asked_at=datetime.now(UTC) - timedelta(minutes=1),
        ticket_hash="hash",
        ticket_locked="locked",
    )
