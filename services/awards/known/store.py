"""
Participants, groups and quizzes in MongoDB, only their ids.

These facts stay true: a participant or quiz that an event names exists, and an erased participant stays
erased. So repeats and any order of the topics end in the same state, and no versions are compared. Erased ids
are stored for ever, since an old result may come again.
"""

from collections.abc import Collection

from services.awards.known.rules import check_recipient
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, UpdateOne
from shared.storage.unit_of_work import UnitOfWork

ERASED = "erased"


class KnownStore:
    """Which participants and quizzes exist."""

    def __init__(self, database: Database) -> None:
        self._participants = database["participants"]
        self._quizzes = database["quizzes"]

    async def prepare(self) -> None:
        """Create the index; it contains only erased people."""
        with mongo.outages_named():
            await self._participants.create_index(
                [("erased", ASCENDING), ("_id", ASCENDING)],
                name=ERASED,
                partialFilterExpression={"erased": True},
            )

    async def add_participants(self, participant_ids: Collection[str]) -> None:
        """Store these people and groups; the erased among them stay erased."""
        await mongo.insert_new(self._participants, [{"_id": id_} for id_ in set(participant_ids)])

    async def add_quizzes(self, quiz_ids: Collection[str]) -> None:
        """Store these quizzes."""
        await mongo.insert_new(self._quizzes, [{"_id": id_} for id_ in set(quiz_ids)])

    async def erase(self, participant_ids: Collection[str]) -> None:
        """Mark these as erased, also unknown ones."""
        erased = {"$set": {"erased": True}}
        with mongo.outages_named():
            await self._participants.bulk_write(
                [UpdateOne({"_id": id_}, erased, upsert=True) for id_ in sorted(set(participant_ids))],
                ordered=False,
            )

    async def erased(self, participant_ids: Collection[str]) -> set[str]:
        """The erased among these."""
        # The index in the hint contains only erased people, so this costs almost nothing.
        condition = {"erased": True, "_id": {"$in": list(participant_ids)}}
        with mongo.outages_named():
            found = await self._participants.find(condition, {"_id": 1}).hint(ERASED).to_list(None)
        return {document["_id"] for document in found}

    async def has_quiz(self, quiz_id: str) -> bool:
        """True if this quiz was published."""
        with mongo.outages_named():
            return await self._quizzes.find_one({"_id": quiz_id}) is not None

    async def has_participant(self, participant_id: str) -> bool:
        """True if this person or group has joined."""
        with mongo.outages_named():
            return await self._participants.find_one({"_id": participant_id}, {"_id": 1}) is not None

    async def lock_recipient(self, unit: UnitOfWork, recipient_id: str) -> None:
        """
        Check that a participant or group may get an award, and lock this until the transaction ends.

        The lock is a write to their document. An erasure at the same moment either comes first and is seen
        here, or waits and then finds the award.

        Raises:
            NotFound, Conflict: see `check_recipient`.
        """
        change = {"$inc": {"conferred": 1}}
        found = await self._participants.find_one_and_update(
            {"_id": recipient_id}, change, session=unit.session
        )
        check_recipient(recipient_id, known=found is not None, erased=bool(found and found.get("erased")))
