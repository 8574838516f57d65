"""The collection `attendances`: the members for whom a group's registration has its places; ids only."""

from collections.abc import Collection

from services.registration.group_bookings.rules import Attendance
from shared.storage import mongo
from shared.storage.documents import from_document, to_document
from shared.storage.mongo import Database, outages_named
from shared.storage.unit_of_work import UnitOfWork


class AttendanceStore:
    """Reads and writes attendances. Raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._attendances = database["attendances"]

    async def prepare(self) -> None:
        """Create the collection now: creating one in a transaction causes conflicts."""
        with outages_named():
            await mongo.create_missing(self._database, ["attendances"])

    async def save(self, unit: UnitOfWork, attendance: Attendance) -> None:
        document = to_document(attendance, "registration_id")
        await self._attendances.update_one(
            {"_id": document.pop("_id")}, {"$set": document}, upsert=True, session=unit.session
        )

    async def by_id(self, registration_ids: Collection[str]) -> dict[str, Attendance]:
        with outages_named():
            found = await self._attendances.find({"_id": {"$in": list(registration_ids)}}).to_list(None)
        return {one["_id"]: from_document(Attendance, one, "registration_id") for one in found}
