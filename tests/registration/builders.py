"""Sessions, registrations and a running registration service, for the tests of registration."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from services.registration.announcing.announce import Announcements
from services.registration.app import RegistrationSettings, assemble
from services.registration.booking.hot import Registering
from services.registration.booking.ids import registration_id
from services.registration.booking.promote import PROMOTED_MAX, Promotion
from services.registration.booking.promote_owed import OwedPromotions
from services.registration.booking.rules import Registration, Status
from services.registration.erasure.erase import Erasure
from services.registration.erasure.finish import Forget, UnfinishedErasures
from services.registration.participants.given_contacts import GivenContacts
from services.registration.participants.limit import SmsLimit
from services.registration.participants.rules import ParticipantId
from services.registration.participants.store import SmsCounts
from services.registration.programme.cancel import ProgrammeCancellation
from services.registration.programme.change import ProgrammeChanges
from services.registration.programme.notify import Notices
from services.registration.reminders.remind import Reminding
from services.registration.sessions.rules import ActivityId, Session, SessionId
from services.registration.wiring import leavers
from services.registration.wiring.keys import Keys
from services.registration.wiring.parts import Parts
from services.registration.wiring.stores import Stores
from shared.runtime.errors import NotAuthenticated
from shared.storage.mongo import Database
from shared.web.tokens import Participant
from tests.support.service import (
    CONTACT_PUBLIC_KEY,
    NAME_PUBLIC_KEY,
    NO_KAFKA,
    ORGANISER,
    SIGNER,
    TOKEN_PRIVATE_KEY,
    bearer,
    copies_of,
    in_outbox,
    settings_of,
)

KEYS = Keys.of(TOKEN_PRIVATE_KEY, CONTACT_PUBLIC_KEY)
SEALER, CODES, TICKETS = KEYS.sealer, KEYS.codes, KEYS.tickets
HOLD = timedelta(minutes=30)
NOW = datetime(2023, 5, 20, 1, 0, tzinfo=UTC)


def session(**changes: Any) -> Session:
    """Ten places, five may wait, tomorrow."""
    fields: dict[str, Any] = {
        "session_id": SessionId("street-1"),
        "activity_id": ActivityId("street"),
        "activity_title": "科普宣传一条街",
        "starts_at": NOW + timedelta(days=1),
        "ends_at": NOW + timedelta(days=1, hours=2),
        "venue": "广场",
        "district": "华龙区",
        "capacity": 10,
        "waiting_max": 5,
    }
    return Session(**fields | changes)


def waiter(sequence: int, places: int = 1, status: Status = "waitlisted") -> Registration:
    who = ParticipantId(f"p{sequence}")
    return Registration(
        registration_id=registration_id(who, "street-1"),
        participant_id=who,
        session_id=SessionId("street-1"),
        request_id=f"r{sequence}",
        places=places,
        status=status,
        sequence=sequence,
        round=1,
        asked_at=NOW,
    )


def activity(session_id: str, capacity: int, waiting_max: int = 0, **changes: Any) -> dict[str, Any]:
    """The body of an activity with one session, tomorrow."""
    starts_at = datetime.now(UTC) + timedelta(days=1)
    one: dict[str, Any] = {
        "session_id": session_id,
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(hours=2)).isoformat(),
        "venue": "市政府综合办公楼广场",
        "district": "华龙区",
        "capacity": capacity,
        "waiting_max": waiting_max,
    }
    return {
        "title": "科普宣传一条街",
        "organiser": "科学技术局",
        "kind": "outreach",
        "sessions": [one | changes],
    }


def newcomer(name: str = "李小明", **changes: Any) -> dict[str, Any]:
    """Somebody with a contact of their own, unless `changes` name one."""
    fields = {"name": name, "email": f"{uuid4().hex}@example.org", "audience": "youth", "language": "zh-CN"}
    return fields | changes


async def put(client: httpx.AsyncClient, activity_id: str, body: dict[str, Any]) -> httpx.Response:
    return await client.put(f"/activities/{activity_id}", json=body, headers=ORGANISER)


async def ask(
    client: httpx.AsyncClient,
    session_id: str,
    *,
    key: str | None = None,
    token: str | None = None,
    places: int = 1,
    participant: dict[str, Any] | None = None,
) -> httpx.Response:
    """Register: a newcomer, unless there is a token."""
    headers = {"Idempotency-Key": key or str(uuid4())} | (bearer(token) if token else {})
    body: dict[str, Any] = {"session_id": session_id, "places": places}
    if token is None:
        # The same request again is that of the same person.
        same: dict[str, Any] = {} if key is None else {"email": f"{key}@example.org"}
        body["participant"] = participant or newcomer(**same)
    return await client.post("/registrations", json=body, headers=headers)


async def check_in(client: httpx.AsyncClient, ticket: str, **fields: Any) -> httpx.Response:
    """Show a ticket at the door."""
    return await client.post("/check-ins", json={"ticket": ticket} | fields, headers=ORGANISER)


async def pick(client: httpx.AsyncClient, registered: dict[str, Any], **fields: Any) -> httpx.Response:
    """The people at the door let somebody in without a ticket, whom they have found in the list."""
    picked = {"registration_id": registered["registration_id"]}
    return await client.post("/check-ins", json=picked | fields, headers=ORGANISER)


async def cancel(client: httpx.AsyncClient, registered: dict[str, Any]) -> httpx.Response:
    """Give back what this answer to a newcomer gave."""
    path = f"/registrations/{registered['registration_id']}/cancel"
    return await client.post(path, headers=bearer(registered["token"]))


async def erase(client: httpx.AsyncClient, registered: dict[str, Any]) -> httpx.Response:
    return await client.delete("/participants/me", headers=bearer(registered["token"]))


async def own(client: httpx.AsyncClient, registered: dict[str, Any]) -> dict[str, Any]:
    """A participant's registration as it is now."""
    path = f"/registrations/{registered['registration_id']}"
    found: dict[str, Any] = (await client.get(path, headers=bearer(registered["token"]))).json()
    return found


