"""
Standings as they are stored: each participant's result that counts, and the counts that ranks come from.

standings      _id is "quiz/participant"; `order` is that of the attempt that counts (rules.py), `writes`
               counts the updates
held           the same for results submitted after a freeze; _id is "quiz/moment of the freeze/participant"
rank_changes   how one transaction changed the counts (tally.py): one document for each batch of a grader, so
               that several graders never write the same document
rank_counts    _id is the quiz: the changes that were folded into one document

A standing and its change of the counts are written in one transaction. So counts and changes together always
count all standings (docs/decisions/0011-standings.md).
"""

from collections import Counter
from collections.abc import Mapping

from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.marks import Marks, is_closed, marks_of
from services.quiz.quizzes.rules import QuizId
from services.quiz.standings.rules import BITS_WITHOUT_RANK, FINISH_BITS, Place, that_counts
from services.quiz.standings.tally import Tally, cell_of, packed, unpacked
from services.quiz.standings.writes import CHANGES, HELD, STANDINGS, StandingKey, id_of, raise_standings
from shared.contracts.events import Ties
from shared.storage import mongo
from shared.storage.mongo import (
    ASCENDING,
    DESCENDING,
    Database,
    Document,
    SyncDatabase,
    SyncSession,
    outages_named,
)

COUNTS = "rank_counts"
# Readers add up the changes that are not folded yet. A fold writes the counts anew.
FOLD_CHANGES_MIN = 64
FOLD_CHANGES_MAX = 1_000
RELEASED_MAX = 500
QUIZZES_HELD_MAX = 200
READ_AT_ONCE = 5_000
NO_MARKS = Marks(None, 0, regrading=False, decided=False)


