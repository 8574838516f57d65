"""
Attempts as they are stored.

attempts   _id is the attempt's id, derived from its cause: a repeat inserts nothing. `address_hash` and
           `device_hash` say for fair play where it was started, and go some weeks after the close
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from services.quiz.attempts.rules import OUR_FAULTS, Attempt
from services.quiz.quizzes.rules import QUIZ_DAYS_MAX
from services.quiz.results.rules import AttemptId, Portion, portions
from services.quiz.results.store import PORTION_RESULTS, ids_in
from shared.storage import mongo
from shared.storage.mongo import Database, Document, outages_named

# Days after the deadline of an attempt. Its quiz has been over for at least three months then.
ATTEMPT_DAYS_KEPT = QUIZ_DAYS_MAX + 90
TRACES = ("address_hash", "device_hash")
_NO_TRACES: Document = {"$unset": dict.fromkeys(TRACES, "")}


class Started(NamedTuple):
    """Who started an attempt, when, and from where, as keyed hashes (traces.py)."""

    attempt_id: str
    participant_id: str
    started_at: datetime
    address_hash: bytes | None
    device_hash: bytes | None


class GivenUp(NamedTuple):
    """A submission that was given up: the attempt and the participant that it names, and why."""

    attempt_id: str
    participant_id: str
    code: str


class AttemptStore:
    """Reads and writes attempts; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._attempts = database["attempts"]

    async def prepare(self) -> None:
        """Create the index."""
        await mongo.delete_after(self._attempts, "deadline_at", timedelta(days=ATTEMPT_DAYS_KEPT))

    async def started(self, ids: Sequence[AttemptId]) -> dict[str, Attempt]:
        """The attempts among these that were started here."""
        with outages_named():
            found = await self._attempts.find({"_id": {"$in": ids}}).to_list(None)
        return {document["_id"]: _attempt(document) for document in found}

    async def add(self, attempts: Sequence[Attempt]) -> frozenset[int]:
        """Save attempts; returns the positions of those that existed already."""
        return await mongo.insert_new(self._attempts, [_document(attempt) for attempt in attempts])

    async def started_from(self, quiz_id: str, portion: Portion) -> list[Started]:
        """Where the attempts of a quiz were started, of one portion; those without a trace are left out."""
        which = {
            "_id": ids_in(portion),
            "quiz_id": quiz_id,
            "$or": [{name: {"$exists": True}} for name in TRACES],
        }
        fields = dict.fromkeys(("participant_id", "started_at", *TRACES), 1)
        with outages_named():
            found = await self._attempts.find(which, fields).to_list(None)
        return [
            Started(
                one["_id"],
                one["participant_id"],
                one["started_at"],
                one.get("address_hash"),
                one.get("device_hash"),
            )
            for one in found
        ]

    async def forget_traces(self, quiz_id: str, portion: Portion) -> None:
        """Delete where the attempts of a quiz were started, of one portion."""
        with outages_named():
            await self._attempts.update_many({"_id": ids_in(portion), "quiz_id": quiz_id}, _NO_TRACES)

    async def forget_traces_of(self, ids: Sequence[AttemptId]) -> None:
        """Delete where these attempts were started."""
        with outages_named():
            await self._attempts.update_many({"_id": {"$in": ids}}, _NO_TRACES)

    async def portions(self) -> list[Portion]:
        """Portions of all attempts, for `people_of`."""
        with outages_named():
            return portions(await self._attempts.estimated_document_count(), PORTION_RESULTS)

    async def people_of(self, quiz_id: str, portion: Portion) -> set[str]:
        """
        The participants with an attempt of a quiz, of one portion.

        An index of quizzes would be one more write for each start. So this reads the attempts of all quizzes
        by their ids.
        """
        which = {"_id": ids_in(portion), "quiz_id": quiz_id}
        with outages_named():
            found = await self._attempts.find(which, {"participant_id": 1}).to_list(None)
        return {one["participant_id"] for one in found}

    async def refuse(self, given_up: Sequence[GivenUp]) -> None:
        """
        Store why submissions were given up; the first reason of an attempt stays, unless it was our fault.

        A submission that names another participant than the attempt has is passed over.
        """
        for code in dict.fromkeys(one.code for one in given_up):
            some = [one for one in given_up if one.code == code]
            which = {
                "_id": {"$in": [one.attempt_id for one in some]},
                "participant_id": {"$in": [one.participant_id for one in some]},
                # None stands for an attempt without a refusal.
                "refused": {"$in": [None, *OUR_FAULTS]},
            }
            with outages_named():
                await self._attempts.update_many(which, {"$set": {"refused": code}})


def _document(attempt: Attempt) -> Document:
    document: Document = {
        "_id": attempt.attempt_id,
        "quiz_id": attempt.quiz_id,
        "quiz_version": attempt.quiz_version,
        "participant_id": attempt.participant_id,
        "number": attempt.number,
        "started_at": attempt.started_at,
        "deadline_at": attempt.deadline_at,
    }
    if attempt.address_hash:
        document["address_hash"] = attempt.address_hash
    if attempt.device_hash:
        document["device_hash"] = attempt.device_hash
    return document


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