def now_on(**changes: Any) -> dict[str, Any]:
    """The times of a session that is on now, as changes of `activity`'s."""
    now = datetime.now(UTC)
    times = {"starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(hours=1)}
    return {name: moment.isoformat() for name, moment in times.items()} | changes


async def seats(client: httpx.AsyncClient, activity_id: str) -> tuple[int, int]:
    """Free places and waiting registrations of an activity's only session."""
    one = (await client.get(f"/activities/{activity_id}")).json()["sessions"][0]
    return one["free"], one["waiting"]


def settings(*, mongo: str, kafka: str = NO_KAFKA, **changes: object) -> RegistrationSettings:
    """Only HTTP unless `role` says otherwise: a test that needs no event needs no broker."""
    own = {
        "role": "api",
        "token_private_key": TOKEN_PRIVATE_KEY,
        "contact_public_key": CONTACT_PUBLIC_KEY,
        "name_public_key": NAME_PUBLIC_KEY,
        # Most tests ask for places as newcomers, and are not about holding them.
        "hold_minutes": 0,
    }
    return settings_of(RegistrationSettings, mongo=mongo, kafka=kafka, **own | changes)


@asynccontextmanager
async def service(
    mongo: str, *, kafka: str = NO_KAFKA, copies: int = 1, **changes: object
) -> AsyncIterator[tuple[list[httpx.AsyncClient], Database]]:
    """Copies of the service on one database, and that database."""
    of = settings(mongo=mongo, kafka=kafka, **changes)
    async with copies_of(assemble, of, of.database, copies=copies) as clients_and_database:
        yield clients_and_database


def soon(**changes: Any) -> dict[str, Any]:
    """The times of a session that begins in an hour, so that its door is open and its list moves up."""
    now = datetime.now(UTC)
    times = {"starts_at": now + timedelta(hours=1), "ends_at": now + timedelta(hours=3)}
    return {name: moment.isoformat() for name, moment in times.items()} | changes


async def events(database: Database, topic: str) -> list[dict[str, Any]]:
    """The events of this topic in the outbox, in order."""
    return [json.loads(value) for value in await in_outbox(database, topic)]


def parts_of(database: Database, hold: timedelta | None = HOLD, **stores: Any) -> Parts:
    """The parts of the service on this database; `stores` are others than its own."""
    return Parts(database, KEYS, hold, replace(Stores.of(database), **stores))


def promotion(database: Database) -> Promotion:
    return parts_of(database).promotion


def erasure(database: Database) -> Erasure:
    stores = Stores.of(database)
    return Erasure(database, stores.participants, stores.erasures)


def unfinished_erasures(
    database: Database, *, forget: Sequence[Forget] = (), **stores: Any
) -> UnfinishedErasures:
    return leavers.unfinished_erasures(parts_of(database, **stores), forget)


def owed_promotions(database: Database, **stores: Any) -> OwedPromotions:
    parts = parts_of(database, **stores)
    return OwedPromotions(database, parts.stores.sessions, parts.promotion)


def programme_changes(database: Database, promoted_max: int = PROMOTED_MAX) -> ProgrammeChanges:
    parts = parts_of(database)
    stores = parts.stores
    return ProgrammeChanges(
        database,
        stores.activities,
        stores.sessions,
        stores.registrations,
        stores.reminders,
        stores.rotas,
        parts.promotion,
        promoted_max=promoted_max,
    )


def announcements(database: Database, **others: Any) -> Announcements:
    stores = parts_of(database, **others).stores
    return Announcements(database, stores.announcements, stores.sessions, stores.participants)


def programme_cancellation(database: Database) -> ProgrammeCancellation:
    stores = Stores.of(database)
    return ProgrammeCancellation(database, stores.activities, stores.sessions, stores.rotas)


def reminding(database: Database, **others: Any) -> Reminding:
    stores = parts_of(database, **others).stores
    return Reminding(database, stores.sessions, stores.participants, stores.registrations, stores.reminders)


def notices(database: Database, **others: Any) -> Notices:
    stores = parts_of(database, **others).stores
    return Notices(database, stores.activities, stores.sessions, stores.participants, stores.registrations)


async def erase_whole(
    client: httpx.AsyncClient, database: Database, registered: dict[str, Any]
) -> httpx.Response:
    """Erase a participant, and all that the request leaves to the background."""
    answer = await erase(client, registered)
    while await unfinished_erasures(database).go_on(registered["participant_id"]):
        pass
    return answer


def registering(database: Database, **bounds: float) -> Registering:
    """What the route does for newcomers, with bounds of its own."""

    def nobody(token: str) -> Participant:
        raise NotAuthenticated(token)

    return Registering(
        parts_of(database, hold=None).booking,
        keys=KEYS.requests,
        sealer=SEALER,
        codes=CODES,
        given=GivenContacts(),
        sms=SmsLimit(SmsCounts(database), KEYS.hash, hour_max=1_000, day_max=1_000),
        signer=SIGNER,
        verify=nobody,
        waiting_max=int(bounds.get("waiting_max", 1_000)),
        seconds_max=bounds.get("seconds_max", 15.0),
    )


@asynccontextmanager
async def taken(database: Database, session_id: str) -> AsyncIterator[None]:
    """Another process has taken the session, and goes on without a change to it at the end."""
    async with await database.client.start_session() as session:
        session.start_transaction()
        await database["sessions"].update_one({"_id": session_id}, {"$inc": {"locks": 1}}, session=session)
        yield
        await session.abort_transaction()


@asynccontextmanager
async def reading(kafka: str, *topics: str) -> AsyncIterator["Log"]:
    """All that is written to these topics from now on."""
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=kafka, auto_offset_reset="latest")
    await consumer.start()
    try:
        for partition in consumer.assignment():
            await consumer.position(partition)
        yield Log(consumer)
    finally:
        await consumer.stop()


class Log:
    """Records as they come."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._read: list[ConsumerRecord[bytes, bytes]] = []

    async def of(
        self, keys: Sequence[str], count: int, *, seconds: float = 15
    ) -> list[ConsumerRecord[bytes, bytes]]:
        """The records with these keys, once there are so many or after so many seconds."""
        wanted = {key.encode() for key in keys}
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            found = [record for record in self._read if record.key in wanted]
            if len(found) >= count or asyncio.get_running_loop().time() > deadline:
                return found
            for records in (await self._consumer.getmany(timeout_ms=100)).values():
                self._read += records
