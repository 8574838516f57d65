"""
Quizzes as they are stored.

quizzes         the parts that change during a quiz, the number of its present version, and its corrections in
                order; `corrected` is their number, `regrading` the one by which results are graded again now.
                Every process looks at version and revision each second. `telling`: how far the close has
                published results that were withheld; `thawed_at`: when the close has ended a freeze;
                `ranking`: what decides ties, and which attempt counts; more in decided.py
quiz_versions   _id is "quiz/version": the definitions, the present ones and those that somebody may
                have begun
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from services.quiz.quizzes.changes import (
    VERSIONS,
    ChangedError,
    add_definition,
    ids_of,
    insert,
    removed_version,
    version_id,
)
from services.quiz.quizzes.marks import FIELDS, QUIZZES, Marks, marks
from services.quiz.quizzes.names import prepare_names
from services.quiz.quizzes.record import Correction, Final, QuizRecord, schedule_of
from services.quiz.quizzes.rules import NOTICE_SECONDS, Quiz
from shared.runtime.errors import Unavailable
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, ReturnDocument, outages_named
from shared.storage.unit_of_work import UnitOfWork

QUIZZES_MAX = 200
DUE_MAX = 50
READS_MAX = 5


class Telling(NamedTuple):
    """How far the close has told the results of a quiz: `told` of `portions`."""

    portions: int
    told: int


class QuizStore:
    """Reads and writes quizzes; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._quizzes = database[QUIZZES]
        self._versions = database[VERSIONS]
        # Versions that are marked as begun and that this process knows.
        self._begun: set[tuple[str, int]] = set()

    async def prepare(self) -> None:
        """Create the indexes, and the collections that transactions write to."""
        with outages_named():
            await mongo.create_missing(self.database, (QUIZZES, VERSIONS))
            await prepare_names(self.database)
            await self._quizzes.create_index([("status", ASCENDING), ("accepts_until", ASCENDING)])

    async def revisions(self) -> dict[str, tuple[int, int]]:
        """Revision and version of every quiz. There are hardly more than `QUIZZES_MAX`."""
        fields = {"revision": 1, "version": 1}
        with outages_named():
            found = await self._quizzes.find({}, fields).limit(2 * QUIZZES_MAX).to_list(None)
        return {one["_id"]: (one["revision"], one["version"]) for one in found}

    async def read(self, quiz_id: str, known: tuple[int, Quiz] | None = None) -> QuizRecord | None:
        """
        A quiz.

        Args:
            known: a version and its definition, which need not be read again.
        """
        for _ in range(READS_MAX):
            with outages_named():
                document = await self._quizzes.find_one({"_id": quiz_id})
            if document is None:
                return None
            version = document["version"]
            if known and known[0] == version:
                return _record(document, known[1])
            # A change in between may have removed this version: look again.
            if quiz := (await self.definitions([(quiz_id, version)])).get((quiz_id, version)):
                return _record(document, quiz)
        raise Unavailable(f"quiz {quiz_id} changes too fast to be read")

    async def definitions(self, which: Collection[tuple[str, int]]) -> dict[tuple[str, int], Quiz]:
        """The definitions that are kept of these versions of quizzes."""
        ids = [version_id(*one) for one in which]
        with outages_named():
            found = await self._versions.find({"_id": {"$in": ids}}).to_list(None)
        return {(one["quiz_id"], one["version"]): Quiz.model_validate(one["definition"]) for one in found}

    async def versions_kept(self, quiz_id: str) -> int:
        """How many versions of a quiz are kept."""
        with outages_named():
            kept: int = await self._versions.count_documents({"_id": ids_of(quiz_id)})
        return kept

    async def is_there(self, unit: UnitOfWork, quiz_id: str) -> bool:
        """Whether there is a quiz of this name, in a transaction."""
        return await self._quizzes.find_one({"_id": quiz_id}, {"_id": 1}, session=unit.session) is not None

    async def add_version(
        self,
        unit: UnitOfWork,
        quiz_id: str,
        quiz: Quiz,
        earlier: int,
        *,
        keep_earlier: bool,
        is_new: bool = False,
    ) -> None:
        """
        Save a new version of a quiz.

        Args:
            earlier: the version before. Of a new quiz: that of a removed quiz of this name, or 0.
            keep_earlier: somebody may have drawn a paper from the version before.
        Raises:
            ChangedError: the version before is not the present one, or somebody has begun it.
        """
        fields = {
            "status": "open",
            "opens_at": quiz.opens_at,
            "closes_at": quiz.closes_at,
            "accepts_until": schedule_of(quiz, quiz.closes_at).accepts_until,
            "grace_seconds": quiz.grace_seconds,
            "ranking": [*quiz.ranking],
        }
        if not is_new:
            updated = await self._quizzes.update_one(
                # `begin` writes the same document, so a change and a start cannot both succeed.
                {"_id": quiz_id, "version": earlier, "status": "open", "begun": {"$ne": True}},
                {"$set": fields, "$inc": {"version": 1, "revision": 1}},
                session=unit.session,
            )
            if not updated.modified_count:
                raise ChangedError
            if not keep_earlier:
                await self._versions.delete_one({"_id": version_id(quiz_id, earlier)}, session=unit.session)
        elif await removed_version(self.database, quiz_id, unit) != earlier:
            raise ChangedError
        else:
            new = {"_id": quiz_id, "version": earlier + 1, "revision": earlier + 1} | fields
            await insert(unit, self._quizzes, new)
        await add_definition(unit, self._versions, quiz_id, earlier + 1, quiz)

    async def begin(self, quiz_id: str, version: int) -> bool:
        """
        Mark this version as begun, so that it stays; False if it is not the present one. The database is
        asked once for each version and process.
        """
        if (quiz_id, version) in self._begun:
            return True
        with outages_named():
            found = await self._quizzes.update_one(
                {"_id": quiz_id, "version": version}, {"$set": {"begun": True}}
            )
        if not found.matched_count:
            return False
        self._begun.add((quiz_id, version))
        return True

    async def begin_closing(self, quiz_id: str, now: datetime, at: datetime) -> None:
        """
        Close a quiz at `at`: nobody starts from now on, and nobody submits after `at` and the grace.

        Nothing changes if the quiz is closing already, or has not opened yet.
        """
        grace_ms = {"$multiply": ["$grace_seconds", 1_000]}
        with outages_named():
            await self._quizzes.update_one(
                {"_id": quiz_id, "status": "open", "opens_at": {"$lte": now}},
                [
                    {
                        "$set": {
                            "status": "closing",
                            "closes_at": {"$min": ["$closes_at", at]},
                            "accepts_until": {"$min": ["$accepts_until", {"$add": [at, grace_ms]}]},
                            "revision": {"$add": ["$revision", 1]},
                        }
                    }
                ],
            )

    async def over(self, before: datetime) -> list[str]:
        """
        Quizzes that stopped accepting before this moment and are not closed, at most `DUE_MAX`.

        Those that are being graded again are not over yet.
        """
        which = {
            "status": {"$in": ["open", "closing"]},
            "accepts_until": {"$lt": before},
            "regrading": None,
        }
        with outages_named():
            found = await self._quizzes.find(which, {"_id": 1}).limit(DUE_MAX).to_list(None)
        return [one["_id"] for one in found]

    async def freeze(self, quiz_id: str, now: datetime, at: datetime) -> None:
        """
        Show standings as of `at`; a freeze already begun stays as it is.

        Only an open quiz is frozen.
        """
        with outages_named():
            await self._quizzes.update_one(
                {
                    "_id": quiz_id,
                    "status": "open",
                    "opens_at": {"$lte": now},
                    "frozen_at": {"$exists": False},
                },
                {"$set": {"frozen_at": at}, "$inc": {"revision": 1}},
            )

    async def thaw(self, quiz_id: str) -> None:
        """End a freeze, if there is one; the upkeep of standings releases the results that were held back."""
        with outages_named():
            await self._quizzes.update_one(
                {"_id": quiz_id, "frozen_at": {"$exists": True}},
                {"$unset": {"frozen_at": ""}, "$inc": {"revision": 1}},
            )

    async def end_freezes(self, quiz_id: str, before: datetime, now: datetime) -> bool:
        """
        Before the final standings: end the freeze, and allow no other freeze.

        All processes know of it after `NOTICE_SECONDS`. Until then they would show final standings as frozen.

        Returns: False if it does not close yet: the freeze has only just ended, or the quiz accepts until
        `before` or longer, since somebody has moved its end or opened it again; or if it has been cancelled.
        """
        over = {"_id": quiz_id, "status": {"$in": ["open", "closing"]}, "accepts_until": {"$lt": before}}
        with outages_named():
            for which, change in (
                ({"status": "open"}, {"$set": {"status": "closing"}}),
                ({"frozen_at": {"$exists": True}}, {"$set": {"thawed_at": now}, "$unset": {"frozen_at": ""}}),
            ):
                await self._quizzes.update_one(over | which, change | {"$inc": {"revision": 1}})
            known = {"$not": {"$gt": now - timedelta(seconds=NOTICE_SECONDS)}}
            closing = over | {"status": "closing", "thawed_at": known}
            return await self._quizzes.find_one(closing, {"_id": 1}) is not None

    async def correct(self, unit: UnitOfWork, quiz_id: str, correction: Correction) -> bool:
        """
        Add a correction, and mark the quiz as being graded again.

        Returns: False if another one came first, the quiz publishes what it withheld, or nobody has begun it.
        """
        updated = await self._quizzes.update_one(
            {
                "_id": quiz_id,
                "status": {"$ne": "cancelled"},
                "begun": True,
                # None: there is no such field yet.
                "corrected": correction.number - 1 or None,
                "regrading": None,
                "$or": [{"telling": None}, {"status": "closed"}],
            },
            {
                "$push": {"corrections": msgspec.structs.asdict(correction)},
                "$set": {"corrected": correction.number, "regrading": correction.number},
                "$inc": {"revision": 1},
            },
            session=unit.session,
        )
        return bool(updated.modified_count)

    async def is_regrading(self, unit: UnitOfWork, quiz_id: str, number: int) -> Marks | None:
        """The marks of a quiz that is being graded again by this correction; None if it is not."""
        found = await self._quizzes.find_one({"_id": quiz_id}, FIELDS, session=unit.session)
        return marks(found) if found and found.get("regrading") == number else None

    async def end_regrading(self, unit: UnitOfWork, quiz_id: str, number: int) -> bool:
        """All results are graded by this correction; False if that was known."""
        updated = await self._quizzes.update_one(
            {"_id": quiz_id, "regrading": number},
            {"$unset": {"regrading": ""}, "$inc": {"revision": 1}},
            session=unit.session,
        )
        return bool(updated.modified_count)

    async def begin_telling(self, quiz_id: str, portions: int) -> Telling | None:
        """
        Note that the scores that were withheld are being told, in so many portions of results; if that was
        noted before, it stays as it was. From now on nothing is corrected.

        Returns: how far it is; None if results are being graded again.
        """
        new = {"$ifNull": ["$telling", {"portions": portions, "told": 0}]}
        with outages_named():
            found = await self._quizzes.find_one_and_update(
                {"_id": quiz_id, "regrading": None, "status": {"$ne": "cancelled"}},
                [{"$set": {"telling": new}}],
                return_document=ReturnDocument.AFTER,
            )
        return Telling(found["telling"]["portions"], found["telling"]["told"]) if found else None

    async def go_on_telling(self, quiz_id: str, told: int) -> None:
        """Note that the first `told` portions are told."""
        with outages_named():
            await self._quizzes.update_one({"_id": quiz_id}, {"$max": {"telling.told": told}})

    async def finish_closing(
        self, unit: UnitOfWork, quiz_id: str, corrected: int = 0, decided: int = 0, at: datetime | None = None
    ) -> bool:
        """
        Mark a quiz as closed; False if it was closed already, was cancelled, or is open again.

        Args:
            corrected, decided: of the final standings. If there is more by now, it is not closed.
        """
        which = {"_id": quiz_id, "status": "closing", "corrected": corrected or None}
        updated = await self._quizzes.update_one(
            which | {"regrading": None, "decided": decided or None},
            {"$set": {"status": "closed", "closed_at": at}, "$inc": {"revision": 1}},
            session=unit.session,
        )
        return bool(updated.modified_count)


def _record(document: Document, quiz: Quiz) -> QuizRecord:
    return QuizRecord(
        document["_id"],
        quiz,
        document["status"],
        document["closes_at"],
        document["version"],
        document.get("frozen_at"),
        document["revision"],
        document.get("begun", False),
        tuple(msgspec.convert(one, Correction) for one in document.get("corrections", ())),
        document.get("regrading"),
        document.get("decided", 0),
        Final(document.get("closing_version", 1), document.get("closed_at"), document.get("revised_at")),
    )
