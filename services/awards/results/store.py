"""
Results and closings in MongoDB.

results    One document a result. Its id is "quiz/time-result", so results are read in the order of their
           submission, and a repeated result is the same document. The collection is clustered:
           the id is its only index, which halves the cost of an insert. A result whose points a
           correction has changed has a `version`. Kept for `RESULTS_KEPT`.
closings   One document a closed quiz: its highest version. Kept for ever: people may ask about prizes years
           later.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from services.awards.results.rules import Closing, Result
from shared.contracts.events import FinalStanding
from shared.runtime import clock
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, UpdateOne

COUNT_MS_MAX = 15_000
ANSWER_DOCUMENTS_MAX = 1_000
TIME_DIGITS = 13
BY_ID = [("_id", ASCENDING)]


class ResultStore:
    """Results and final standings of quizzes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._results = database["results"]
        self._closings = database["closings"]

    async def prepare(self) -> None:
        """Create the collection."""
        with mongo.outages_named():
            await mongo.create_missing(
                self._database, [self._results.name], clusteredIndex={"key": {"_id": 1}, "unique": True}
            )

    async def remember(self, results: Sequence[Result]) -> list[Result]:
        """
        Keep these results, each once; the highest version of a result stays.

        Returns: the results in the versions that are kept now. A correction may be known before the result.
        """
        there = await mongo.insert_new(self._results, [_document(result) for result in results])
        if not there:
            return list(results)
        # Repeats and corrections are few.
        later = [result for place, result in enumerate(results) if place in there and result.version > 1]
        if later:
            await self._replace(later)
        ids = {_id_of(results[place]) for place in there}
        with mongo.outages_named():
            found = await self._results.find({"_id": {"$in": list(ids)}}).to_list(None)
        kept = {document["_id"]: document for document in found}
        return [
            _result(document, result.quiz_id) if (document := kept.get(_id_of(result))) else result
            for result in results
        ]

    async def kept(self, results: Sequence[Result]) -> dict[str, Result]:
        """The versions of these results that are kept now, by result id."""
        places = {_id_of(result): result for result in results}
        with mongo.outages_named():
            found = await self._results.find({"_id": {"$in": list(places)}}).to_list(None)
        return {
            (one := places[document["_id"]]).result_id: _result(document, one.quiz_id) for document in found
        }

    async def of_participants(self, quiz_id: str, participant_ids: Collection[str]) -> list[Result]:
        """
        All results of these participants in a quiz, in the order of their submission.

        No index leads to a participant's results: each insert would pay for it. So this reads all results of
        the quiz. Ask for many participants at once.
        """
        these = _range(quiz_id) | {"participant_id": {"$in": list(participant_ids)}}
        with mongo.outages_named():
            found = self._results.find(these, max_time_ms=COUNT_MS_MAX).sort(BY_ID)
            documents = await found.batch_size(ANSWER_DOCUMENTS_MAX).to_list(None)
        return [_result(document, quiz_id) for document in documents]

    async def _replace(self, results: Sequence[Result]) -> None:
        updates = [
            UpdateOne(
                # No field: version 1.
                {
                    "_id": _id_of(result),
                    "$or": [{"version": None}, {"version": {"$lt": result.version}}],
                },
                {
                    "$set": {
                        "points": result.points,
                        "points_max": result.points_max,
                        "version": result.version,
                    }
                },
            )
            for result in results
        ]
        with mongo.outages_named():
            await self._results.bulk_write(updates)

    async def forget_before(self, moment: datetime) -> int:
        """Remove the results that were submitted before this moment; returns their number."""
        removed, at = 0, ""
        with mongo.outages_named():
            # From quiz to quiz: the first id after all results of one quiz belongs to the next one.
            while found := await self._results.find_one({"_id": {"$gt": at}}, {"_id": 1}, sort=BY_ID):
                quiz_id = found["_id"].partition("/")[0]
                before = {"_id": {"$gte": found["_id"], "$lt": f"{quiz_id}/{_digits(moment)}"}}
                removed += (await self._results.delete_many(before)).deleted_count
                at = f"{quiz_id}0"
        return removed

    async def of_quiz(self, quiz_id: str, after: str | None, limit: int) -> tuple[list[Result], str | None]:
        """
        The results of a quiz in the order of their submission, from the one after `after`.

        Returns: the results, and where to continue if there may be more.
        """
        with mongo.outages_named():
            found = self._results.find(_range(quiz_id, after)).sort(BY_ID).limit(limit)
            documents = await found.batch_size(limit).to_list(None)
        results = [_result(document, quiz_id) for document in documents]
        return results, _place(documents[-1]["_id"], quiz_id) if len(documents) == limit else None

    async def has_some(self, quiz_id: str) -> bool:
        """True if there is a result of this quiz."""
        with mongo.outages_named():
            return await self._results.find_one(_range(quiz_id), {"_id": 1}) is not None

    async def participants_of(self, quiz_id: str, without: Collection[str] = ()) -> int:
        """
        The number of participants of a quiz with a result in awards, without these.

        Raises:
            Unavailable: counting them takes longer than `COUNT_MS_MAX`.
        """
        stages: list[Document] = [
            {"$match": _range(quiz_id) | ({"participant_id": {"$nin": list(without)}} if without else {})},
            {"$group": {"_id": "$participant_id"}},
            {"$count": "participants"},
        ]
        with mongo.outages_named():
            counted = await self._results.aggregate(stages, maxTimeMS=COUNT_MS_MAX).to_list(1)
        return int(counted[0]["participants"]) if counted else 0

    async def entrants(
        self,
        quiz_id: str,
        before: datetime,
        after: str,
        limit: int,
        *,
        score_percent: int,
        days_ahead: timedelta | None,
        without: Collection[str],
        without_results: Collection[str],
    ) -> list[tuple[str, int]]:
        """
        The participants of a quiz with a result that counts, by id, with the number of these results.

        No index leads to a participant's results, so this reads all results of the quiz: ask for many at
        once.

        Args:
            before: later results do not count.
            after: the participant behind whom to begin.
            days_ahead: count days with a result instead of results, in a zone so far ahead of UTC.
            without: participants who do not count.
            without_results: results that do not count.
        """
        place = len(quiz_id) + 1
        these: Document = {
            "_id": {"$gt": f"{quiz_id}/", "$lt": f"{quiz_id}/{_digits(before)}"},
            "participant_id": {"$gt": after, "$nin": list(without)},
        }
        reached = [{"$multiply": ["$points", 100]}, {"$multiply": ["$points_max", score_percent]}]
        conditions: list[Document] = [{"$gte": reached}]
        if without_results:
            result_id = {"$substrBytes": ["$_id", place + TIME_DIGITS + 1, -1]}
            conditions.append({"$not": {"$in": [result_id, list(without_results)]}})
        counted = {"$sum": 1} if days_ahead is None else _days(place, days_ahead)
        stages: list[Document] = [
            {"$match": these},
            {"$match": {"$expr": {"$and": conditions}}},
            {"$group": {"_id": "$participant_id", "counted": counted}},
            {"$sort": {"_id": 1}},
            {"$limit": limit},
        ]
        with mongo.outages_named():
            found = self._results.aggregate(stages, maxTimeMS=COUNT_MS_MAX, allowDiskUse=True)
            documents = await found.to_list(None)
        return [
            (one["_id"], len(one["counted"]) if days_ahead is not None else one["counted"])
            for one in documents
        ]

    async def remember_closings(self, closings: Sequence[Closing]) -> dict[str, int]:
        """
        Keep the final standings of quizzes; the highest version stays, and of one version the first.

        Returns: the version that is kept now, by quiz.
        """
        documents = [
            {
                "_id": closing.quiz_id,
                "version": closing.version,
                "participants": closing.participants,
                "ties": closing.ties,
                "counts": closing.counts,
                "standings": [standing.model_dump(exclude_none=True) for standing in closing.standings],
            }
            for closing in closings
        ]
        for place in await mongo.insert_new(self._closings, documents):
            version = closings[place].version
            # No field: version 1.
            older = [{"version": {"$lt": version}}] + ([{"version": None}] if version > 1 else [])
            older_one = {"_id": closings[place].quiz_id, "$or": older}
            with mongo.outages_named():
                await self._closings.replace_one(older_one, documents[place])
        return await self.closing_versions({closing.quiz_id for closing in closings})

    async def closing_versions(self, quiz_ids: Collection[str]) -> dict[str, int]:
        """The versions of the closings of these quizzes, of those that are closed."""
        with mongo.outages_named():
            found = self._closings.find({"_id": {"$in": sorted(quiz_ids)}}, {"version": 1})
            return {one["_id"]: one.get("version", 1) for one in await found.to_list(None)}

    async def listed_among(self, participant_ids: Collection[str]) -> set[str]:
        """Those of these participants whom the final standings of a quiz list."""
        ids = list(participant_ids)
        stages: list[Document] = [
            {"$project": {"listed": {"$setIntersection": ["$standings.participant_id", ids]}}},
            {"$unwind": "$listed"},
            {"$group": {"_id": "$listed"}},
        ]
        with mongo.outages_named():
            return {document["_id"] async for document in self._closings.aggregate(stages)}

    async def closing(self, quiz_id: str) -> Closing | None:
        """The final standings of a quiz, if it is closed."""
        with mongo.outages_named():
            document = await self._closings.find_one({"_id": quiz_id})
        if document is None:
            return None
        standings = [FinalStanding(**standing) for standing in document["standings"]]
        return Closing(
            quiz_id,
            document["participants"],
            standings,
            document.get("version", 1),
            document.get("ties", "time_used"),
            document.get("counts", "best"),
        )


