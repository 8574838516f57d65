"""
Who was checked in at which session, from events of registration.

arrivals   a check-in, by the id of its registration, with the version of that registration. The server
           deletes it some weeks after it was made (`ARRIVALS_KEPT`)

Check-ins and their undoings come from two topics: in any order, twice, or late. So only a higher version
replaces what is stored.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from services.awards.ceremonies.rules import ARRIVALS_KEPT
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, UpdateOne


class Arrival(msgspec.Struct, frozen=True):
    """A check-in (`here`), or one that was undone."""

    registration_id: str
    version: int
    session_id: str
    participant_id: str
    here: bool
    at: datetime


class ArrivalStore:
    """Reads and writes arrivals; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._arrivals = database["arrivals"]

    async def prepare(self) -> None:
        """Create the indexes, and the collection with them."""
        with mongo.outages_named():
            await self._arrivals.create_index([("participant_id", ASCENDING), ("session_id", ASCENDING)])
        await mongo.delete_after(self._arrivals, "at", ARRIVALS_KEPT)

    async def keep(self, arrivals: Sequence[Arrival]) -> None:
        """Keep the latest of these for each registration, unless what is stored is as late."""
        latest: dict[str, Arrival] = {}
        for one in arrivals:
            if one.registration_id not in latest or one.version > latest[one.registration_id].version:
                latest[one.registration_id] = one
        writes = [
            UpdateOne({"_id": one.registration_id}, _later(one), upsert=True) for one in latest.values()
        ]
        if writes:
            with mongo.outages_named():
                await self._arrivals.bulk_write(writes, ordered=False)

    async def present(self, session_id: str, participant_ids: Collection[str]) -> set[str]:
        """Those among these who are checked in at this session."""
        these: Document = {"participant_id": {"$in": list(participant_ids)}, "session_id": session_id}
        with mongo.outages_named():
            found = await self._arrivals.find(these | {"here": True}, {"participant_id": 1}).to_list(None)
        return {one["participant_id"] for one in found}

    async def forget(self, participant_ids: Collection[str]) -> None:
        """Delete the check-ins of these people."""
        with mongo.outages_named():
            await self._arrivals.delete_many({"participant_id": {"$in": list(participant_ids)}})


def _later(one: Arrival) -> list[Document]:
    document = msgspec.structs.asdict(one)
    document["_id"] = document.pop("registration_id")
    is_there = {"$gte": [{"$ifNull": ["$version", 0]}, one.version]}
    return [{"$replaceWith": {"$cond": [is_there, "$$ROOT", {"$literal": document}]}}]
