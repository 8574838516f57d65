"""
Literacy as it is stored.

literacy   _id is the quiz: the measure, whether somebody has asked for a count, and what was counted last
"""

from datetime import datetime
from typing import NamedTuple

import msgspec

from services.quiz.literacy.rules import Census, Measure
from shared.runtime.versions import Matching, always, check_version
from shared.storage.mongo import Database, Document, outages_named
from shared.storage.put_field import put_field
from shared.storage.unit_of_work import UnitOfWork

LITERACY = "literacy"
_SMALL = {"census": 0}


class State(NamedTuple):
    """
    What is known of a quiz, apart from the counts.

    Attributes:
        due: somebody has asked for a count that has not ended.
        percent: so much of it is done.
        counted_at: when the last count began.
        final: it began after the close.
    """

    measure: Measure
    due: bool = False
    percent: int = 0
    counted_at: datetime | None = None
    final: bool = False


class LiteracyStore:
    """Reads and writes what was counted; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._literacy = database[LITERACY]

    async def prepare(self) -> None:
        """Create the index, and the collection that transactions write to."""
        with outages_named():
            await self._literacy.create_index("due", sparse=True)

    async def state(self, quiz_id: str) -> State:
        """The state of a quiz."""
        with outages_named():
            return _state(await self._literacy.find_one({"_id": quiz_id}, _SMALL) or {})

    async def due(self) -> list[str]:
        """The quizzes that somebody wants counted: not more than there are quizzes."""
        with outages_named():
            found = await self._literacy.find({"due": True}, {"_id": 1}).to_list(None)
        return [one["_id"] for one in found]

    async def counted_finally(self) -> dict[str, datetime]:
        """The quizzes that were counted after their close, and when that began."""
        with outages_named():
            found = await self._literacy.find({"final": True}, {"counted_at": 1}).to_list(None)
        return {one["_id"]: one["counted_at"] for one in found}

    async def census(self, quiz_id: str) -> Census | None:
        """What was counted last."""
        with outages_named():
            found = await self._literacy.find_one({"_id": quiz_id}, {"census": 1})
        if not found or "census" not in found:
            return None
        return msgspec.convert(found["census"], Census, strict=False)

    async def put_measure(self, quiz_id: str, measure: Measure, matches: Matching = always) -> None:
        """
        Put the tiers and the smallest cell. What was counted stays.

        Raises:
            Outdated: they are not the version that was read.
        """

        def check(now: Document | None) -> None:
            check_version(matches, _measure(now).version, f"the measure of quiz {quiz_id}")

        await put_field(
            self._literacy,
            {"_id": quiz_id},
            "measure",
            measure.model_dump(mode="json"),
            check,
            what=f"the measure of quiz {quiz_id}",
            upsert=True,
        )

    async def ask(self, quiz_id: str) -> None:
        """Let people be counted anew."""
        await self._set(quiz_id, {"due": True})

    async def go_on(self, quiz_id: str, percent: int) -> None:
        """Note how much of a count is done."""
        await self._set(quiz_id, {"percent": percent})

    async def finish(self, quiz_id: str, census: Census, began_at: datetime, *, final: bool) -> None:
        """Keep a count. Nobody waits for it any more."""
        counted = msgspec.to_builtins(census, str_keys=True)
        await self._set(
            quiz_id, {"census": counted, "counted_at": began_at, "final": final, "due": False, "percent": 0}
        )

    async def remove_quiz(self, unit: UnitOfWork, quiz_id: str) -> None:
        """Delete what is kept of a quiz that is removed, its measure too."""
        await self._literacy.delete_one({"_id": quiz_id}, session=unit.session)

    async def _set(self, quiz_id: str, fields: Document) -> None:
        with outages_named():
            await self._literacy.update_one({"_id": quiz_id}, {"$set": fields}, upsert=True)


def _measure(stored: Document | None) -> Measure:
    return Measure.model_validate(stored) if stored else Measure()


def _state(document: Document) -> State:
    return State(
        _measure(document.get("measure")),
        document.get("due", False),
        document.get("percent", 0),
        document.get("counted_at"),
        document.get("final", False),
    )
