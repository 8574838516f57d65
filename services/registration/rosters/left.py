"""
The collection `members_left`: members who have left their group, as it had entered them.

It remembers that the group must not enter them again, and shows the group who has left. What the group has
said of them is encrypted, as in `members`. A member is in one of both collections. `unreleased` marks those
whose names still stand in bookings of the group.
"""

from collections.abc import Collection, Sequence

from services.registration.rosters.rules import Member
from shared.storage import mongo
from shared.storage.documents import from_document, lock_one, to_document
from shared.storage.mongo import ASCENDING, Database, Document, IndexModel, UpdateOne, outages_named
from shared.storage.unit_of_work import UnitOfWork

UNRELEASED = "unreleased"


class LeftMembers:
    """
    Reads and writes members who have left.

    Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._left = database["members_left"]

    async def prepare(self) -> None:
        """Create the collection and its indexes now: creating one in a transaction causes conflicts."""
        with outages_named():
            await self._left.create_indexes(
                [
                    IndexModel([("group_id", ASCENDING), ("identity_hash", ASCENDING)]),
                    IndexModel([("group_id", ASCENDING), ("_id", ASCENDING)]),
                    IndexModel([("participant_id", ASCENDING)]),
                    IndexModel(
                        [("_id", ASCENDING), (UNRELEASED, ASCENDING)],
                        name=UNRELEASED,
                        partialFilterExpression={UNRELEASED: True},
                    ),
                ]
            )

    async def add(self, unit: UnitOfWork, members: Sequence[Member]) -> None:
        documents = [to_document(one, "member_id") | {UNRELEASED: True} for one in members]
        await mongo.insert_in(self._left, documents, unit.session)

    async def save(self, unit: UnitOfWork, members: Sequence[Member]) -> None:
        if members:
            await self._left.bulk_write(
                [
                    UpdateOne({"_id": one.member_id}, {"$set": to_document(one, "member_id")})
                    for one in members
                ],
                session=unit.session,
            )

    async def remove(self, unit: UnitOfWork, member_id: str) -> None:
        await self._left.delete_one({"_id": member_id}, session=unit.session)

    async def page(self, group_id: str, after: str | None, limit: int) -> list[Member]:
        """Those of a group after this id, in the order of their ids."""
        these: Document = {"group_id": group_id}
        if after is not None:
            these["_id"] = {"$gt": after}
        with outages_named():
            found = self._left.find(these).sort("_id", ASCENDING).limit(limit)
            return [_member(document) for document in await found.to_list(None)]

    async def read(self, group_id: str, member_id: str) -> Member | None:
        """One of a group, outside of a transaction."""
        with outages_named():
            found = await self._left.find_one({"_id": member_id, "group_id": group_id})
        return _member(found) if found else None

    async def by_id(self, unit: UnitOfWork, group_id: str, member_ids: Collection[str]) -> dict[str, Member]:
        """Those of this group among these ids."""
        if not member_ids:
            return {}
        these: Document = {"_id": {"$in": list(member_ids)}, "group_id": group_id}
        found = await self._left.find(these, session=unit.session).to_list(None)
        return {document["_id"]: _member(document) for document in found}

    async def among(
        self,
        unit: UnitOfWork,
        group_id: str,
        identities: Collection[str],
        participant_ids: Collection[str],
    ) -> list[Member]:
        """Those of this group with one of these identities, or who are one of these participants."""
        by_identity: Document = {"group_id": group_id, "identity_hash": {"$in": list(identities)}}
        by_participant: Document = {"participant_id": {"$in": list(participant_ids)}, "group_id": group_id}
        found = []
        for these, wanted in ((by_identity, identities), (by_participant, participant_ids)):
            if wanted:
                found += await self._left.find(these, session=unit.session).to_list(None)
        return [_member(document) for document in found]

    async def of_participants(self, unit: UnitOfWork, participant_ids: Collection[str]) -> list[Member]:
        """The groups that these participants have left, and as whom."""
        these: Document = {"participant_id": {"$in": list(participant_ids)}}
        found = await self._left.find(these, session=unit.session).to_list(None)
        return [_member(document) for document in found]

    async def ids_of_participant(self, participant_id: str, limit: int) -> list[str]:
        with outages_named():
            found = self._left.find({"participant_id": participant_id}, {"_id": 1}).limit(limit)
            return [document["_id"] for document in await found.to_list(None)]

    async def forget(self, member_ids: Collection[str]) -> None:
        """Delete those whose participant is erased."""
        with outages_named():
            await self._left.delete_many({"_id": {"$in": list(member_ids)}})

    async def pending(self, after: str, limit: int) -> list[str]:
        """The ids after this one of those whose names still stand in bookings, in order."""
        these: Document = {UNRELEASED: True, "_id": {"$gt": after}}
        with outages_named():
            found = self._left.find(these, {"_id": 1}).hint(UNRELEASED).sort("_id", ASCENDING).limit(limit)
            return [document["_id"] for document in await found.to_list(None)]

    async def unreleased(self, member_id: str) -> Member | None:
        """One whose name still stands in bookings, outside of a transaction."""
        with outages_named():
            found = await self._left.find_one({"_id": member_id, UNRELEASED: True})
        return _member(found) if found else None

    async def lock(self, unit: UnitOfWork, member_id: str) -> Member | None:
        """Nobody comes back, or goes into somebody else, meanwhile. None: came back before."""
        found = await lock_one(self._left, member_id, unit.session)
        return _member(found) if found else None

    async def released(self, member: Member) -> None:
        """The name stands in no booking any more, unless the member came back and left again meanwhile."""
        these: Document = {"_id": member.member_id, "version": member.version}
        with outages_named():
            await self._left.update_one(these, {"$unset": {UNRELEASED: True}})


def _member(document: Document) -> Member:
    return from_document(Member, {k: v for k, v in document.items() if k != UNRELEASED}, "member_id")
