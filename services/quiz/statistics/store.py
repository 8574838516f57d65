"""
Item statistics as they are stored.

statistics        _id is the quiz: whether somebody has asked, how far a reading is, when the last one began;
                  small, since every worker looks at all of them each second
statistics_made   _id is the quiz: the figures of the last reading
"""

from datetime import datetime
from typing import NamedTuple

import msgspec

from services.quiz.statistics.figures import Statistics
from shared.storage import mongo
from shared.storage.mongo import Database, Document, outages_named
from shared.storage.unit_of_work import UnitOfWork, save_together

STATES, MADE = "statistics", "statistics_made"


class Reading(NamedTuple):
    """A reading of the results that is not finished; `percent` of it is done."""

    began_at: datetime
    percent: int


class State(NamedTuple):
    """
    What is known of a quiz's statistics, apart from their figures.

    Attributes:
        due: somebody has asked for new ones, and their reading has not begun.
        made_at: when the reading of the last ones began: all that was graded before is in them.
        final: they were read after the close.
    """

    due: bool = False
    reading: Reading | None = None
    made_at: datetime | None = None
    final: bool = False


class StatisticsStore:
    """Reads and writes statistics; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._states = database[STATES]
        self._made = database[MADE]

    async def prepare(self) -> None:
        """Create the collections now: creating one in a transaction causes conflicts."""
        with outages_named():
            await mongo.create_missing(self._database, (STATES, MADE))

    async def states(self) -> dict[str, State]:
        """All states, by quiz: not more than there are quizzes."""
        with outages_named():
            found = await self._states.find().to_list(None)
        return {one["_id"]: _state(one) for one in found}

    async def state(self, quiz_id: str) -> State:
        """The state of a quiz."""
        with outages_named():
            found = await self._states.find_one({"_id": quiz_id})
        return _state(found) if found else State()

    async def made(self, quiz_id: str) -> Statistics | None:
        """The figures of the last reading."""
        with outages_named():
            found = await self._made.find_one({"_id": quiz_id}, {"_id": 0})
        return msgspec.convert(found["statistics"], Statistics) if found else None

    async def ask(self, quiz_id: str) -> None:
        """Let new statistics be made. If a reading is under way, another one follows."""
        with outages_named():
            await self._states.update_one({"_id": quiz_id}, {"$set": {"due": True}}, upsert=True)

    async def begin(self, quiz_id: str, reading_id: str, now: datetime) -> None:
        """Begin a reading. An earlier one that did not finish counts no more."""
        reading = {"id": reading_id, "began_at": now, "percent": 0}
        with outages_named():
            await self._states.update_one(
                {"_id": quiz_id}, {"$set": {"due": False, "reading": reading}}, upsert=True
            )

    async def go_on(self, quiz_id: str, reading_id: str, percent: int) -> None:
        """Note how far a reading is."""
        with outages_named():
            await self._states.update_one(
                {"_id": quiz_id, "reading.id": reading_id}, {"$set": {"reading.percent": percent}}
            )

    async def finish(
        self, quiz_id: str, reading_id: str, statistics: Statistics, made_at: datetime, *, final: bool
    ) -> bool:
        """Keep the figures of a reading; False if another one has begun since."""
        document = {"statistics": msgspec.to_builtins(statistics)}

        async def work(unit: UnitOfWork) -> bool:
            updated = await self._states.update_one(
                {"_id": quiz_id, "reading.id": reading_id},
                {"$set": {"made_at": made_at, "final": final}, "$unset": {"reading": ""}},
                session=unit.session,
            )
            if updated.modified_count:
                await self._made.replace_one({"_id": quiz_id}, document, upsert=True, session=unit.session)
            return bool(updated.modified_count)

        return await save_together(self._database, work)

    async def remove_quiz(self, unit: UnitOfWork, quiz_id: str) -> None:
        """Delete what is kept of a quiz that is removed."""
        for collection in (self._states, self._made):
            await collection.delete_one({"_id": quiz_id}, session=unit.session)


def _state(document: Document) -> State:
    reading = document.get("reading")
    return State(
        document.get("due", False),
        Reading(reading["began_at"], reading["percent"]) if reading else None,
        document.get("made_at"),
        document.get("final", False),
    )
