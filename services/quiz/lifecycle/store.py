"""
Cancellations as they are stored.

quiz_cancellations   _id is "quiz/version": why, and how far those who took part were told; for 456 days
"""

from datetime import datetime, timedelta

from msgspec.structs import asdict

from services.quiz.lifecycle.rules import Cancellation
from services.quiz.quizzes.changes import REMOVED_DAYS_KEPT
from shared.storage import mongo
from shared.storage.documents import from_document, to_document
from shared.storage.mongo import ASCENDING, Database, IndexModel, outages_named
from shared.storage.unit_of_work import UnitOfWork

CANCELLATIONS = "quiz_cancellations"
UNFINISHED = "unfinished"


class CancellationStore:
    """Reads and writes cancellations; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._cancellations = database[CANCELLATIONS]

    async def prepare(self) -> None:
        """Create the indexes, and the collection that transactions write to."""
        with outages_named():
            await self._cancellations.create_indexes(
                [
                    IndexModel(
                        [("unfinished", ASCENDING), ("_id", ASCENDING)],
                        name=UNFINISHED,
                        partialFilterExpression={"unfinished": True},
                    )
                ]
            )
        await mongo.delete_after(self._cancellations, "cancelled_at", timedelta(days=REMOVED_DAYS_KEPT))

    async def add(self, unit: UnitOfWork, cancellation: Cancellation) -> None:
        """Save a new cancellation."""
        document = to_document(cancellation, "cancellation_id")
        await mongo.insert_in(self._cancellations, [document], unit.session)

    async def read(self, id_: str) -> Cancellation | None:
        """A cancellation."""
        with outages_named():
            found = await self._cancellations.find_one({"_id": id_})
        return from_document(Cancellation, found, "cancellation_id") if found else None

    async def unfinished(self, after: str, limit: int, now: datetime) -> list[str]:
        """The ids after `after` of the cancellations that people have to be told of now."""
        these = {"unfinished": True, "_id": {"$gt": after}, "tell_after": {"$lte": now}}
        with outages_named():
            found = self._cancellations.find(these, {"_id": 1}).sort("_id", ASCENDING).limit(limit)
            return [one["_id"] for one in await found.to_list(None)]

    async def go_on(self, after: Cancellation, told_before: int) -> None:
        """Note how far people are told, if nobody else has noted more."""
        fields = asdict(after)
        with outages_named():
            await self._cancellations.update_one(
                {"_id": after.cancellation_id, "portions_told": told_before},
                {
                    "$set": {
                        name: fields[name] for name in ("portions", "portions_told", "told", "unfinished")
                    }
                },
            )
