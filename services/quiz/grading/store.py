"""
Submissions that wait until their participant is known.

parked   an older word, which stays in the databases (docs/glossary.md). _id is the attempt's id: the first
         submission of the attempt
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.quiz.quizzes.rules import QUIZ_DAYS_MAX
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, outages_named

READ_MAX = 1_000
# The close grades all waiting submissions. So this removes only those that no close has found.
WAITING_DAYS_KEPT = QUIZ_DAYS_MAX + 30


@dataclass(frozen=True, slots=True)
class Waiting:
    """A submission whose participant is not known yet, as it was in the log."""

    attempt_id: str
    participant_id: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    appended_at: datetime
    quiz_id: str


class WaitingStore:
    """Reads and writes submissions that wait; raises Unavailable while the database is away."""

    def __init__(self, database: Database) -> None:
        self._waiting = database["parked"]

    async def prepare(self) -> None:
        """Create the indexes."""
        with outages_named():
            await self._waiting.create_index([("participant_id", ASCENDING)])
            await self._waiting.create_index([("quiz_id", ASCENDING)])
            await mongo.delete_after(self._waiting, "appended_at", timedelta(days=WAITING_DAYS_KEPT))

    async def add(self, waiting: Sequence[Waiting]) -> None:
        """Keep submissions until their participants are known; the first of an attempt stays."""
        await mongo.insert_new(
            self._waiting,
            [
                {
                    "_id": one.attempt_id,
                    "participant_id": one.participant_id,
                    "value": one.value,
                    "headers": [[name, value] for name, value in one.headers],
                    "appended_at": one.appended_at,
                    "quiz_id": one.quiz_id,
                }
                for one in waiting
            ],
        )

    async def any(self) -> bool:
        """Whether any submission waits."""
        with outages_named():
            return await self._waiting.find_one({}, {"_id": 1}) is not None

    async def of_participants(self, participant_ids: Collection[str]) -> list[Waiting]:
        """The submissions that wait for these participants."""
        if not participant_ids:
            return []
        with outages_named():
            found = await self._waiting.find({"participant_id": {"$in": list(participant_ids)}}).to_list(None)
        return [_waiting(document) for document in found]

    async def of_quiz(self, quiz_id: str) -> list[Waiting]:
        """Submissions of a quiz that wait, at most `READ_MAX` of them."""
        with outages_named():
            found = await self._waiting.find({"quiz_id": quiz_id}).limit(READ_MAX).to_list(None)
        return [_waiting(document) for document in found]

    async def attempts_among(self, attempt_ids: Collection[str]) -> frozenset[str]:
        """The attempts among these that have a waiting submission."""
        with outages_named():
            found = await self._waiting.find({"_id": {"$in": list(attempt_ids)}}, {"_id": 1}).to_list(None)
        return frozenset(document["_id"] for document in found)

    async def remove(self, attempt_ids: Collection[str]) -> None:
        """Delete submissions that do not wait any more."""
        if attempt_ids:
            with outages_named():
                await self._waiting.delete_many({"_id": {"$in": list(attempt_ids)}})

    async def remove_of_participant(self, participant_id: str) -> None:
        """Delete the waiting submissions of this participant."""
        with outages_named():
            await self._waiting.delete_many({"participant_id": participant_id})


def _waiting(document: Document) -> Waiting:
    headers = tuple((name, bytes(value)) for name, value in document["headers"])
    return Waiting(
        document["_id"],
        document["participant_id"],
        bytes(document["value"]),
        headers,
        document["appended_at"],
        document["quiz_id"],
    )
