"""
Drafts of quizzes as they are stored.

quiz_drafts   _id is the quiz's id: the definition, and a version that counts its changes
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.quiz.quizzes.rules import Quiz
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, DuplicateKeyError, outages_named
from shared.storage.unit_of_work import UnitOfWork

DRAFTS = "quiz_drafts"
DRAFTS_MAX = 200


class Draft(NamedTuple):
    """A quiz that is not published; `version` counts its changes."""

    quiz_id: str
    version: int
    quiz: Quiz


class Listed(NamedTuple):
    """What a list shows of a draft; `questions` are those on a paper."""

    quiz_id: str
    version: int
    title: str
    opens_at: datetime
    closes_at: datetime
    questions: int


# The database takes it from the definitions. To read and check a page of them would take seconds.
_LISTED: Document = {
    "version": 1,
    "title": "$definition.title",
    "opens_at": "$definition.opens_at",
    "closes_at": "$definition.closes_at",
    "of_lines": {"$sum": "$definition.lines.count"},
    "of_topics": {
        "$sum": {
            "$map": {"input": {"$objectToArray": "$definition.blueprint"}, "as": "topic", "in": "$$topic.v"}
        }
    },
}


class DraftStore:
    """Reads and writes drafts; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._drafts = database[DRAFTS]

    async def prepare(self) -> None:
        """Create the collection that transactions write to."""
        with outages_named():
            await mongo.create_missing(self.database, (DRAFTS,))

    async def read(self, quiz_id: str) -> Draft | None:
        """A draft."""
        with outages_named():
            found = await self._drafts.find_one({"_id": quiz_id})
        return _draft(found) if found else None

    async def stored(self, quiz_id: str) -> tuple[int, Document] | None:
        """The version and the definition of a draft as they are stored."""
        with outages_named():
            found = await self._drafts.find_one({"_id": quiz_id})
        return (found["version"], found["definition"]) if found else None

    async def count(self) -> int:
        """How many drafts there are."""
        with outages_named():
            number: int = await self._drafts.estimated_document_count()
        return number

    async def page(self, after: str, limit: int) -> Sequence[Listed]:
        """Drafts by id, from the one after `after`."""
        with outages_named():
            found = self._drafts.find({"_id": {"$gt": after}}, _LISTED).sort("_id", ASCENDING).limit(limit)
            return [_listed(one) for one in await found.to_list(None)]

    async def put(self, quiz_id: str, definition: Document, earlier: int | None) -> bool:
        """
        Save a draft.

        Args:
            earlier: the version before; None for a new one.
        Returns: False if the version before is not the present one.
        """
        with outages_named():
            if earlier is None:
                try:
                    await self._drafts.insert_one({"_id": quiz_id, "version": 1, "definition": definition})
                except DuplicateKeyError:
                    return False
                return True
            updated = await self._drafts.update_one(
                {"_id": quiz_id, "version": earlier},
                {"$set": {"definition": definition, "version": earlier + 1}},
            )
        return bool(updated.modified_count)

    async def delete(self, quiz_id: str, version: int, unit: UnitOfWork | None = None) -> bool:
        """Delete a draft; False if this version is not the present one."""
        session = unit.session if unit else None
        with outages_named():
            gone = await self._drafts.delete_one({"_id": quiz_id, "version": version}, session=session)
        return bool(gone.deleted_count)


def _listed(document: Document) -> Listed:
    return Listed(
        document["_id"],
        document["version"],
        document["title"],
        datetime.fromisoformat(document["opens_at"]),
        datetime.fromisoformat(document["closes_at"]),
        document["of_lines"] + document["of_topics"],
    )


def _draft(document: Document) -> Draft:
    return Draft(document["_id"], document["version"], Quiz.model_validate(document["definition"]))
