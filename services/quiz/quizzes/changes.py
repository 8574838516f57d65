"""
What else changes in the documents of quizzes: later ends, other words, an opening after a close, a
cancellation, a removal. The documents are described in store.py.

removed_quizzes   the last version of quizzes that were removed: a quiz of the same name goes on behind it, so
                  that readers of events, who keep the highest version, see the new one
"""

from datetime import datetime, timedelta
from typing import Any

from services.quiz.quizzes.marks import QUIZZES
from services.quiz.quizzes.record import schedule_of
from services.quiz.quizzes.rules import QUIZ_DAYS_MAX, Quiz
from shared.storage import mongo
from shared.storage.mongo import Database, Document, DuplicateKeyError, outages_named
from shared.storage.unit_of_work import UnitOfWork

VERSIONS = "quiz_versions"
REMOVED = "removed_quizzes"
# Longer than any event about a quiz is kept.
REMOVED_DAYS_KEPT = QUIZ_DAYS_MAX + 90


class ChangedError(Exception):
    """The quiz has another version by now, or somebody has begun it: nothing is saved."""


class QuizChanges:
    """
    Changes quizzes in units of work. Each change has its condition in the write, so one of two is refused.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._quizzes = database[QUIZZES]
        self._versions = database[VERSIONS]
        self._removed = database[REMOVED]

    async def prepare(self) -> None:
        """Create the collection that transactions write to."""
        with outages_named():
            await mongo.delete_after(self._removed, "removed_at", timedelta(days=REMOVED_DAYS_KEPT))

    async def amend(
        self, unit: UnitOfWork, quiz_id: str, quiz: Quiz, earlier: int, *, extends_at: datetime | None = None
    ) -> None:
        """
        Save a version with other words or a later end. Those who have begun keep the version before.

        Args:
            extends_at: the end becomes that of this version, if the quiz is open and ends after this moment.
        Raises:
            ChangedError: the version before is not the present one, or the quiz is closing by now.
        """
        fields: Document = {}
        condition: Document = {"_id": quiz_id, "version": earlier}
        if extends_at:
            accepts_until = schedule_of(quiz, quiz.closes_at).accepts_until
            fields = {"closes_at": quiz.closes_at, "accepts_until": accepts_until}
            condition |= {"status": "open", "closes_at": {"$gt": extends_at}}
        change: Document = {"$inc": {"version": 1, "revision": 1}}
        if fields:
            change["$set"] = fields
        await self._update(unit, condition, change)
        await add_definition(unit, self._versions, quiz_id, earlier + 1, quiz)

    async def reopen(
        self, unit: UnitOfWork, quiz_id: str, quiz: Quiz, version: int, accepted_after: datetime
    ) -> None:
        """
        Open a closing quiz again, with the end of its definition.

        Raises:
            ChangedError: it stopped accepting before this moment, has another version, or is not closing.
        """
        accepts_until = schedule_of(quiz, quiz.closes_at).accepts_until
        await self._update(
            unit,
            {
                "_id": quiz_id,
                "version": version,
                "status": "closing",
                "telling": None,
                "accepts_until": {"$gt": accepted_after},
            },
            {
                "$set": {"status": "open", "closes_at": quiz.closes_at, "accepts_until": accepts_until},
                "$inc": {"revision": 1},
            },
        )

    async def cancel(self, unit: UnitOfWork, quiz_id: str, version: int, at: datetime) -> None:
        """
        Cancel a quiz that is not closed: nobody starts from now on, and nobody submits after `at`.

        Raises:
            ChangedError: it has another version, is closed or cancelled by now, or publishes results that it
                withheld.
        """
        ends: Any = {"$min": ["$closes_at", at]}
        await self._update(
            unit,
            {"_id": quiz_id, "version": version, "status": {"$in": ["open", "closing"]}, "telling": None},
            [
                {"$set": {"status": "cancelled", "closes_at": ends, "accepts_until": ends}},
                {"$set": {"revision": {"$add": ["$revision", 1]}}},
                {"$unset": ["frozen_at"]},
            ],
        )

    async def remove(self, unit: UnitOfWork, quiz_id: str, version: int, now: datetime) -> None:
        """
        Remove a quiz that nobody has begun and that is not closed, with all its versions.

        Raises:
            ChangedError: it has another version by now, somebody has begun it, or it is closed.
        """
        gone = await self._quizzes.delete_one(
            {"_id": quiz_id, "version": version, "begun": {"$ne": True}, "status": {"$ne": "closed"}},
            session=unit.session,
        )
        if not gone.deleted_count:
            raise ChangedError
        await self._versions.delete_many({"quiz_id": quiz_id, "_id": ids_of(quiz_id)}, session=unit.session)
        await self._removed.replace_one(
            {"_id": quiz_id}, {"version": version, "removed_at": now}, upsert=True, session=unit.session
        )

    async def _update(self, unit: UnitOfWork, condition: Document, change: Any) -> None:
        updated = await self._quizzes.update_one(condition, change, session=unit.session)
        if not updated.modified_count:
            raise ChangedError


async def removed_version(database: Database, quiz_id: str, unit: UnitOfWork | None = None) -> int:
    """The last version of a quiz of this name that was removed; 0 if there was none."""
    session = unit.session if unit else None
    with outages_named():
        found = await database[REMOVED].find_one({"_id": quiz_id}, {"version": 1}, session=session)
    return int(found["version"]) if found else 0


async def add_definition(
    unit: UnitOfWork, versions: mongo.Collection, quiz_id: str, version: int, quiz: Quiz
) -> None:
    """Save the definition of a version; ChangedError if there is one."""
    document = {
        "_id": version_id(quiz_id, version),
        "quiz_id": quiz_id,
        "version": version,
        "definition": quiz.model_dump(mode="json"),
    }
    await insert(unit, versions, document)


async def insert(unit: UnitOfWork, collection: mongo.Collection, document: Document) -> None:
    """Insert a document; ChangedError if there is one with this id."""
    try:
        await collection.insert_one(document, session=unit.session)
    except DuplicateKeyError:
        raise ChangedError from None


def version_id(quiz_id: str, version: int) -> str:
    """The id of a definition."""
    return f"{quiz_id}/{version}"


def ids_of(quiz_id: str) -> Document:
    """The condition for the ids of all definitions of a quiz."""
    # All ids that begin with "quiz/": a zero follows the slash in ASCII.
    return {"$gte": f"{quiz_id}/", "$lt": f"{quiz_id}0"}
