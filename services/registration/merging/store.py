"""
The collection `merges`: who went into whom; ids only. It stays, so that a repeat is answered as the first
one was.
"""

from services.registration.merging.rules import Merge
from shared.storage import mongo
from shared.storage.documents import from_document, to_document
from shared.storage.mongo import ASCENDING, Database, outages_named
from shared.storage.unit_of_work import UnitOfWork

UNFINISHED = "unfinished"


class MergeStore:
    """Reads and writes merges. Raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._merges = database["merges"]

    async def prepare(self) -> None:
        """Create the collection and its index now: creating one in a transaction causes conflicts."""
        with outages_named():
            await self._merges.create_index(
                [("_id", ASCENDING), ("done", ASCENDING)],
                name=UNFINISHED,
                partialFilterExpression={"done": False},
            )

    async def of(self, unit: UnitOfWork, participant_id: str) -> Merge | None:
        """The merge by which this participant went."""
        found = await self._merges.find_one({"_id": participant_id}, session=unit.session)
        return from_document(Merge, found, "participant_id") if found else None

    async def add(self, unit: UnitOfWork, merge: Merge) -> None:
        await mongo.insert_unless_taken(self._merges, [to_document(merge, "participant_id")], unit.session)

    async def unfinished(self, after: str, limit: int) -> list[str]:
        """The ids after this one of participants who went and have something left, in order."""
        with outages_named():
            found = self._merges.find({"_id": {"$gt": after}, "done": False}, {"_id": 1})
            some = found.sort("_id", ASCENDING).limit(limit).hint(UNFINISHED)
            return [document["_id"] for document in await some.to_list(None)]

    async def finish(self, participant_id: str) -> None:
        with outages_named():
            await self._merges.update_one({"_id": participant_id}, {"$set": {"done": True}})
