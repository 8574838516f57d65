"""
The collection `erasures`: the ids of erased participants whose data are not yet deleted completely.
"""

from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, outages_named
from shared.storage.unit_of_work import UnitOfWork


class ErasureStore:
    """Reads and writes unfinished erasures. Raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._erasures = database["erasures"]

    async def prepare(self) -> None:
        """Create the collection. Creating it in a transaction would cause conflicts."""
        with outages_named():
            await mongo.create_missing(self._database, ["erasures"])

    async def add(self, unit: UnitOfWork, participant_id: str) -> None:
        await mongo.insert_in(self._erasures, [{"_id": participant_id}], unit.session)

    async def pending(self, after: str, limit: int) -> list[str]:
        """The ids after this one, at most `limit`, in order."""
        with outages_named():
            found = self._erasures.find({"_id": {"$gt": after}}).sort("_id", ASCENDING).limit(limit)
            return [document["_id"] for document in await found.to_list(None)]

    async def remove(self, participant_id: str) -> None:
        with outages_named():
            await self._erasures.delete_one({"_id": participant_id})
