"""
What happens to a quiz's document when results change by a decision, and when its final standings do.

quizzes   `decided` counts what disqualifications have changed; `revise_at`: the quiz is closed, and its
          standings are published again then; `closing_version` counts how often they were, `revised_at` says
          when the last time was
"""

from datetime import datetime, timedelta

from services.quiz.quizzes.marks import FIELDS, QUIZZES, Marks, marks
from services.quiz.quizzes.record import QuizRecord
from shared.storage.mongo import Database, ReturnDocument, outages_named
from shared.storage.unit_of_work import UnitOfWork

# Decisions within this time make one revision of the final standings.
GATHER = timedelta(seconds=5)
DUE_MAX = 50


async def note_decision(database: Database, unit: UnitOfWork, quiz_id: str, now: datetime) -> Marks | None:
    """
    Note that standings change by a decision; if the quiz is closed, they are published again soon.

    Returns: the marks of the quiz; None if there is none of this name.
    """
    found = await database[QUIZZES].find_one_and_update(
        {"_id": quiz_id},
        {"$inc": {"decided": 1, "revision": 1}},
        projection=FIELDS,
        return_document=ReturnDocument.AFTER,
        session=unit.session,
    )
    if found is None:
        return None
    await note_change(database, unit, quiz_id, now + GATHER)
    return marks(found)


async def note_change(database: Database, unit: UnitOfWork, quiz_id: str, at: datetime) -> None:
    """If a quiz is closed, let its standings be published again at this time, unless they will be before."""
    await database[QUIZZES].update_one(
        {"_id": quiz_id, "status": "closed", "revise_at": None},
        {"$set": {"revise_at": at}},
        session=unit.session,
    )


async def revisions_due(database: Database, now: datetime) -> list[str]:
    """The closed quizzes whose standings have to be published again, at most `DUE_MAX`."""
    which = {"status": "closed", "revise_at": {"$lte": now}, "regrading": None}
    with outages_named():
        found = await database[QUIZZES].find(which, {"_id": 1}).limit(DUE_MAX).to_list(None)
    return sorted(one["_id"] for one in found)


async def revise(database: Database, unit: UnitOfWork, record: QuizRecord, now: datetime) -> bool:
    """
    Note that the standings of a closed quiz are published again, in the next version.

    Args:
        record: read before the standings were. If something has changed since, nothing is noted.
    """
    updated = await database[QUIZZES].update_one(
        {
            "_id": record.quiz_id,
            "status": "closed",
            "revise_at": {"$lte": now},
            "regrading": None,
            # None: there is no such field yet.
            "corrected": len(record.corrections) or None,
            "decided": record.decided or None,
            "closing_version": record.final.version if record.final.version > 1 else None,
        },
        {
            "$set": {"closing_version": record.final.version + 1, "revised_at": now},
            "$unset": {"revise_at": ""},
            "$inc": {"revision": 1},
        },
        session=unit.session,
    )
    return bool(updated.modified_count)
