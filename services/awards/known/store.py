"""
Participants, groups and quizzes in MongoDB: their ids; of participants the group, district and audience of
their profiles, which statistics count by; of quizzes the highest versions that were published and cancelled.

These facts stay true: a participant or quiz that an event names exists, and an erased participant stays
erased. So repeats and any order of the topics end in the same state. A profile is replaced only by one of a
higher version, and goes with an erasure. An erased id stays until no old result can come again
(issued/forget.py).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from services.awards.known.rules import check_recipient
from shared.contracts.events import ParticipantJoined
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, UpdateOne
from shared.storage.unit_of_work import UnitOfWork

ERASED = "erased"
_PROFILE = ("group_id", "district", "audience", "version")
# The server's clock: all processes compare with it. The first time stays.
_ERASING: list[Document] = [
    {"$set": {"erased": True, "erased_at": {"$ifNull": ["$erased_at", "$$NOW"]}}},
    {"$unset": list(_PROFILE)},
]


class KnownStore:
    """Which participants and quizzes exist."""

    def __init__(self, database: Database) -> None:
        self._participants = database["participants"]
        self._quizzes = database["quizzes"]

    async def prepare(self) -> None:
        """Create the index; it contains only erased people. Those without a time get one."""
        with mongo.outages_named():
            await self._participants.create_index(
                [("erased", ASCENDING), ("_id", ASCENDING)],
                name=ERASED,
                partialFilterExpression={"erased": True},
            )
            # An earlier release has not stored when they were erased.
            timeless: Document = {"erased": True, "erased_at": {"$exists": False}}
            await self._participants.update_many(timeless, _ERASING, hint=ERASED)

    async def add_participants(self, participant_ids: Collection[str]) -> None:
        """Store these people and groups; the erased among them stay erased."""
        await mongo.insert_new(self._participants, [{"_id": id_} for id_ in set(participant_ids)])

    async def keep_profiles(self, joined: Sequence[ParticipantJoined]) -> None:
        """Keep the latest profiles of participants who are stored, and of nobody who was erased."""
        if not joined:
            return
        with mongo.outages_named():
            await self._participants.bulk_write([_profile(event) for event in joined], ordered=False)

    async def is_group(self, participant_id: str) -> bool:
        """True if a participant has joined as a group."""
        with mongo.outages_named():
            return await self._participants.find_one({"_id": participant_id, "group": True}) is not None

    async def add_quizzes(self, quiz_ids: Collection[str]) -> None:
        """Store these quizzes."""
        await mongo.insert_new(self._quizzes, [{"_id": id_} for id_ in set(quiz_ids)])

    async def add_versions(self, published: Mapping[str, int], cancelled: Mapping[str, int]) -> None:
        """
        Store these quizzes with their versions that were published or cancelled; the highest ones stay.

        A cancellation may come before the publication that it is about: there is no order between topics.
        """
        said = (("version", published), ("cancelled", cancelled))
        writes = [
            UpdateOne({"_id": quiz_id}, {"$max": {name: version}}, upsert=True)
            for name, versions in said
            for quiz_id, version in versions.items()
        ]
        if writes:
            with mongo.outages_named():
                await self._quizzes.bulk_write(writes, ordered=False)

    async def cancelled(self, quiz_ids: Collection[str]) -> set[str]:
        """The cancelled or removed quizzes among these. One that was published again is not among them."""
        these: Document = {"_id": {"$in": list(quiz_ids)}, "cancelled": {"$exists": True}}
        with mongo.outages_named():
            found = await self._quizzes.find(these).to_list(None)
        return {one["_id"] for one in found if one["cancelled"] >= one.get("version", 0)}

    async def erase(self, participant_ids: Collection[str]) -> None:
        """Mark these as erased, also unknown ones."""
        with mongo.outages_named():
            await self._participants.bulk_write(
                [UpdateOne({"_id": id_}, _ERASING, upsert=True) for id_ in sorted(set(participant_ids))],
                ordered=False,
            )

    async def erased_before(self, moment: datetime, after: str, limit: int) -> list[str]:
        """Who was erased before this moment: the ids after this one, at most `limit`, in order."""
        these: Document = {"erased": True, "_id": {"$gt": after}, "erased_at": {"$lt": moment}}
        with mongo.outages_named():
            found = self._participants.find(these, {"_id": 1}).hint(ERASED).sort("_id", ASCENDING)
            return [document["_id"] for document in await found.limit(limit).to_list(None)]

    async def forget(self, participant_ids: Collection[str]) -> None:
        """Delete erased participants."""
        these = {"_id": {"$in": list(participant_ids)}, "erased": True}
        with mongo.outages_named():
            await self._participants.delete_many(these)

    async def erased(self, participant_ids: Collection[str], unit: UnitOfWork | None = None) -> set[str]:
        """The erased among these, read in the transaction if there is one."""
        # The index in the hint contains only erased people, so this costs almost nothing.
        condition = {"erased": True, "_id": {"$in": list(participant_ids)}}
        with mongo.outages_named():
            answer = self._participants.find(condition, {"_id": 1}, session=unit and unit.session)
            found = await answer.hint(ERASED).to_list(None)
        return {document["_id"] for document in found}

    async def has_quiz(self, quiz_id: str) -> bool:
        """True if this quiz was published."""
        with mongo.outages_named():
            return await self._quizzes.find_one({"_id": quiz_id}) is not None

    async def has_participant(self, participant_id: str) -> bool:
        """True if this person or group has joined."""
        with mongo.outages_named():
            return await self._participants.find_one({"_id": participant_id}, {"_id": 1}) is not None

    async def participants_among(self, participant_ids: Collection[str]) -> set[str]:
        """Those of these people and groups who have joined, the erased among them too."""
        with mongo.outages_named():
            these = {"_id": {"$in": list(participant_ids)}}
            found = await self._participants.find(these, {"_id": 1}).to_list(None)
        return {document["_id"] for document in found}

    async def unknown(self, participant_ids: Collection[str]) -> set[str]:
        """Those of these who have not joined."""
        return set(participant_ids) - await self.participants_among(participant_ids)

    async def lock_recipients(self, unit: UnitOfWork, recipient_ids: Collection[str]) -> set[str]:
        """
        Lock these as `lock_recipient` does; unknown ones are known from now on.

        Returns: the erased among these.
        """
        locked = {"$inc": {"conferred": 1}}
        updates = [UpdateOne({"_id": one}, locked, upsert=True) for one in sorted(recipient_ids)]
        await self._participants.bulk_write(updates, session=unit.session)
        these = {"_id": {"$in": list(recipient_ids)}, "erased": True}
        found = await self._participants.find(these, {"_id": 1}, session=unit.session).to_list(None)
        return {one["_id"] for one in found}

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


def _profile(event: ParticipantJoined) -> UpdateOne:
    is_newer: Document = {"$or": [{"version": {"$exists": False}}, {"version": {"$lt": event.version}}]}
    fields: Document = {name: getattr(event, name) for name in _PROFILE}
    if event.kind == "group":
        fields["group"] = True
    which = {"_id": event.participant_id, "erased": {"$exists": False}} | is_newer
    return UpdateOne(which, {"$set": fields})
