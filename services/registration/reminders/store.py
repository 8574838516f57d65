"""
The collection of this room.

reminders  `_id` is the session's id: its next reminder. No reminder is left: no document
"""

from datetime import datetime

from services.registration.reminders.rules import Reminder
from shared.storage.documents import from_document, to_document
from shared.storage.mongo import ASCENDING, Database, Document, outages_named
from shared.storage.unit_of_work import UnitOfWork

DUE = "due"


class ReminderStore:
    """
    The next reminder of each session.

    Only who has locked the session changes its reminder. Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._reminders = database["reminders"]

    async def prepare(self) -> None:
        """Create the collection and its index now: creating one in a transaction causes conflicts."""
        with outages_named():
            await self._reminders.create_index([("_id", ASCENDING), ("due_at", ASCENDING)], name=DUE)

    async def of(self, unit: UnitOfWork, session_id: str) -> Reminder | None:
        found = await self._reminders.find({"_id": session_id}, session=unit.session).to_list(1)
        return from_document(Reminder, found[0], "session_id") if found else None

    async def save(self, unit: UnitOfWork, session_id: str, reminder: Reminder | None) -> None:
        """Set a session's next reminder. None: it has none any more."""
        if reminder is None:
            await self._reminders.delete_one({"_id": session_id}, session=unit.session)
            return
        await self._reminders.replace_one(
            {"_id": session_id}, to_document(reminder, "session_id"), upsert=True, session=unit.session
        )

    async def add_missing(self, unit: UnitOfWork, reminder: Reminder) -> None:
        """Set the session's next reminder if it has none."""
        document: Document = to_document(reminder, "session_id")
        await self._reminders.update_one(
            {"_id": reminder.session_id}, {"$setOnInsert": document}, upsert=True, session=unit.session
        )

    async def due(self, now: datetime, after: str, limit: int) -> list[str]:
        """The ids, after this one, of sessions whose reminder is due."""
        these: Document = {"due_at": {"$lte": now}, "_id": {"$gt": after}}
        with outages_named():
            # Reads only the index. It has an entry for each session with a reminder still to come.
            found = self._reminders.find(these, {"_id": 1}).sort("_id", ASCENDING).hint(DUE).limit(limit)
            return [document["_id"] for document in await found.to_list(None)]
