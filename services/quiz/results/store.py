"""
Results as they are stored.

results   _id is the attempt's id: a repeat inserts nothing. A result and the standing that follows from
          it are written in one transaction. A result that was graded again has a `version`, and in
          `first` the half points and whether it passed, as they were in version 1.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from services.quiz.disqualified.rules import counts
from services.quiz.disqualified.store import left_out_of
from services.quiz.quizzes.marks import marks_of
from services.quiz.results.rules import Answered, AttemptId, Portion, Result, Sheet, portions
from services.quiz.standings.writes import Orders, raise_standings
from shared.storage import mongo
from shared.storage.mongo import (
    Database,
    Document,
    DuplicateKeyError,
    SyncDatabase,
    SyncSession,
    UpdateOne,
    outages_named,
)
from shared.storage.unit_of_work import UnitOfWork

RESULTS = "results"
# After a repeat, this number of batches search for repeats before they write.
LOOKS_AFTER_A_REPEAT = 20
# Results of all quizzes in a portion: some milliseconds of the database's time.
PORTION_RESULTS = 1_000


OrdersOf = Callable[[Iterable[Result], Mapping[str, datetime]], Orders]
"""Gets results, and the start of the freeze by quiz."""


NOTHING_CORRECTED: Mapping[str, int] = MappingProxyType({})


class OutdatedKeysError(Exception):
    """A key was corrected after these results were graded."""


class ResultStore:
    """
    Reads and writes results; raises Unavailable while the database is away.

    Args:
        portion_results: results of a portion that is read for statistics.
    """

    def __init__(self, database: Database, *, portion_results: int = PORTION_RESULTS) -> None:
        self._portion_results = portion_results
        self._database = database
        self._results = database[RESULTS]
        # So many of the next batches first look for results that are stored already. This query is a sixth
        # of the database's work, and repeats are rare: without it, a duplicate key shows a repeat.
        self._batches_to_look = LOOKS_AFTER_A_REPEAT

    async def prepare(self) -> None:
        """Create the collection now: creating it in a transaction causes conflicts."""
        with outages_named():
            await mongo.create_missing(self._database, (RESULTS,))

    async def of_attempts(self, ids: Collection[str]) -> dict[str, Result]:
        """The results of those attempts that are graded."""
        if not ids:
            return {}
        with outages_named():
            found = await self._results.find({"_id": {"$in": list(ids)}}).to_list(None)
        return {document["_id"]: _result(document) for document in found}

    async def count(self) -> int:
        """How many results of all quizzes there are, about."""
        with outages_named():
            return await self._results.estimated_document_count()

    async def portions(self) -> list[Portion]:
        """Portions of all results, for `answers`."""
        with outages_named():
            return portions(await self._results.estimated_document_count(), self._portion_results)

    async def answers(self, quiz_id: str, portion: Portion) -> list[Answered]:
        """
        What was answered in the results of a quiz, of one portion.

        An index of quizzes would be one more write for each graded attempt. So this reads the results of all
        quizzes by their ids.
        """
        fields = {"quiz_version": 1, "participant_id": 1, "halves": 1, "answers": 1}
        which = {"_id": ids_in(portion), "quiz_id": quiz_id}
        with outages_named():
            found = await self._results.find(which, fields).to_list(None)
        return [
            Answered(one["_id"], one["quiz_version"], one["participant_id"], one["halves"], one["answers"])
            for one in found
        ]

    async def sheets(self, quiz_id: str, portion: Portion) -> list[Sheet]:
        """The answer sheets of a quiz, of one portion; all quizzes are read, as in `answers`."""
        return await self._sheets({"_id": ids_in(portion), "quiz_id": quiz_id})

    async def sheets_of(self, ids: Collection[str]) -> list[Sheet]:
        """The answer sheets of those of these attempts that are graded."""
        return await self._sheets({"_id": {"$in": list(ids)}})

    async def _sheets(self, which: Document) -> list[Sheet]:
        names = (
            "quiz_version",
            "participant_id",
            "group_id",
            "halves",
            "halves_max",
            "time_used_seconds",
            "answers",
        )
        with outages_named():
            found = await self._results.find(which, dict.fromkeys(names, 1)).to_list(None)
        return [Sheet(one["_id"], *(one[name] for name in names)) for one in found]

    async def add(
        self, results: Sequence[Result], orders: OrdersOf, corrected: Mapping[str, int] = NOTHING_CORRECTED
    ) -> dict[str, Result]:
        """
        Save results, one for each attempt, and raise the standings: everything or nothing.

        Args:
            orders: the orders of the results that count, both new and earlier ones.
            corrected: by quiz, the number of corrections that the results are graded with.
        Returns: by attempt, the results that were saved before.
        Raises:
            OutdatedKeysError: a quiz has more corrections by now. Nothing was saved.
        """
        if not results:
            return {}
        ids = [result.attempt_id for result in results]
        quiz_ids = {result.quiz_id for result in results}

        def work(database: SyncDatabase, session: SyncSession) -> dict[str, Result]:
            # In the transaction: of those that began before a correction, none lives until results are graded
            # again by it (docs/decisions/0054-corrections.md).
            marks = marks_of(database, session, quiz_ids)
            if any(one.corrected > corrected.get(quiz_id, 0) for quiz_id, one in marks.items()):
                raise OutdatedKeysError
            earlier: dict[str, Result] = {}
            if self._batches_to_look > 0:
                found = database[RESULTS].find({"_id": {"$in": ids}}, session=session)
                earlier = {document["_id"]: _result(document) for document in found}
            new = [result for result in results if result.attempt_id not in earlier]
            mongo.insert_all(database[RESULTS], [_result_document(result) for result in new], session)
            # The earlier results too: after this their standings are right in any case.
            frozen = {quiz_id: one.frozen_at for quiz_id, one in marks.items() if one.frozen_at}
            counting = [*new, *earlier.values()]
            written = {quiz_id for quiz_id, one in marks.items() if one.regrading}
            if decided := {quiz_id for quiz_id, one in marks.items() if one.decided}:
                written |= decided
                counting = _counting(database, session, counting, decided)
            rankings = {quiz_id: one.ranking for quiz_id, one in marks.items()}
            raise_standings(database, session, orders(counting, frozen), written, rankings)
            return earlier

        self._batches_to_look -= 1
        try:
            return await mongo.in_sync_transaction(self._database, work)
        except DuplicateKeyError:
            # Repeats come together: look for them now and in the batches that follow.
            self._batches_to_look = LOOKS_AFTER_A_REPEAT
            return await mongo.in_sync_transaction(self._database, work)

    async def of_portion(self, quiz_id: str, portion: Portion) -> list[Result]:
        """The results of a quiz, of one portion."""
        with outages_named():
            found = await self._results.find({"_id": ids_in(portion), "quiz_id": quiz_id}).to_list(None)
        return [_result(document) for document in found]

    async def people_of(self, quiz_id: str, portion: Portion) -> set[str]:
        """The participants with a result of a quiz, of one portion."""
        which = {"_id": ids_in(portion), "quiz_id": quiz_id}
        with outages_named():
            found = await self._results.find(which, {"participant_id": 1}).to_list(None)
        return {one["participant_id"] for one in found}

    async def of_ids(self, unit: UnitOfWork, ids: Collection[str]) -> list[Result]:
        """Those of these attempts that are graded, read in the transaction."""
        found = await self._results.find({"_id": {"$in": list(ids)}}, session=unit.session).to_list(None)
        return [_result(document) for document in found]

    async def regrade(self, unit: UnitOfWork, results: Sequence[Result]) -> None:
        """Store the points of results that were graded again."""
        updates = [UpdateOne({"_id": result.attempt_id}, {"$set": _regraded(result)}) for result in results]
        if updates:
            await self._results.bulk_write(updates, ordered=False, session=unit.session)

    async def forget_profiles(self, attempt_ids: Sequence[AttemptId]) -> None:
        """Delete group and district from the results of these attempts."""
        with outages_named():
            await self._results.update_many(
                {"_id": {"$in": attempt_ids}}, {"$set": {"group_id": None, "district": None}}
            )


def _counting(
    database: SyncDatabase, session: SyncSession, results: Sequence[Result], decided: Collection[str]
) -> list[Result]:
    """
    The results that count.

    Args:
        decided: the quizzes in which somebody was disqualified.
    """
    who = {(one.quiz_id, one.participant_id) for one in results if one.quiz_id in decided}
    left_out = left_out_of(database, session, who)
    return [one for one in results if counts(left_out, one.quiz_id, one.participant_id, one.attempt_id)]


def ids_in(portion: Portion) -> Document:
    """The condition for the ids of a portion, of results or of attempts."""
    return {"$gte": portion.first} | ({"$lt": portion.end} if portion.end else {})


def _result_document(result: Result) -> Document:
    document = {
        "_id": result.attempt_id,
        "submission_id": result.submission_id,
        "quiz_id": result.quiz_id,
        "quiz_version": result.quiz_version,
        "participant_id": result.participant_id,
        "group_id": result.group_id,
        "district": result.district,
        "halves": result.half_points,
        "halves_max": result.half_points_max,
        "passed": result.passed,
        "time_used_seconds": result.time_used_seconds,
        "submitted_at": result.submitted_at,
        "answers": result.answers,
    }
    return document | {"automatic": True} if result.automatic else document


def _regraded(result: Result) -> Document:
    points: Document = {
        "halves": result.half_points,
        "halves_max": result.half_points_max,
        "passed": result.passed,
    }
    if result.version == 1:
        return points
    first = [result.first_half_points, result.first_passed, result.first_half_points_max]
    return points | {"version": result.version, "first": first}


def _result(document: Document) -> Result:
    # Earlier releases did not store what the paper was worth: it could not change.
    first_half_points, first_passed, *of = document.get("first", (None, None))
    return Result(
        AttemptId(document["_id"]),
        document["submission_id"],
        document["quiz_id"],
        document["quiz_version"],
        document["participant_id"],
        document["group_id"],
        document["district"],
        document["halves"],
        document["halves_max"],
        document["passed"],
        document["time_used_seconds"],
        document["submitted_at"],
        document["answers"],
        document.get("version", 1),
        first_half_points,
        first_passed,
        document.get("automatic", False),
        of[0] if of else None,
    )
