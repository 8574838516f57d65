"""
Drafts of quizzes as they are stored.

quiz_drafts   _id is the quiz's id: the definition, and a version that counts its changes
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.quiz.quizzes.names import end_draft, next_draft
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

    @property
    def line(self) -> "Line":
        """How a list shows it."""
        quiz = self.quiz
        shown = quiz.title, quiz.opens_at, quiz.closes_at, quiz.questions_a_paper
        return Line(self.quiz_id, self.version, *shown)


class Line(NamedTuple):
    """A draft in a list, without its questions."""

    quiz_id: str
    version: int
    title: str
    opens_at: datetime
    closes_at: datetime
    questions_a_paper: int


# A definition may have 2 MiB. A list needs little of it, and checks nothing: it was checked when it was put.
_LISTED = {"version": 1} | {
    f"definition.{name}": 1 for name in ("title", "opens_at", "closes_at", "blueprint", "lines.count")
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

    async def count(self) -> int:
        """How many drafts there are."""
        with outages_named():
            number: int = await self._drafts.estimated_document_count()
        return number

    async def page(self, after: str, limit: int) -> Sequence[Line]:
        """Drafts by id, from the one after `after`."""
        with outages_named():
            found = self._drafts.find({"_id": {"$gt": after}}, _LISTED).sort("_id", ASCENDING).limit(limit)
            return [_line(one) for one in await found.to_list(None)]

    async def put(self, unit: UnitOfWork, quiz_id: str, quiz: Quiz, earlier: int | None) -> int | None:
        """
        Save a draft.

        Args:
            earlier: the version before; None for a new one.
        Returns: its version; None if the version before is not the present one.
        """
        definition = quiz.model_dump(mode="json")
        version = await next_draft(self.database, unit, quiz_id, earlier)
        document = {"version": version, "definition": definition}
        if earlier is None:
            try:
                await self._drafts.insert_one({"_id": quiz_id} | document, session=unit.session)
            except DuplicateKeyError:
                return None
            return version
        which = {"_id": quiz_id, "version": earlier}
        updated = await self._drafts.update_one(which, {"$set": document}, session=unit.session)
        return version if updated.modified_count else None

    async def delete(self, unit: UnitOfWork, quiz_id: str, version: int) -> bool:
        """Delete a draft; False if this version is not the present one."""
        await end_draft(self.database, unit, quiz_id)
        which = {"_id": quiz_id, "version": version}
        gone = await self._drafts.delete_one(which, session=unit.session)
        return bool(gone.deleted_count)


def _line(document: Document) -> Line:
    definition = document["definition"]
    counts = [*definition["blueprint"].values(), *(one["count"] for one in definition["lines"])]
    opens_at, closes_at = (datetime.fromisoformat(definition[name]) for name in ("opens_at", "closes_at"))
    return Line(document["_id"], document["version"], definition["title"], opens_at, closes_at, sum(counts))


def _draft(document: Document) -> Draft:
    return Draft(document["_id"], document["version"], Quiz.model_validate(document["definition"]))
