"""
The collection `sessions`: the data of each session, and its counters.

Every booking and cancellation updates its session, so the changes of one session follow each other.
"""

from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime

from services.registration.sessions.rules import Session
from shared.storage.documents import from_document, lock_one, to_document
from shared.storage.mongo import (
    ASCENDING,
    Database,
    Document,
    IndexModel,
    UpdateOne,
    outages_named,
)
from shared.storage.unit_of_work import UnitOfWork

OWED = "owed"
RUNNING_OUT = "running_out"
WAITING = "waiting"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class SessionStore:
    """
    Reads sessions, and writes them in units of work.

    Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._sessions = database["sessions"]

    async def prepare(self) -> None:
        """Create the collection and its indexes now: creating one in a transaction causes conflicts."""
        with outages_named():
            await self._sessions.create_indexes(
                [
                    IndexModel([("activity_id", ASCENDING), ("starts_at", ASCENDING), ("_id", ASCENDING)]),
                    IndexModel(
                        [("untold", ASCENDING), ("_id", ASCENDING)], partialFilterExpression={"untold": True}
                    ),
                    IndexModel(
                        [("_id", ASCENDING), ("owed", ASCENDING)],
                        name=OWED,
                        partialFilterExpression={"owed": {"$gt": 0}},
                    ),
                    IndexModel(
                        [("_id", ASCENDING), ("starts_at", ASCENDING), ("closes_at", ASCENDING)],
                        name=WAITING,
                        partialFilterExpression={"waiting": {"$gt": 0}},
                    ),
                    IndexModel(
                        [("_id", ASCENDING), ("runs_out_at", ASCENDING)],
                        name=RUNNING_OUT,
                        partialFilterExpression={"runs_out_at": {"$gt": LONG_AGO}},
                    ),
                ]
            )

    async def lock(self, unit: UnitOfWork, session_ids: Collection[str]) -> dict[str, Session]:
        """
        Lock these sessions for this transaction, and read them.

        A second transaction conflicts with the update of the first. It is tried again after the first one,
        and reads what the first one wrote: so places are counted by one transaction at a time. Lock before
        you read anything that a change of the session could make wrong.
        """
        if not session_ids:
            return {}
        if len(session_ids) == 1:
            # A rush is for one session. This saves a round trip while nobody else can use the session.
            [only] = session_ids
            document = await lock_one(self._sessions, only, unit.session)
            return {only: _session(document)} if document else {}
        found = await self._lock(unit, {"_id": {"$in": sorted(session_ids)}})
        return {session.session_id: session for session in found}

    async def lock_of_activity(self, unit: UnitOfWork, activity_id: str) -> dict[str, Session]:
        """Lock all sessions of an activity for this transaction, and read them; removed ones too."""
        found = await self._lock(unit, {"activity_id": activity_id})
        return {session.session_id: session for session in found}

    async def _lock(self, unit: UnitOfWork, these: Document) -> list[Session]:
        await self._sessions.update_many(these, {"$inc": {"locks": 1}}, session=unit.session)
        found = await self._sessions.find(these, session=unit.session).to_list(None)
        return [_session(document) for document in found]

    async def read(self, unit: UnitOfWork, session_id: str) -> Session:
        """A session as this transaction sees it, not locked."""
        [document] = await self._sessions.find({"_id": session_id}, session=unit.session).to_list(1)
        return _session(document)

    async def read_all(self, unit: UnitOfWork, session_ids: Collection[str]) -> dict[str, Session]:
        """Sessions as this transaction sees them, not locked."""
        if not session_ids:
            return {}
        these: Document = {"_id": {"$in": list(session_ids)}}
        found = await self._sessions.find(these, session=unit.session).to_list(None)
        return {document["_id"]: _session(document) for document in found}

    async def save(self, unit: UnitOfWork, sessions: Collection[Session]) -> None:
        if sessions:
            await self._sessions.bulk_write(
                [
                    UpdateOne(
                        {"_id": session.session_id}, {"$set": to_document(session, "session_id")}, upsert=True
                    )
                    for session in sessions
                ],
                session=unit.session,
            )

    async def remove(self, unit: UnitOfWork, session_ids: Collection[str]) -> None:
        if session_ids:
            await self._sessions.delete_many({"_id": {"$in": list(session_ids)}}, session=unit.session)

    async def of_activities(self, activity_ids: Collection[str]) -> list[Session]:
        """All sessions of these activities that are not removed, drafts too; the earliest first."""
        if not activity_ids:
            return []
        with outages_named():
            found = (
                await self._sessions.find(
                    {"activity_id": {"$in": list(activity_ids)}, "removed": {"$ne": True}}
                )
                .sort([("starts_at", ASCENDING), ("_id", ASCENDING)])
                .to_list(None)
            )
        return [_session(document) for document in found]

    async def counts(self, activity_ids: Collection[str]) -> Counter[str]:
        """How many sessions each of these activities has, removed ones and drafts too."""
        if not activity_ids:
            return Counter()
        with outages_named():
            found = await self._sessions.aggregate(
                [
                    {"$match": {"activity_id": {"$in": list(activity_ids)}}},
                    {"$group": {"_id": "$activity_id", "sessions": {"$sum": 1}}},
                ]
            ).to_list(None)
        return Counter({document["_id"]: document["sessions"] for document in found})

    async def by_id(self, session_ids: Collection[str]) -> dict[str, Session]:
        with outages_named():
            found = await self._sessions.find({"_id": {"$in": list(session_ids)}}).to_list(None)
        return {document["_id"]: _session(document) for document in found}

    async def untold(self, after: str, limit: int) -> list[str]:
        """The ids after this one of changed sessions. Somebody may still have to be notified."""
        return await self._ids({"untold": True}, after, limit)

    async def owing(self, after: str, limit: int) -> list[str]:
        """The ids, after this one, of sessions with free places for the head of the waiting list."""
        return await self._ids({"owed": {"$gt": 0}}, after, limit, index=OWED)

    async def running_out(self, after: str, limit: int, now: datetime) -> list[str]:
        """The ids, after this one, of sessions with a held place that may have run out."""
        return await self._ids(
            {"runs_out_at": {"$gt": LONG_AGO, "$lte": now}}, after, limit, index=RUNNING_OUT
        )

    async def waiting_in_vain(self, after: str, limit: int, now: datetime) -> list[str]:
        """The ids, after this one, of sessions with people who wait, and nobody will be promoted any more."""
        over = [{"starts_at": {"$lte": now}}, {"closes_at": {"$lte": now}}]
        these: Document = {"waiting": {"$gt": 0}, "cancelled": None, "$or": over}
        return await self._ids(these, after, limit, index=WAITING)

    async def _ids(self, these: Document, after: str, limit: int, *, index: str | None = None) -> list[str]:
        with outages_named():
            found = self._sessions.find(these | {"_id": {"$gt": after}}, {"_id": 1}).sort("_id", ASCENDING)
            if index is not None:
                # The server would take the index of `_id`, and read every session.
                found = found.hint(index)
            return [document["_id"] for document in await found.limit(limit).to_list(None)]


def _session(document: Document) -> Session:
    return from_document(Session, document, "session_id")
