"""
The collection `announcements`: messages to the people of sessions, for 400 days.

The people are read from booking's collection `registrations`.
"""

from datetime import datetime, timedelta

from services.registration.announcing.rules import REACHED, Announcement
from services.registration.booking.rules import Registration
from shared.storage import mongo
from shared.storage.documents import behind, from_document, latest_first, lock_one, to_document
from shared.storage.mongo import (
    ASCENDING,
    Database,
    Document,
    IndexModel,
    outages_named,
)
from shared.storage.unit_of_work import UnitOfWork

ANNOUNCEMENT_DAYS_KEPT = 400


class AnnouncementStore:
    """
    Reads announcements, and writes them in units of work.

    Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._announcements = database["announcements"]
        self._registrations = database["registrations"]

    async def prepare(self) -> None:
        """Create the collection and its indexes now: creating one in a transaction causes conflicts."""
        with outages_named():
            await self._announcements.create_indexes(
                [
                    IndexModel([("session_id", ASCENDING), ("created_at", ASCENDING), ("_id", ASCENDING)]),
                    IndexModel(
                        [("unfinished", ASCENDING), ("_id", ASCENDING)],
                        partialFilterExpression={"unfinished": True},
                    ),
                ]
            )
            await mongo.delete_after(
                self._announcements, "created_at", timedelta(days=ANNOUNCEMENT_DAYS_KEPT)
            )

    async def lock(self, unit: UnitOfWork, id_: str) -> Announcement | None:
        """Lock an announcement for this transaction, and read it."""
        document = await lock_one(self._announcements, id_, unit.session)
        return _announcement(document) if document else None

    async def count(self, unit: UnitOfWork, session_id: str) -> int:
        """The number of announcements to a session."""
        found: int = await self._announcements.count_documents(
            {"session_id": session_id}, session=unit.session
        )
        return found

    async def add(self, unit: UnitOfWork, announcement: Announcement) -> None:
        await mongo.insert_in(
            self._announcements, [to_document(announcement, "announcement_id")], unit.session
        )

    async def save(self, unit: UnitOfWork, announcement: Announcement) -> None:
        changed = to_document(announcement, "announcement_id")
        id_ = changed.pop("_id")
        await self._announcements.update_one({"_id": id_}, {"$set": changed}, session=unit.session)

    async def unfinished(self, after: str, limit: int) -> list[str]:
        """The ids, after this one, of announcements that somebody may still have to be told of."""
        these: Document = {"unfinished": True, "_id": {"$gt": after}}
        with outages_named():
            found = self._announcements.find(these, {"_id": 1}).sort("_id", ASCENDING).limit(limit)
            return [document["_id"] for document in await found.to_list(None)]

    async def to_be_told(
        self, unit: UnitOfWork, announcement: Announcement, limit: int
    ) -> list[Registration]:
        """The next registrations whose people get this announcement, in the order of `sequence`."""
        these: Document = {
            "session_id": announcement.session_id,
            "status": {"$in": list(REACHED[announcement.to])},
            "sequence": {"$gt": announcement.told_to, "$lte": announcement.until},
        }
        found = self._registrations.find(these, session=unit.session).sort("sequence", ASCENDING)
        return [
            from_document(Registration, document, "registration_id")
            for document in await found.limit(limit).to_list(None)
        ]

    async def page(
        self, session_id: str, before: tuple[datetime, str] | None, limit: int
    ) -> list[Announcement]:
        """The announcements to a session before this time and id, the latest first."""
        these: Document = {"session_id": session_id, **behind("created_at", before)}
        with outages_named():
            found = self._announcements.find(these).sort(latest_first("created_at")).limit(limit)
            return [_announcement(document) for document in await found.to_list(None)]


def _announcement(document: Document) -> Announcement:
    return from_document(Announcement, document, "announcement_id")
