"""
The names of quizzes and of their drafts: of one name there is a draft or a quiz, never both.

quiz_names   _id is the name: the last version of a draft, and whether there is a draft now. Whoever makes a
             draft or a quiz of a name writes its document in the same transaction, so two of them conflict.
             Without a draft it is deleted after 456 days
"""

from datetime import timedelta
from typing import Any

from services.quiz.quizzes.changes import REMOVED_DAYS_KEPT
from shared.runtime.errors import Conflict
from shared.storage import mongo
from shared.storage.mongo import Database, Document, ReturnDocument
from shared.storage.unit_of_work import UnitOfWork

NAMES = "quiz_names"


async def prepare_names(database: Database) -> None:
    """Create the collection that transactions write to."""
    await mongo.delete_after(database[NAMES], "free_since", timedelta(days=REMOVED_DAYS_KEPT))


async def next_draft(database: Database, unit: UnitOfWork, quiz_id: str, earlier: int | None) -> int:
    """
    Note that there is a draft; returns its version. It goes on behind a draft that was deleted, so a tag of
    that one matches no other.
    """
    last: Document = {"$max": ["$version", earlier or 0]}
    change: Any = [{"$set": {"version": {"$add": [last, 1]}, "draft": True}}, {"$unset": "free_since"}]
    return int((await _write(database, unit, quiz_id, change))["version"])


async def end_draft(database: Database, unit: UnitOfWork, quiz_id: str) -> None:
    """Note that there is no draft any more."""
    await _write(database, unit, quiz_id, [{"$set": {"draft": False, "free_since": "$$NOW"}}])


async def take_name(database: Database, unit: UnitOfWork, quiz_id: str) -> None:
    """
    Take the name for a new quiz.

    Raises:
        Conflict: there is a draft of this name.
    """
    found = await _write(database, unit, quiz_id, [{"$set": {"free_since": "$$NOW"}}])
    if found.get("draft"):
        raise Conflict(
            f"there is a draft of quiz {quiz_id}: publish it, or delete it first", code="quiz_has_draft"
        )


async def _write(database: Database, unit: UnitOfWork, quiz_id: str, change: Any) -> Document:
    found: Document = await database[NAMES].find_one_and_update(
        {"_id": quiz_id},
        change,
        upsert=True,
        return_document=ReturnDocument.AFTER,
        session=unit.session,
    )
    return found
