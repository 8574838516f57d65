"""
Whom and what awards knows of: participants, the erased among them, and quizzes.

Each fact only ever becomes true: a participant or quiz that was told of exists, and who was
erased stays erased. So repeats and any order of the topics end in the same, and no versions
need be compared. Who is erased is kept for good: an old result may come again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from collections.abc import Collection as Some

from shared.runtime.errors import Conflict, NotFound
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Session, UpdateOne

ERASED = "erased"
LOOK_SECONDS = 0.1


class KnownStore:
    """Which participants and quizzes exist."""

    def __init__(self, database: Database) -> None:
        self._participants = database["participants"]
        self._quizzes = database["quizzes"]

    async def prepare(self) -> None:
        """Create the index; it holds nobody but the erased."""
        with mongo.outages_named():
            await self._participants.create_index(
                [("erased", ASCENDING), ("_id", ASCENDING)],
                name=ERASED,
                partialFilterExpression={"erased": True},
            )

    async def add_participants(self, participant_ids: Some[str]) -> None:
        """Know these people and groups; who is erased stays erased."""
        await mongo.insert_new(self._participants, [{"_id": id_} for id_ in set(participant_ids)])

    async def add_quizzes(self, quiz_ids: Some[str]) -> None:
        """Know these quizzes."""
        await mongo.insert_new(self._quizzes, [{"_id": id_} for id_ in set(quiz_ids)])

    async def erase(self, participant_ids: Some[str]) -> None:
        """Know that these are erased, whether they were known or not."""
        erased = {"$set": {"erased": True}}
        with mongo.outages_named():
            await self._participants.bulk_write(
                [UpdateOne({"_id": id_}, erased, upsert=True) for id_ in sorted(set(participant_ids))],
                ordered=False,
            )

    async def erased(self, participant_ids: Some[str]) -> set[str]:
        """Those of these who are erased."""
        # The index named holds the erased alone, so that this costs next to nothing.
        condition = {"erased": True, "_id": {"$in": list(participant_ids)}}
        with mongo.outages_named():
            found = await self._participants.find(condition, {"_id": 1}).hint(ERASED).to_list(None)
        return {document["_id"] for document in found}

    async def has_quiz(self, quiz_id: str) -> bool:
        """Whether this quiz was published."""
        with mongo.outages_named():
            return await self._quizzes.find_one({"_id": quiz_id}) is not None

    async def has_participant(self, participant_id: str) -> bool:
        """Whether this person or group was ever told of."""
        with mongo.outages_named():
            return await self._participants.find_one({"_id": participant_id}, {"_id": 1}) is not None

    async def check(self, participant_id: str, session: Session) -> None:
        """
        See that a participant may be conferred an award, until the transaction ends.

        It writes to the participant, so that an erasure at the same moment comes either before,
        and is seen here, or after, and finds the award.

        Raises:
            NotFound: nobody of this id was told of.
            Conflict: the participant was erased.
        """
        change = {"$inc": {"conferred": 1}}
        found = await self._participants.find_one_and_update({"_id": participant_id}, change, session=session)
        if found is None:
            raise recipient_unknown(participant_id)
        if found.get("erased"):
            raise recipient_erased(participant_id)


async def soon(look: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Whether `look` says yes within this time: what is told is known here a moment later."""
    deadline = time.monotonic() + seconds
    while not (found := await look()) and time.monotonic() < deadline:  # noqa: ASYNC110 (others write it)
        await asyncio.sleep(LOOK_SECONDS)
    return found


def recipient_unknown(participant_id: str) -> NotFound:
    """Nobody of this id was told of."""
    return NotFound(
        f"there is no participant or group {participant_id}; if it has only just registered, "
        "try again in a moment",
        code="recipient_unknown",
    )


def recipient_erased(participant_id: str) -> Conflict:
    """The participant has had everything erased."""
    return Conflict(f"participant {participant_id} was erased", code="participant_erased")
