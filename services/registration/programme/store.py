"""
Registration's database.

activities      _id is the activity's id
sessions        definition and counters; every booking and cancellation updates its session, which orders them
session_places  where and when moved sessions were to be, until all their people are told
participants    people and groups; contacts only locked; an erased one keeps its id alone
contact_keys    the participants' own keys; left out of backups, which nobody can open then after an erasure
groups          what organisers say of groups, who are participants too
registrations   _id derives from participant and session: there is one at most; tickets hashed and locked
requests        what each request was answered, by its id, so that a repeat is answered the same
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import TypeVar

from services.registration.booking.rules import Registration, Session
from services.registration.booking.store import Books
from services.registration.documents import to_activity, to_group, to_registration, to_session
from services.registration.participants.keys import Lockbox
from services.registration.participants.rules import Activity, Group
from shared.storage import mongo, outbox
from shared.storage.mongo import ASCENDING, DESCENDING, Database, Document, IndexModel, outages_named

T = TypeVar("T")

# A client asks again within minutes, a person within days. Commands lie in their topic for 7 days.
ANSWER_DAYS_KEPT = 30
CONFLICT_PAUSE_SECONDS = 0.004
CONFLICT_PAUSE_SECONDS_MAX = 0.064


class RegistrationStore:
    """Reads registration's database; writes it in transactions. Raises Unavailable while it is away."""

    def __init__(self, database: Database, lockbox: Lockbox) -> None:
        self._database = database
        self.lockbox = lockbox

    async def prepare(self) -> None:
        """Create the indexes, and the collections that transactions write to."""
        with outages_named():
            await self._database["activities"].create_index([("starts_at", ASCENDING), ("_id", ASCENDING)])
            await self._database["sessions"].create_indexes(
                [
                    IndexModel([("activity_id", ASCENDING), ("starts_at", ASCENDING), ("_id", ASCENDING)]),
                    IndexModel([("untold", ASCENDING)], partialFilterExpression={"untold": True}),
                ]
            )
            await self._database["session_places"].create_index([("session_id", ASCENDING)])
            # These have no other index.
            await mongo.create_missing(self._database, ["participants", "contact_keys", "groups"])
            await self._database["requests"].create_indexes(
                [
                    IndexModel([("participant_id", ASCENDING)]),
                    IndexModel([("answered_at", ASCENDING)], expireAfterSeconds=ANSWER_DAYS_KEPT * 86_400),
                ]
            )
            await self._database["registrations"].create_indexes(
                [
                    IndexModel([("participant_id", ASCENDING), ("asked_at", ASCENDING), ("_id", ASCENDING)]),
                    # With the places, so that the largest wait is found in the index alone.
                    IndexModel(
                        [
                            ("session_id", ASCENDING),
                            ("status", ASCENDING),
                            ("sequence", ASCENDING),
                            ("places", ASCENDING),
                        ]
                    ),
                    IndexModel(
                        [("ticket_hash", ASCENDING)],
                        unique=True,
                        # Not by $type: an equality would not be seen to be among the strings, and scan.
                        partialFilterExpression={"ticket_hash": {"$gt": ""}},
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
            return await work(Books(self._database, session, self.lockbox))

        return await mongo.in_transaction(self._database, attempt)

    async def activities(self, after: tuple[datetime, str] | None, limit: int) -> list[Activity]:
        """The activities after this first session's start and id, in the order of both."""
        beyond: Document = {}
        if after is not None:
            starts_at, id_ = after
            beyond = {
                "$or": [{"starts_at": {"$gt": starts_at}}, {"starts_at": starts_at, "_id": {"$gt": id_}}]
            }
        order = [("starts_at", ASCENDING), ("_id", ASCENDING)]
        with outages_named():
            found = await self._database["activities"].find(beyond).sort(order).limit(limit).to_list(None)
        return [to_activity(document) for document in found]

    async def activity(self, activity_id: str) -> Activity | None:
        with outages_named():
            document = await self._database["activities"].find_one({"_id": activity_id})
        return to_activity(document) if document else None

    async def sessions_of(self, activity_ids: Collection[str]) -> list[Session]:
        """All sessions of these activities, the earliest first."""
        if not activity_ids:
            return []
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

    async def untold_sessions(self, limit: int) -> list[str]:
        """The ids of sessions of which some people may still have to be told a change."""
        with outages_named():
            found = await self._database["sessions"].find({"untold": True}, {"_id": 1}).to_list(limit)
        return [document["_id"] for document in found]

    async def groups(self, after: str | None, limit: int) -> list[Group]:
        """The groups after this id, in the order of their ids."""
        beyond: Document = {} if after is None else {"_id": {"$gt": after}}
        with outages_named():
            found = (
                await self._database["groups"].find(beyond).sort("_id", ASCENDING).limit(limit).to_list(None)
            )
        return [to_group(document) for document in found]

    async def group(self, group_id: str) -> Group | None:
        with outages_named():
            document = await self._database["groups"].find_one({"_id": group_id})
        return to_group(document) if document else None

    async def contact_key(self, participant_id: str) -> bytes | None:
        """A participant's own key; None once erased."""
        with outages_named():
            found = await self._database["contact_keys"].find_one({"_id": participant_id})
        return found["key"] if found else None

    async def registration(self, id_: str) -> Registration | None:
        with outages_named():
            document = await self._database["registrations"].find_one({"_id": id_})
        return to_registration(document) if document else None

    async def registrations_of(
        self, participant_id: str, before: tuple[datetime, str] | None, limit: int
    ) -> list[Registration]:
        """A participant's own before this time of asking and id, the latest first."""
        own: Document = {"participant_id": participant_id}
        if before is not None:
            asked_at, id_ = before
            own["$or"] = [{"asked_at": {"$lt": asked_at}}, {"asked_at": asked_at, "_id": {"$lt": id_}}]
        order = [("asked_at", DESCENDING), ("_id", DESCENDING)]
        with outages_named():
            found = await self._database["registrations"].find(own).sort(order).limit(limit).to_list(None)
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
