"""The collection `attendances`: the members for whom a group's registration has its places; ids only."""

from collections.abc import Collection

from services.registration.group_bookings.rules import Attendance
from shared.storage.documents import from_document, to_document
from shared.storage.mongo import ASCENDING, Database, Document, outages_named
from shared.storage.unit_of_work import UnitOfWork


class AttendanceStore:
    """Reads and writes attendances. Raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._attendances = database["attendances"]

    async def prepare(self) -> None:
        """Create the collection and its index now: creating one in a transaction causes conflicts."""
        with outages_named():
            await self._attendances.create_index([("member_ids", ASCENDING), ("_id", ASCENDING)])

    async def save(self, unit: UnitOfWork, attendance: Attendance) -> None:
        document = to_document(attendance, "registration_id")
        await self._attendances.update_one(
            {"_id": document.pop("_id")}, {"$set": document}, upsert=True, session=unit.session
        )

    async def of_members(
        self, member_ids: Collection[str], after: str | None, limit: int
    ) -> list[Attendance]:
        """Registrations after this id for which any of these members is named, in the order of their ids."""
        these: Document = {"member_ids": {"$in": list(member_ids)}}
        if after is not None:
            these["_id"] = {"$gt": after}
        with outages_named():
            found = await self._attendances.find(these).sort("_id", ASCENDING).limit(limit).to_list(None)
        return [from_document(Attendance, one, "registration_id") for one in found]

    async def by_id(
        self, registration_ids: Collection[str], unit: UnitOfWork | None = None
    ) -> dict[str, Attendance]:
        these: Document = {"_id": {"$in": list(registration_ids)}}
        with outages_named():
            found = self._attendances.find(these, session=unit.session if unit else None)
            return {
                one["_id"]: from_document(Attendance, one, "registration_id")
                for one in await found.to_list(None)
            }