class StandingStore:
    """Reads and writes the standings; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._standings = database[STANDINGS]
        self._held = database[HELD]
        self._changes = database[CHANGES]
        self._counts = database[COUNTS]

    async def prepare(self) -> None:
        """Create the indexes, and the collections that transactions write to."""
        with outages_named():
            await self._standings.create_index([("quiz_id", ASCENDING), ("order", DESCENDING)])
            await self._held.create_index([("quiz_id", ASCENDING), ("frozen_at", ASCENDING)])
            await mongo.create_missing(self._database, (CHANGES, COUNTS))
            await self._changes.create_index([("quiz_id", ASCENDING)])

    async def release(self, quiz_id: str) -> int:
        """
        Put results that ended freezes held back into the standings, at most `RELEASED_MAX`.

        Returns: their number; call again until it is 0.
        """

        def work(database: SyncDatabase, session: SyncSession) -> int:
            # Read in this transaction, so that the freeze and its results are of the same moment.
            marks = marks_of(database, session, [quiz_id]).get(quiz_id, NO_MARKS)
            which = {"quiz_id": quiz_id, "frozen_at": {"$ne": marks.frozen_at}}
            found = list(database[HELD].find(which, session=session).limit(RELEASED_MAX))
            if found:
                orders: dict[StandingKey, int] = {}
                for one in found:
                    key = StandingKey(one["quiz_id"], one["_id"].rpartition("/")[2])
                    order: int = one["order"]
                    orders[key] = that_counts(order, orders.get(key, order), marks.ranking)
                raise_standings(database, session, orders, rankings={quiz_id: marks.ranking})
                # If a grader writes one of them meanwhile, the transaction fails: nothing is lost.
                ids = [one["_id"] for one in found]
                database[HELD].delete_many({"_id": {"$in": ids}}, session=session)
            return len(found)

        return await mongo.in_sync_transaction(self._database, work)

    async def release_all(self, quiz_id: str) -> None:
        """Call `release` until only results of present freezes are held back."""
        while await self.release(quiz_id):
            pass

    async def quizzes_held(self) -> list[str]:
        """The quizzes with results that are held back."""
        with outages_named():
            found: list[str] = await self._held.distinct("quiz_id")
        return found[:QUIZZES_HELD_MAX]

    async def remove(self, quiz_id: str, participant_id: str) -> bool:
        """
        Remove a participant from the standings and counts of a quiz, unless it is closed.

        Final standings stay: they contain only the pseudonymous ids of participants. Returns True if
        something was removed.
        """
        who = StandingKey(QuizId(quiz_id), ParticipantId(participant_id))

        def work(database: SyncDatabase, session: SyncSession) -> bool:
            if is_closed(database, session, quiz_id):
                return False
            moments = database[HELD].distinct("frozen_at", {"quiz_id": quiz_id}, session=session)
            held = [id_of(who._replace(frozen_at=moment)) for moment in moments]
            gone = database[HELD].delete_many({"_id": {"$in": held}}, session=session).deleted_count
            stood = database[STANDINGS].find_one_and_delete({"_id": id_of(who)}, session=session)
            if stood is not None:
                change = {"quiz_id": quiz_id, "cells": packed({cell_of(stood["order"]): -1})}
                mongo.insert_all(database[CHANGES], [change], session)
            return stood is not None or gone > 0

        return await mongo.in_sync_transaction(self._database, work)

    async def quizzes_to_fold(self) -> list[str]:
        """The quizzes with changes that are not in the counts yet."""
        with outages_named():
            found: list[str] = await self._changes.distinct("quiz_id")
        return found

    async def fold(self, quiz_id: str, changes_min: int = FOLD_CHANGES_MIN) -> int:
        """Add changes to the counts, if there are enough of them; returns how many were added."""
        with outages_named():
            if await self._changes.count_documents({"quiz_id": quiz_id}, limit=changes_min) < changes_min:
                return 0

        def work(database: SyncDatabase, session: SyncSession) -> int:
            which = {"quiz_id": quiz_id}
            found = list(database[CHANGES].find(which, session=session).limit(FOLD_CHANGES_MAX))
            if len(found) < changes_min:
                return 0
            tally = Tally()
            counted = database[COUNTS].find_one({"_id": quiz_id}, session=session)
            for one in (counted, *found) if counted else found:
                tally.add(unpacked(one["cells"]))
            _write_counts(database, session, quiz_id, tally.cells())
            ids = [one["_id"] for one in found]
            database[CHANGES].delete_many({"_id": {"$in": ids}}, session=session)
            return len(found)

        return await mongo.in_sync_transaction(self._database, work)

    async def recount(self, quiz_id: str) -> None:
        """Count the standings of a quiz again, also while graders are at work."""
        one = 1 << FINISH_BITS
        # The order without its time of finish. A multiple is divided, so the quotient of doubles is exact.
        upper = {"$divide": [{"$subtract": ["$order", {"$mod": ["$order", one]}]}, one]}
        pipeline: list[Document] = [
            {"$match": {"quiz_id": quiz_id}},
            {"$group": {"_id": upper, "count": {"$sum": 1}}},
        ]

        def work(database: SyncDatabase, session: SyncSession) -> None:
            cells: Counter[int] = Counter()
            for found in database[STANDINGS].aggregate(pipeline, session=session):
                cells[cell_of(int(found["_id"]) << FINISH_BITS)] += found["count"]
            # A change that comes during this time belongs to a standing that was not counted here; it stays.
            database[CHANGES].delete_many({"quiz_id": quiz_id}, session=session)
            _write_counts(database, session, quiz_id, cells)

        await mongo.in_sync_transaction(self._database, work)

    async def tally(self, quiz_id: str) -> Tally:
        """The counts of a quiz, all of one moment."""
        tally = Tally()
        with outages_named():
            async with mongo.in_snapshot(self._database) as session:
                if counted := await self._counts.find_one({"_id": quiz_id}, session=session):
                    tally.add(unpacked(counted["cells"]))
                async for change in self._changes.find({"quiz_id": quiz_id}, session=session):
                    tally.add(unpacked(change["cells"]))
        return tally

    async def by_rank(self, quiz_id: str, ties: Ties) -> Counter[int]:
        """How many standings there are by what decides a rank: an order without its low bits."""
        bits = BITS_WITHOUT_RANK[ties]
        counted: Counter[int] = Counter()
        with outages_named():
            found = self._standings.find({"quiz_id": quiz_id}, {"_id": 0, "order": 1})
            while some := await found.to_list(READ_AT_ONCE):
                counted.update(one["order"] >> bits for one in some)
        return counted

    async def top(self, quiz_id: str, limit: int) -> list[tuple[str, int]]:
        """Participants and their orders, best first."""
        best = await self._in_order({"quiz_id": quiz_id}, limit)
        # The index does not order those who finished in the same millisecond.
        return sorted(best, key=lambda one: (-one[1], one[0]))

    async def page(self, quiz_id: str, after: Place | None, limit: int) -> list[tuple[str, int]]:
        """
        Participants and their orders from a place on, best first: costs its own length.

        Those of exactly one order come as the index has them, so that a page can end between them.
        """
        if after is None:
            return await self._in_order({"quiz_id": quiz_id}, limit)
        alike = await self._in_order({"quiz_id": quiz_id, "order": after.order}, limit, after.passed)
        rest = limit - len(alike)
        worse = {"quiz_id": quiz_id, "order": {"$lt": after.order}}
        return [*alike, *(await self._in_order(worse, rest) if rest else ())]

    async def _in_order(self, which: Document, limit: int, skip: int = 0) -> list[tuple[str, int]]:
        with outages_named():
            found = (
                await self._standings.find(which, {"order": 1})
                .sort([("quiz_id", ASCENDING), ("order", DESCENDING)])
                .skip(skip)
                .limit(limit)
                .to_list(None)
            )
        return [(document["_id"].rpartition("/")[2], document["order"]) for document in found]

    async def by_participant(self, quiz_id: str, after: str, limit: int) -> list[tuple[str, int]]:
        """Participants after this one and their orders, by the participants' ids."""
        # All ids that begin with "quiz/": a zero follows the slash in ASCII.
        which = {"_id": {"$gt": f"{quiz_id}/{after}", "$lt": f"{quiz_id}0"}}
        with outages_named():
            found = (
                await self._standings.find(which, {"order": 1})
                .sort([("_id", ASCENDING)])
                .limit(limit)
                .to_list(None)
            )
        return [(one["_id"].rpartition("/")[2], one["order"]) for one in found]

    async def order_of(self, quiz_id: str, participant_id: str) -> int | None:
        """A participant's order, if there is a result."""
        with outages_named():
            document = await self._standings.find_one({"_id": f"{quiz_id}/{participant_id}"}, {"order": 1})
        return document["order"] if document else None

    async def count(self, quiz_id: str, at_least: int = 0, below: int | None = None) -> int:
        """
        The number of standings from the first order up to, but not with, the second one, counted one by one.
        """
        orders = {"$gte": at_least} if below is None else {"$gte": at_least, "$lt": below}
        with outages_named():
            count: int = await self._standings.count_documents({"quiz_id": quiz_id, "order": orders})
        return count


def _write_counts(
    database: SyncDatabase, session: SyncSession, quiz_id: str, cells: Mapping[int, int]
) -> None:
    counts = {"_id": quiz_id, "cells": packed(cells)}
    database[COUNTS].replace_one({"_id": quiz_id}, counts, upsert=True, session=session)
