"""
What is graded again, and how far; and what corrections would change.

regradings           _id is "quiz/number of the correction"
regrading_previews   _id is the quiz: the preview that was asked for last
"""

from datetime import datetime

import msgspec

from services.quiz.regrading.rules import CORRECTIONS_MAX, Figures, Preview, Regrading
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, outages_named
from shared.storage.unit_of_work import UnitOfWork

COLLECTION = "regradings"
PREVIEWS = "regrading_previews"


class RegradingStore:
    """Reads and writes regradings; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._regradings = database[COLLECTION]

    async def prepare(self) -> None:
        """Create the collection now: creating one in a transaction causes conflicts."""
        with outages_named():
            await mongo.create_missing(self.database, (COLLECTION,))
            # Only those that have not ended have no `ended_at`.
            await self._regradings.create_index(
                [("begins_at", ASCENDING)], partialFilterExpression={"under_way": True}
            )

    async def add(self, unit: UnitOfWork, regrading: Regrading) -> None:
        """Keep a new one."""
        document = {"_id": id_of(regrading), "under_way": True} | msgspec.to_builtins(
            regrading, builtin_types=(datetime,)
        )
        await self._regradings.insert_one(document, session=unit.session)

    async def due(self, now: datetime) -> list[str]:
        """Those that have begun and not ended, or may begin now: at most one of a quiz."""
        with outages_named():
            found = self._regradings.find({"under_way": True, "begins_at": {"$lte": now}}, {"_id": 1})
            return sorted([one["_id"] async for one in found])

    async def read(self, regrading_id: str) -> Regrading | None:
        """One of them."""
        with outages_named():
            found = await self._regradings.find_one({"_id": regrading_id})
        return _regrading(found) if found else None

    async def of_quiz(self, quiz_id: str) -> dict[int, Regrading]:
        """Those of a quiz, by the number of the correction."""
        with outages_named():
            # All ids that begin with "quiz/": a zero follows the slash in ASCII.
            ids = {"$gte": f"{quiz_id}/", "$lt": f"{quiz_id}0"}
            found = await self._regradings.find({"_id": ids}).to_list(CORRECTIONS_MAX)
        return {one["number"]: _regrading(one) for one in found}

    async def begin(self, regrading: Regrading, portions: int) -> None:
        """Note the number of portions, unless another worker has done so."""
        with outages_named():
            await self._regradings.update_one(
                {"_id": id_of(regrading), "portions": 0}, {"$set": {"portions": portions}}
            )

    async def advance(self, regrading: Regrading, results: int) -> bool:
        """The next portion, with so many results, is done; False if another worker has noted it."""
        with outages_named():
            updated = await self._regradings.update_one(
                {"_id": id_of(regrading), "portions_done": regrading.portions_done},
                {"$inc": {"portions_done": 1, "figures.results": results}},
            )
        return bool(updated.modified_count)

    async def count(self, unit: UnitOfWork, regrading: Regrading, figures: Figures) -> None:
        """Add to the figures."""
        more = {f"figures.{name}": number for name, number in msgspec.structs.asdict(figures).items()}
        await self._regradings.update_one({"_id": id_of(regrading)}, {"$inc": more}, session=unit.session)

    async def end(self, unit: UnitOfWork, regrading: Regrading, now: datetime) -> None:
        """All results are graded again."""
        await self._regradings.update_one(
            {"_id": id_of(regrading)},
            {"$set": {"ended_at": now}, "$unset": {"under_way": ""}},
            session=unit.session,
        )


class PreviewStore:
    """Reads and writes previews; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._previews = database[PREVIEWS]

    async def ask(self, preview: Preview) -> None:
        """Let a preview be made; it takes the place of the one before."""
        document = msgspec.to_builtins(preview, builtin_types=(datetime,))
        with outages_named():
            await self._previews.replace_one({"_id": preview.quiz_id}, document | {"due": True}, upsert=True)

    async def due(self) -> list[str]:
        """The quizzes with a preview that is not made: not more than there are quizzes."""
        with outages_named():
            found = await self._previews.find({"due": True}, {"_id": 1}).to_list(None)
        return sorted(one["_id"] for one in found)

    async def read(self, quiz_id: str) -> Preview | None:
        """The preview of a quiz that was asked for last."""
        with outages_named():
            found = await self._previews.find_one({"_id": quiz_id})
        return msgspec.convert(found, Preview) if found else None

    async def go_on(self, preview: Preview, percent: int) -> None:
        """Note how far it is, unless another one was asked for since."""
        which = {"_id": preview.quiz_id, "preview_id": preview.preview_id}
        with outages_named():
            await self._previews.update_one(which, {"$set": {"percent": percent}})

    async def remove_quiz(self, unit: UnitOfWork, quiz_id: str) -> None:
        """Delete the preview of a quiz that is removed."""
        await self._previews.delete_one({"_id": quiz_id}, session=unit.session)

    async def finish(self, preview: Preview, figures: Figures, ranks: int) -> None:
        """Keep what it has found, unless another one was asked for since."""
        which = {"_id": preview.quiz_id, "preview_id": preview.preview_id}
        made = {"percent": 100, "figures": msgspec.structs.asdict(figures), "ranks": ranks}
        with outages_named():
            await self._previews.update_one(which, {"$set": made, "$unset": {"due": ""}})


def id_of(regrading: Regrading) -> str:
    """The `_id` of a regrading."""
    return f"{regrading.quiz_id}/{regrading.number}"


def _regrading(document: Document) -> Regrading:
    return msgspec.convert(document, Regrading)
