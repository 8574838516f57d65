"""
Registration's database.

activities      _id is the activity's id
sessions        definition and counters; every booking and cancellation updates its session, which orders them
participants    people and groups; contacts only sealed; an erased one keeps its id alone
registrations   _id derives from participant and session: there is one at most
requests        what each request was answered, by its id, so that a repeat is answered the same
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

from services.registration.books import Books
from services.registration.documents import to_activity, to_group, to_registration, to_session
from services.registration.records import Activity, Group
from services.registration.rules import Registration, Session
from shared.storage import mongo, outbox
from shared.storage.mongo import ASCENDING, DESCENDING, Database, IndexModel, outages_named

T = TypeVar("T")

REGISTRATIONS_SHOWN_MAX = 200
CONFLICT_PAUSE_SECONDS = 0.004
CONFLICT_PAUSE_SECONDS_MAX = 0.064


class RegistrationStore:
    """Reads registration's database; writes it in transactions. Raises Unavailable while it is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Create the indexes, and the collections that transactions write to."""
        with outages_named():
            await self._database["activities"].create_index([("starts_at", ASCENDING), ("_id", ASCENDING)])
            await self._database["sessions"].create_index([("activity_id", ASCENDING)])
            await self._database["groups"].create_index([("kind", ASCENDING)])
            # It has no other index: this only makes the collection.
            await self._database["participants"].create_index([("_id", ASCENDING)])
            await self._database["requests"].create_index([("participant_id", ASCENDING)])
            await self._database["registrations"].create_indexes(
                [
                    IndexModel([("participant_id", ASCENDING)]),
                    IndexModel([("session_id", ASCENDING), ("status", ASCENDING), ("sequence", ASCENDING)]),
                    IndexModel(
                        [("ticket_code", ASCENDING)],
                        unique=True,
                        partialFilterExpression={"ticket_code": {"$type": "string"}},
                    ),
                ]
            )
        await outbox.prepare(self._database)

    async def transaction(self, work: Callable[[Books], Awaitable[T]]) -> T:
        """
        Run `work` in one transaction, again as a whole when it conflicts with another.

        Raises:
            Unavailable: the database does not answer; the transaction may have been committed.
        """
        tries = 0

        async def attempt(session: mongo.Session) -> T:
            nonlocal tries
            if tries:
                # Two processes at one scarce session would else keep each other from committing.
                longest = min(CONFLICT_PAUSE_SECONDS * 2**tries, CONFLICT_PAUSE_SECONDS_MAX)
                await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 (no secret)
            tries += 1
            return await work(Books(self._database, session))

        return await mongo.in_transaction(self._database, attempt)

    async def activities(self, offset: int, limit: int) -> list[Activity]:
        """A page of activities in the order of their first sessions."""
        with outages_named():
            found = (
                await self._database["activities"]
                .find()
                .sort([("starts_at", ASCENDING), ("_id", ASCENDING)])
                .skip(offset)
                .limit(limit)
                .to_list(None)
            )
        return [to_activity(document) for document in found]

    async def count_activities(self) -> int:
        with outages_named():
            count: int = await self._database["activities"].count_documents({})
        return count

    async def activity(self, activity_id: str) -> Activity | None:
        with outages_named():
            document = await self._database["activities"].find_one({"_id": activity_id})
        return to_activity(document) if document else None

    async def sessions_of(self, activity_ids: Collection[str]) -> list[Session]:
        """All sessions of these activities, the earliest first."""
        with outages_named():
            found = (
                await self._database["sessions"]
                .find({"activity_id": {"$in": list(activity_ids)}})
                .sort([("starts_at", ASCENDING), ("_id", ASCENDING)])
                .to_list(None)
            )
        return [to_session(document) for document in found]

    async def sessions(self, session_ids: Collection[str]) -> dict[str, Session]:
        with outages_named():
            found = await self._database["sessions"].find({"_id": {"$in": list(session_ids)}}).to_list(None)
        return {document["_id"]: to_session(document) for document in found}

    async def groups(self, offset: int, limit: int) -> list[Group]:
        """A page of groups in the order of their ids."""
        with outages_named():
            found = (
                await self._database["groups"]
                .find()
                .sort("_id", ASCENDING)
                .skip(offset)
                .limit(limit)
                .to_list(None)
            )
        return [to_group(document) for document in found]

    async def count_groups(self) -> int:
        with outages_named():
            count: int = await self._database["groups"].count_documents({})
        return count

    async def registration(self, id_: str) -> Registration | None:
        with outages_named():
            document = await self._database["registrations"].find_one({"_id": id_})
        return to_registration(document) if document else None

    async def registrations_of(self, participant_id: str) -> list[Registration]:
        """A participant's own, the latest first, at most `REGISTRATIONS_SHOWN_MAX`."""
        with outages_named():
            found = (
                await self._database["registrations"]
                .find({"participant_id": participant_id})
                .sort("asked_at", DESCENDING)
                .limit(REGISTRATIONS_SHOWN_MAX)
                .to_list(None)
            )
        return [to_registration(document) for document in found]

    async def position(self, registration: Registration) -> int:
        """Where a waiting registration stands now, from 1."""
        with outages_named():
            ahead: int = await self._database["registrations"].count_documents(
                {
                    "session_id": registration.session_id,
                    "status": "waitlisted",
                    "sequence": {"$lt": registration.sequence},
                }
            )
        return ahead + 1
