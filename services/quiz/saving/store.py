"""
Saved answers as they are stored: the latest sheet of each attempt.

saved_answers   _id is the attempt's id. `due_at`: when to look whether they have to be handed in; missing
                when that is settled. `handed`: how often they were handed in, `handed_at`: when last
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from services.quiz.attempts.submission import encoder
from services.quiz.saving.rules import Sheet
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, UpdateOne, outages_named

# Answers are handed in within a minute after the attempt. An outage of the workers may last this long.
SAVED_DAYS_STORED = 30
# A sheet that was handed in is looked at again after this time.
LOOKED_AGAIN = timedelta(seconds=1)
OPEN_MAX = 500
_sheet = msgspec.json.Decoder(Sheet)


class Open(NamedTuple):
    """A sheet that is not settled, and how often and when it was handed in."""

    sheet: Sheet
    handed: int
    handed_at: datetime | None


class SavedStore:
    """Reads and writes saved answers; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._saved = database["saved_answers"]

    async def prepare(self) -> None:
        """Create the indexes."""
        with outages_named():
            await self._saved.create_index(
                [("quiz_id", ASCENDING), ("due_at", ASCENDING)],
                partialFilterExpression={"due_at": {"$exists": True}},
            )
        await mongo.delete_after(self._saved, "saved_at", timedelta(days=SAVED_DAYS_STORED))

    async def keep(self, sheets: Sequence[Sheet], due: Sequence[datetime]) -> None:
        """
        Keep sheets, one for each attempt, each only if its revision is higher than the stored one.

        The condition is part of the update. So a save that comes late, or a second time, changes nothing.
        """
        if not sheets:
            return
        writes = [
            UpdateOne({"_id": sheet.attempt_id}, _update(sheet, at), upsert=True)
            for sheet, at in zip(sheets, due, strict=True)
        ]
        with outages_named():
            await self._saved.bulk_write(writes, ordered=False)

    async def of_attempts(self, ids: Collection[str]) -> dict[str, Sheet]:
        """The latest saved sheets of these attempts."""
        with outages_named():
            found = await self._saved.find({"_id": {"$in": list(ids)}}, {"sheet": 1}).to_list(None)
        return {document["_id"]: _sheet.decode(document["sheet"]) for document in found}

    async def due(self, quiz_ids: Collection[str], now: datetime, *, most: int = OPEN_MAX) -> list[Open]:
        """Sheets of these quizzes that are due at this moment, at most `most`."""
        which: Document = {"quiz_id": {"$in": list(quiz_ids)}, "due_at": {"$lte": now}}
        with outages_named():
            found = await self._saved.find(which).limit(most).to_list(None)
        return [
            Open(_sheet.decode(one["sheet"]), one.get("handed", 0), one.get("handed_at")) for one in found
        ]

    async def make_due(self, quiz_ids: Collection[str], now: datetime) -> None:
        """Look at all open sheets of these quizzes now: they were closed early."""
        which: Document = {"quiz_id": {"$in": list(quiz_ids)}, "due_at": {"$gt": now + LOOKED_AGAIN}}
        with outages_named():
            await self._saved.update_many(which, {"$set": {"due_at": now}})

    async def is_any_open(self, quiz_id: str) -> bool:
        """True if some sheet of the quiz is not settled."""
        with outages_named():
            return await self._saved.find_one({"quiz_id": quiz_id, "due_at": {"$exists": True}}) is not None

    async def note_handed_in(self, attempt_ids: Sequence[str], now: datetime) -> None:
        """Note that these sheets are in the log of submissions, and look again in a moment."""
        change = {"$set": {"handed_at": now, "due_at": now + LOOKED_AGAIN}, "$inc": {"handed": 1}}
        await self._change(attempt_ids, change)

    async def look_again(self, attempt_ids: Sequence[str], now: datetime) -> None:
        """Look at these sheets again in a moment."""
        await self._change(attempt_ids, {"$set": {"due_at": now + LOOKED_AGAIN}})

    async def settle(self, attempt_ids: Sequence[str]) -> None:
        """These sheets need not be handed in any more."""
        await self._change(attempt_ids, {"$unset": {"due_at": ""}})

    async def _change(self, attempt_ids: Sequence[str], change: Document) -> None:
        if attempt_ids:
            with outages_named():
                # A sheet that was settled meanwhile stays settled.
                await self._saved.update_many(
                    {"_id": {"$in": attempt_ids}, "due_at": {"$exists": True}}, change
                )

    async def remove(self, attempt_ids: Sequence[str]) -> None:
        """Delete the sheets of these attempts."""
        with outages_named():
            await self._saved.delete_many({"_id": {"$in": attempt_ids}})


def _update(sheet: Sheet, due_at: datetime) -> list[Mapping[str, object]]:
    kept: Document = {
        "quiz_id": sheet.quiz_id,
        "revision": sheet.revision,
        "saved_at": sheet.saved_at,
        "sheet": encoder.encode(sheet),
    }
    # A sheet that is settled stays settled: it has no `due_at`, and none is given to it.
    due = {"$cond": [{"$eq": [{"$type": "$revision"}, "missing"]}, {"due_at": due_at}, {}]}
    newer = {"$mergeObjects": ["$$ROOT", {"$literal": kept}, due]}
    return [{"$replaceWith": {"$cond": [{"$gte": ["$revision", sheet.revision]}, "$$ROOT", newer]}}]
