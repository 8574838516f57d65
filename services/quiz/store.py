"""
Quiz's database: quizzes, attempts, results, standings, participants, and submissions that wait for one.

attempts, results   _id is the attempt's id, derived from its cause: a repeat inserts nothing
standings           in standings.py; a result and what it makes of them come in one transaction
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Collection as Ids
from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.quiz.rules import Attempt, AttemptId, ParticipantId, Quiz, QuizId, Status
from services.quiz.standings import QUIZZES, Orders, Standings, raise_standings
from shared.contracts.envelope import Envelope, Event
from shared.storage import mongo, outbox
from shared.storage.mongo import (
    ASCENDING,
    DESCENDING,
    Database,
    Document,
    DuplicateKeyError,
    PlainDatabase,
    PlainSession,
    Session,
    UpdateOne,
    outages_named,
)

RESULTS = "results"
QUIZZES_MAX = 200
PARKED_MAX = 1_000
LOOKS_AFTER_A_REPEAT = 20


@dataclass(frozen=True, slots=True)
class QuizRecord:
    """A quiz as it is: its definition, when it closes, and since when its standings are frozen."""

    quiz_id: QuizId
    quiz: Quiz
    status: Status
    closes_at: datetime
    version: int
    frozen_at: datetime | None = None


# No dataclass: this one is made by the thousand, in a tenth of the time.
class Result(msgspec.Struct, frozen=True, gc=False):
    """A graded attempt. `submission_id` is the id of the event that was graded: the first in the log."""

    attempt_id: AttemptId
    submission_id: str
    quiz_id: QuizId
    participant_id: ParticipantId
    group_id: str | None
    district: str | None
    score_percent: int
    passed: bool
    time_used_seconds: int
    submitted_at: datetime
    answers: str


class Profile(msgspec.Struct, frozen=True, gc=False):
    """What is known of a participant; made by the thousand too."""

    group_id: str | None
    district: str | None


@dataclass(frozen=True, slots=True)
class Parked:
    """A submission whose participant is not known yet, as it came in."""

    attempt_id: str
    participant_id: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    appended_at: datetime
    quiz_id: str


class QuizStore:
    """Reads and writes quiz's database; raises Unavailable while it is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._quizzes = database[QUIZZES]
        self._attempts = database["attempts"]
        self._results = database[RESULTS]
        self._participants = database["participants"]
        self._parked = database["parked"]
        self.standings = Standings(database)
        # In how many batches to look for repeats; without one that look is a sixth of the database's work.
        self._looks = LOOKS_AFTER_A_REPEAT

    async def prepare(self) -> None:
        """Create the indexes, and the collections that transactions write to."""
        with outages_named():
            await self._parked.create_index([("participant_id", ASCENDING)])
            await self._parked.create_index([("quiz_id", ASCENDING)])
            await self._quizzes.create_index([("status", ASCENDING), ("closes_at", ASCENDING)])
            await mongo.create_missing(self._database, (RESULTS,))
        await self.standings.prepare()
        await outbox.prepare(self._database)

    # Quizzes

    async def quizzes(self) -> list[QuizRecord]:
        """All quizzes, the latest opening first, at most `QUIZZES_MAX`."""
        with outages_named():
            documents = (
                await self._quizzes.find().sort("opens_at", DESCENDING).limit(QUIZZES_MAX).to_list(None)
            )
        return [_quiz_record(document) for document in documents]

    async def versions(self) -> dict[str, int]:
        """The version of every quiz, which grows with each change of it."""
        with outages_named():
            found = await self._quizzes.find({}, {"version": 1}).limit(QUIZZES_MAX).to_list(None)
        return {document["_id"]: document["version"] for document in found}

    async def quiz(self, quiz_id: str) -> QuizRecord | None:
        with outages_named():
            document = await self._quizzes.find_one({"_id": quiz_id})
        return _quiz_record(document) if document else None

    async def has_attempts(self, quiz_id: str) -> bool:
        """Whether anybody has started or submitted."""
        with outages_named():
            started = await self._attempts.find_one({"quiz_id": quiz_id}, {"_id": 1})
            return (
                started is not None
                or await self._results.find_one({"quiz_id": quiz_id}, {"_id": 1}) is not None
            )

    async def publish(
        self, quiz_id: str, quiz: Quiz, version: int, events: Sequence[Envelope[Event]]
    ) -> bool:
        """Save a quiz and tell of it; False if it is no longer in the version given (0: not there)."""
        fields = {
            "definition": quiz.model_dump(mode="json"),
            "status": "open",
            "opens_at": quiz.opens_at,
            "closes_at": quiz.closes_at,
        }

        async def work(session: Session) -> None:
            if version:
                updated = await self._quizzes.update_one(
                    {"_id": quiz_id, "version": version, "status": "open"},
                    {"$set": fields, "$inc": {"version": 1}},
                    session=session,
                )
                if not updated.modified_count:
                    raise _ChangedError
            else:
                await self._quizzes.insert_one({"_id": quiz_id, "version": 1} | fields, session=session)
            await outbox.append(self._database, session, events)

        try:
            await mongo.in_transaction(self._database, work)
        except (_ChangedError, DuplicateKeyError):
            return False
        return True

    async def begin_closing(self, quiz_id: str, at: datetime) -> None:
        """Let nobody start from now on or submit after `at`; a closing already begun stays as it is."""
        with outages_named():
            await self._quizzes.update_one(
                {"_id": quiz_id, "status": "open"},
                [
                    {
                        "$set": {
                            "status": "closing",
                            "closes_at": {"$min": ["$closes_at", at]},
                            "version": {"$add": ["$version", 1]},
                        }
                    }
                ],
            )

    async def freeze(self, quiz_id: str, at: datetime) -> None:
        """Show standings as of `at`, as long as the quiz is open; a freeze already begun stays as it is."""
        with outages_named():
            await self._quizzes.update_one(
                {"_id": quiz_id, "status": "open", "frozen_at": {"$exists": False}},
                {"$set": {"frozen_at": at}, "$inc": {"version": 1}},
            )

    async def thaw(self, quiz_id: str) -> None:
        """End a freeze, if there is one; `standings.release` lets stand what was held."""
        with outages_named():
            await self._quizzes.update_one(
                {"_id": quiz_id, "frozen_at": {"$exists": True}},
                {"$unset": {"frozen_at": ""}, "$inc": {"version": 1}},
            )

    async def end_freezes(self, quiz_id: str) -> None:
        """Before the final standings: thaw, and let nobody freeze again."""
        with outages_named():
            await self._quizzes.update_one(
                {
                    "_id": quiz_id,
                    "status": {"$ne": "closed"},
                    "$or": [{"status": "open"}, {"frozen_at": {"$exists": True}}],
                },
                {"$set": {"status": "closing"}, "$unset": {"frozen_at": ""}, "$inc": {"version": 1}},
            )

    async def frozen(self, quiz_ids: Iterable[str]) -> dict[str, datetime]:
        """Those of these quizzes whose standings are frozen, and as of when."""
        which = {"_id": {"$in": list(quiz_ids)}, "frozen_at": {"$exists": True}}
        with outages_named():
            found = await self._quizzes.find(which, {"frozen_at": 1}).to_list(None)
        return {document["_id"]: document["frozen_at"] for document in found}

    async def finish_closing(self, quiz_id: str, events: Sequence[Envelope[Event]]) -> bool:
        """Fix the standings and tell of it; False if that was done already."""

        async def work(session: Session) -> bool:
            updated = await self._quizzes.update_one(
                {"_id": quiz_id, "status": {"$ne": "closed"}},
                {"$set": {"status": "closed"}, "$inc": {"version": 1}},
                session=session,
            )
            if updated.modified_count:
                await outbox.append(self._database, session, events)
            return bool(updated.modified_count)

        return await mongo.in_transaction(self._database, work)

    # Attempts

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
                    "participant_id": attempt.participant_id,
                    "number": attempt.number,
                    "started_at": attempt.started_at,
                    "deadline_at": attempt.deadline_at,
                }
                for attempt in attempts
            ],
        )

    # Results

    async def results(self, ids: Ids[str]) -> dict[str, Result]:
        """The results of those attempts that are graded."""
        if not ids:
            return {}
        with outages_named():
            found = await self._results.find({"_id": {"$in": list(ids)}}).to_list(None)
        return {document["_id"]: _result(document) for document in found}

    async def add_results(
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

    # Participants, and submissions that wait for one

    async def profiles(self, participant_ids: Ids[str]) -> dict[str, Profile]:
        """What is known of these participants."""
        if not participant_ids:
            return {}
        with outages_named():
            found = await self._participants.find({"_id": {"$in": list(participant_ids)}}).to_list(None)
        return {document["_id"]: Profile(document["group_id"], document["district"]) for document in found}

    async def save_profiles(self, profiles: Mapping[str, Profile | None]) -> None:
        """
        Keep profiles; None erases one and leaves only that the participant exists.

        What is erased stays so: joining is another topic, and may be read after it or again.
        """
        if not profiles:
            return
        with outages_named():
            await self._participants.bulk_write(
                [
                    UpdateOne({"_id": participant_id}, _profile_update(known), upsert=True)
                    for participant_id, known in profiles.items()
                ],
                ordered=False,
            )

    async def park(self, parked: Sequence[Parked]) -> None:
        """Keep submissions until their participants are known; the first of an attempt stays."""
        await mongo.insert_new(
            self._parked,
            [
                {
                    "_id": one.attempt_id,
                    "participant_id": one.participant_id,
                    "value": one.value,
                    "headers": [[name, value] for name, value in one.headers],
                    "appended_at": one.appended_at,
                    "quiz_id": one.quiz_id,
                }
                for one in parked
            ],
        )

    async def parked(self, participant_ids: Ids[str]) -> list[Parked]:
        """The submissions that wait for these participants."""
        if not participant_ids:
            return []
        with outages_named():
            found = await self._parked.find({"participant_id": {"$in": list(participant_ids)}}).to_list(None)
        return [_parked(document) for document in found]

    async def parked_attempts(self, attempt_ids: Ids[str]) -> frozenset[str]:
        """Those of these attempts whose submission waits."""
        with outages_named():
            found = await self._parked.find({"_id": {"$in": list(attempt_ids)}}, {"_id": 1}).to_list(None)
        return frozenset(document["_id"] for document in found)

    async def any_parked(self) -> bool:
        """Whether any submission waits."""
        with outages_named():
            return await self._parked.find_one({}, {"_id": 1}) is not None

    async def parked_of_quiz(self, quiz_id: str) -> list[Parked]:
        """Submissions of a quiz that wait, at most `PARKED_MAX` of them."""
        with outages_named():
            found = await self._parked.find({"quiz_id": quiz_id}).limit(PARKED_MAX).to_list(None)
        return [_parked(document) for document in found]

    async def unpark(self, attempt_ids: Ids[str]) -> None:
        """Forget submissions that wait no longer."""
        if attempt_ids:
            with outages_named():
                await self._parked.delete_many({"_id": {"$in": list(attempt_ids)}})


class _ChangedError(Exception):
    """Ends a transaction whose condition does not hold."""


def _profile_update(known: Profile | None) -> Document | list[Document]:
    if known is None:
        return {"$set": {"group_id": None, "district": None, "erased": True}}
    fields = {"group_id": known.group_id, "district": known.district}
    # $literal, since a text may start with a dollar sign.
    return [
        {"$set": {name: {"$cond": ["$erased", None, {"$literal": text}]} for name, text in fields.items()}}
    ]


def _quiz_record(document: Document) -> QuizRecord:
    return QuizRecord(
        document["_id"],
        Quiz.model_validate(document["definition"]),
        document["status"],
        document["closes_at"],
        document["version"],
        document.get("frozen_at"),
    )


def _attempt(document: Document) -> Attempt:
    return Attempt(
        document["_id"],
        document["quiz_id"],
        document["participant_id"],
        document["number"],
        document["started_at"],
        document["deadline_at"],
    )


def _result_document(result: Result) -> Document:
    return {
        "_id": result.attempt_id,
        "submission_id": result.submission_id,
        "quiz_id": result.quiz_id,
        "participant_id": result.participant_id,
        "group_id": result.group_id,
        "district": result.district,
        "score_percent": result.score_percent,
        "passed": result.passed,
        "time_used_seconds": result.time_used_seconds,
        "submitted_at": result.submitted_at,
        "answers": result.answers,
    }


def _result(document: Document) -> Result:
    return Result(AttemptId(document.pop("_id")), **document)


def _parked(document: Document) -> Parked:
    headers = tuple((name, bytes(value)) for name, value in document["headers"])
    return Parked(
        document["_id"],
        document["participant_id"],
        bytes(document["value"]),
        headers,
        document["appended_at"],
        document["quiz_id"],
    )
