"""
Attempts and results as they are stored.

attempts, results   _id is the attempt's id, derived from its cause: a repeat inserts nothing
standings           in standings.py; a result and what it makes of them come in one transaction
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Collection as Ids
from datetime import datetime

import msgspec

from services.quiz.quizzes.rules import QUIZ_DAYS_MAX, Attempt, AttemptId, ParticipantId, QuizId
from services.quiz.scoring.rules import HALVES_A_QUESTION, score_percent
from services.quiz.standings.store import Orders, raise_standings
from shared.storage import mongo
from shared.storage.mongo import (
    ASCENDING,
    Database,
    Document,
    DuplicateKeyError,
    PlainDatabase,
    PlainSession,
    outages_named,
)

ATTEMPTS, RESULTS = "attempts", "results"
LOOKS_AFTER_A_REPEAT = 20
# After their deadlines: by then every quiz has been over for three months.
ATTEMPT_DAYS_KEPT = QUIZ_DAYS_MAX + 90
DAY_SECONDS = 86_400


# No dataclass: this one is made by the thousand, in a tenth of the time.
class Result(msgspec.Struct, frozen=True, gc=False):
    """
    A graded attempt, `halves` of `halves_max` half points.

    `submission_id` is the id of the event that was graded: the first in the log.
    """

    attempt_id: AttemptId
    submission_id: str
    quiz_id: QuizId
    quiz_version: int
    participant_id: ParticipantId
    group_id: str | None
    district: str | None
    halves: int
    halves_max: int
    passed: bool
    time_used_seconds: int
    submitted_at: datetime
    answers: str

    @property
    def points(self) -> float:
        """The points reached."""
        return self.halves / HALVES_A_QUESTION

    @property
    def points_max(self) -> float:
        """The points of the whole paper."""
        return self.halves_max / HALVES_A_QUESTION

    @property
    def score_percent(self) -> int:
        """What is shown of them."""
        return score_percent(self.halves, self.halves_max)


class Results:
    """Reads and writes attempts and results; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._attempts = database[ATTEMPTS]
        self._results = database[RESULTS]
        # In how many batches to look for repeats; without one that look is a sixth of the database's work.
        self._looks = LOOKS_AFTER_A_REPEAT

    async def prepare(self) -> None:
        """Create the indexes, and the collections that transactions write to."""
        with outages_named():
            await mongo.create_missing(self._database, (RESULTS,))
            await self._attempts.create_index(
                [("deadline_at", ASCENDING)], expireAfterSeconds=ATTEMPT_DAYS_KEPT * DAY_SECONDS
            )

    async def attempts(self, ids: Sequence[AttemptId]) -> dict[str, Attempt]:
        """Those of these attempts that were started here."""
        with outages_named():
            found = await self._attempts.find({"_id": {"$in": ids}}).to_list(None)
        return {document["_id"]: _attempt(document) for document in found}

    async def add_attempts(self, attempts: Sequence[Attempt]) -> frozenset[int]:
        """Save attempts; returns the positions of those that existed already."""
        return await mongo.insert_new(
            self._attempts,
            [
                {
                    "_id": attempt.attempt_id,
                    "quiz_id": attempt.quiz_id,
                    "quiz_version": attempt.quiz_version,
                    "participant_id": attempt.participant_id,
                    "number": attempt.number,
                    "started_at": attempt.started_at,
                    "deadline_at": attempt.deadline_at,
                }
                for attempt in attempts
            ],
        )

    async def refuse(self, codes: Mapping[str, str]) -> None:
        """Remember why what was handed in of attempts was refused; the first reason stays."""
        for code in set(codes.values()):
            ids = [attempt_id for attempt_id, why in codes.items() if why == code]
            with outages_named():
                await self._attempts.update_many(
                    {"_id": {"$in": ids}, "refused": {"$exists": False}}, {"$set": {"refused": code}}
                )

    async def graded(self, ids: Ids[str]) -> dict[str, Result]:
        """The results of those attempts that are graded."""
        if not ids:
            return {}
        with outages_named():
            found = await self._results.find({"_id": {"$in": list(ids)}}).to_list(None)
        return {document["_id"]: _result(document) for document in found}

    async def add(
        self, results: Sequence[Result], orders: Callable[[Iterable[Result]], Orders]
    ) -> dict[str, Result]:
        """
        Save results, each attempt's once, and what they make of the standings: all of it or nothing.

        Args:
            orders: what the results that count, these or earlier ones, make of the standings.
        Returns: by attempt, the earlier ones of those that were graded before.
        """
        if not results:
            return {}
        ids = [result.attempt_id for result in results]

        def work(database: PlainDatabase, session: PlainSession) -> dict[str, Result]:
            earlier: dict[str, Result] = {}
            if self._looks > 0:
                found = database[RESULTS].find({"_id": {"$in": ids}}, session=session)
                earlier = {document["_id"]: _result(document) for document in found}
            new = [result for result in results if result.attempt_id not in earlier]
            mongo.insert_all(database[RESULTS], [_result_document(result) for result in new], session)
            # The earlier ones too: whatever wrote them, they stand after this.
            raise_standings(database, session, orders([*new, *earlier.values()]))
            return earlier

        self._looks -= 1
        try:
            return await mongo.at_once(self._database, work)
        except DuplicateKeyError:
            # Repeats seldom come alone: look for them now and in the batches that follow.
            self._looks = LOOKS_AFTER_A_REPEAT
            return await mongo.at_once(self._database, work)

    async def forget_profiles(self, attempt_ids: Sequence[AttemptId]) -> None:
        """Take group and district out of those of these attempts' results that are there."""
        with outages_named():
            await self._results.update_many(
                {"_id": {"$in": attempt_ids}}, {"$set": {"group_id": None, "district": None}}
            )


def _attempt(document: Document) -> Attempt:
    return Attempt(
        document["_id"],
        document["quiz_id"],
        document["participant_id"],
        document["number"],
        document["started_at"],
        document["deadline_at"],
        document["quiz_version"],
        document.get("refused"),
    )


def _result_document(result: Result) -> Document:
    return {
        "_id": result.attempt_id,
        "submission_id": result.submission_id,
        "quiz_id": result.quiz_id,
        "quiz_version": result.quiz_version,
        "participant_id": result.participant_id,
        "group_id": result.group_id,
        "district": result.district,
        "halves": result.halves,
        "halves_max": result.halves_max,
        "passed": result.passed,
        "time_used_seconds": result.time_used_seconds,
        "submitted_at": result.submitted_at,
        "answers": result.answers,
    }


def _result(document: Document) -> Result:
    return Result(AttemptId(document.pop("_id")), **document)