def _days(place: int, days_ahead: timedelta) -> Document:
    """Collects the days of results by the times in their ids, which begin at this place."""
    millisecond = timedelta(milliseconds=1)
    at_ms = {"$toLong": {"$substrBytes": ["$_id", place, TIME_DIGITS]}}
    local_ms = {"$add": [at_ms, days_ahead // millisecond]}
    return {"$addToSet": {"$floor": {"$divide": [local_ms, timedelta(days=1) // millisecond]}}}


def _document(result: Result) -> Document:
    document: Document = {
        "_id": _id_of(result),
        "participant_id": result.participant_id,
        "points": result.points,
        "points_max": result.points_max,
        "time_used_seconds": result.time_used_seconds,
    }
    if result.version > 1:
        document["version"] = result.version
    return document


def _id_of(result: Result) -> str:
    return f"{result.quiz_id}/{_digits(result.completed_at)}-{result.result_id}"


def _digits(moment: datetime) -> str:
    # These texts have the same order as the times.
    return f"{clock.epoch_ms(moment):0{TIME_DIGITS}}"


def _range(quiz_id: str, after: str | None = None) -> Document:
    # "0" follows "/" in ASCII, and no id of a quiz contains "/". So this range is all results of the quiz.
    return {"_id": {"$gt": f"{quiz_id}/{after or ''}", "$lt": f"{quiz_id}0"}}


def _place(id_: str, quiz_id: str) -> str:
    return id_.removeprefix(f"{quiz_id}/")


def _result(document: Document, quiz_id: str) -> Result:
    time_ms, _, result_id = _place(document["_id"], quiz_id).partition("-")
    return Result(
        result_id,
        quiz_id,
        document["participant_id"],
        document["points"],
        document["points_max"],
        document["time_used_seconds"],
        clock.from_epoch_ms(int(time_ms)),
        document.get("version", 1),
    )
