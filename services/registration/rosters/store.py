"""
The collections of this room.

members              the members of groups; what a group says about one only encrypted
members_left         those who have left their group (left.py)
members_notified         who was notified of which group (notified.py)
roster_imports       files that were uploaded: what is wrong with them, and what became of them
roster_import_lines  the good lines of such a file, encrypted with the body's key, until they are imported
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from services.registration.rosters.left import LeftMembers
from services.registration.rosters.notified import NotifiedMembers
from services.registration.rosters.rules import TO_BE_IMPORTED, UNDER_WAY, Import, Member
from shared.storage import mongo
from shared.storage.documents import lock_one, to_document
from shared.storage.mongo import (
    ASCENDING,
    Database,
    Document,
    IndexModel,
    UpdateOne,
    outages_named,
)
from shared.storage.unit_of_work import UnitOfWork

TO_DO = "to_be_imported"
# Of one person, that are shown.
MEMBERSHIPS_MAX = 200


class RosterStore:
    """
    Reads and writes members.

    Raises Unavailable while the database is away.

    Attributes:
        left: those who have left. No other method of this store finds them.
        notified: who was notified of the group.
    """

    def __init__(self, database: Database) -> None:
        self._members = database["members"]
        self.left = LeftMembers(database)
        self.notified = NotifiedMembers(database)

    async def prepare(self) -> None:
        """Create the collection and its indexes now: creating one in a transaction causes conflicts."""
        with outages_named():
            await self._members.create_indexes(
                [
                    IndexModel([("group_id", ASCENDING), ("identity_hash", ASCENDING)], unique=True),
                    IndexModel([("group_id", ASCENDING), ("_id", ASCENDING)]),
                    IndexModel([("participant_id", ASCENDING)]),
                ]
            )
        await self.left.prepare()
        await self.notified.prepare()

    async def fingerprints(
        self, group_id: str, identities: Collection[str], unit: UnitOfWork | None = None
    ) -> dict[str, str]:
        """What a group says of its members among these identities: fingerprints by identities."""
        these: Document = {"group_id": group_id, "identity_hash": {"$in": list(identities)}}
        shown = {"_id": 0, "identity_hash": 1, "details_fingerprint": 1}
        session = unit.session if unit else None
        with outages_named():
            found = await self._members.find(these, shown, session=session).to_list(None)
        return {document["identity_hash"]: document["details_fingerprint"] for document in found}

    async def count(self, group_id: str, unit: UnitOfWork | None = None) -> int:
        these: Document = {"group_id": group_id}
        with outages_named():
            return int(
                await self._members.count_documents(
                    these, session=unit.session if unit else None, hint=[("group_id", 1), ("_id", 1)]
                )
            )

    async def page(self, group_id: str, after: str | None, limit: int) -> list[Member]:
        """A group's members after this id, in the order of their ids."""
        these: Document = {"group_id": group_id}
        if after is not None:
            these["_id"] = {"$gt": after}
        with outages_named():
            found = self._members.find(these).sort("_id", ASCENDING).limit(limit)
            return [_member(document) for document in await found.to_list(None)]

    async def page_with_left(self, group_id: str, after: str | None, limit: int) -> list[Member]:
        """The same, with those who have left."""
        found = await self.page(group_id, after, limit) + await self.left.page(group_id, after, limit)
        return sorted(found, key=lambda one: one.member_id)[:limit]

    async def read_with_left(self, group_id: str, member_id: str) -> Member | None:
        """One of a group, also one who has left, outside of a transaction."""
        with outages_named():
            found = await self._members.find_one({"_id": member_id, "group_id": group_id})
        return _member(found) if found else await self.left.read(group_id, member_id)

    async def by_id(self, unit: UnitOfWork, group_id: str, member_ids: Collection[str]) -> dict[str, Member]:
        """The members of this group among these ids."""
        these: Document = {"_id": {"$in": list(member_ids)}, "group_id": group_id}
        found = await self._members.find(these, session=unit.session).to_list(None)
        return {document["_id"]: _member(document) for document in found}

    async def by_identity(
        self, unit: UnitOfWork, group_id: str, identities: Collection[str]
    ) -> dict[str, Member]:
        if not identities:
            return {}
        these: Document = {"group_id": group_id, "identity_hash": {"$in": list(identities)}}
        found = await self._members.find(these, session=unit.session).to_list(None)
        return {document["identity_hash"]: _member(document) for document in found}

    async def with_participants(
        self, unit: UnitOfWork, participant_ids: Collection[str]
    ) -> list[tuple[str, str]]:
        """The members with these participants, of all groups: group id and participant id of each."""
        if not participant_ids:
            return []
        these: Document = {"participant_id": {"$in": list(participant_ids)}}
        shown = {"group_id": 1, "participant_id": 1}
        found = await self._members.find(these, shown, session=unit.session).to_list(None)
        return [(document["group_id"], document["participant_id"]) for document in found]

    async def shared(self, unit: UnitOfWork, participant_ids: Collection[str]) -> set[str]:
        """Those of these participants whom more than one group has as a member."""
        memberships = await self.with_participants(unit, participant_ids)
        return {id_ for id_, count in Counter(id_ for _, id_ in memberships).items() if count > 1}

    async def of_participants(self, unit: UnitOfWork, participant_ids: Collection[str]) -> list[Member]:
        """As whom groups have these participants."""
        these: Document = {"participant_id": {"$in": list(participant_ids)}}
        found = await self._members.find(these, session=unit.session).to_list(None)
        return [_member(document) for document in found]

    async def own(self, unit: UnitOfWork, participant_id: str, member_id: str) -> Member | None:
        """The member with this id, if it is this participant."""
        these: Document = {"_id": member_id, "participant_id": participant_id}
        document = await self._members.find_one(these, session=unit.session)
        return _member(document) if document else None

    async def read_of_participant(self, participant_id: str) -> list[Member]:
        """As whom groups have this participant, outside of a transaction."""
        with outages_named():
            found = self._members.find({"participant_id": participant_id}).limit(MEMBERSHIPS_MAX)
            return [_member(document) for document in await found.to_list(None)]

    async def ids_of_participant(self, participant_id: str, limit: int) -> list[str]:
        """The ids of some of the members who are this participant."""
        with outages_named():
            found = self._members.find({"participant_id": participant_id}, {"_id": 1}).limit(limit)
            return [document["_id"] for document in await found.to_list(None)]

    async def forget(self, member_ids: Collection[str]) -> None:
        """Delete members whose participant is erased."""
        with outages_named():
            await self._members.delete_many({"_id": {"$in": list(member_ids)}})

    async def is_member(self, participant_id: str) -> bool:
        """Whether any group has this participant as a member."""
        with outages_named():
            return await self._members.find_one({"participant_id": participant_id}, {"_id": 1}) is not None

    async def leave(self, unit: UnitOfWork, members: Sequence[Member], now: datetime) -> None:
        """These members have left. Their bookings are changed afterwards (`LeftMembers.pending`)."""
        these: Document = {"_id": {"$in": [one.member_id for one in members]}}
        await self._members.delete_many(these, session=unit.session)
        await self.left.add(unit, [replace(one, left_at=now, version=one.version + 1) for one in members])

    async def come_back(self, unit: UnitOfWork, member: Member, now: datetime) -> Member:
        """Somebody who had left is a member again, by a code."""
        back = replace(member, left_at=None, claimed_at=now, version=member.version + 1)
        await self.left.remove(unit, member.member_id)
        await self.add(unit, [back])
        return back

    async def add(self, unit: UnitOfWork, members: Sequence[Member]) -> None:
        await mongo.insert_in(
            self._members, [to_document(member, "member_id") for member in members], unit.session
        )

    async def save(self, unit: UnitOfWork, members: Sequence[Member]) -> None:
        if members:
            await self._members.bulk_write(
                [
                    UpdateOne({"_id": one.member_id}, {"$set": to_document(one, "member_id")})
                    for one in members
                ],
                session=unit.session,
            )

    async def remove(self, unit: UnitOfWork, member_id: str) -> None:
        await self._members.delete_one({"_id": member_id}, session=unit.session)


class ImportStore:
    """
    Reads and writes imports.

    Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._imports = database["roster_imports"]
        self._lines = database["roster_import_lines"]

    async def prepare(self) -> None:
        """Create the collections and their indexes now: creating one in a transaction causes conflicts."""
        await mongo.delete_after(self._imports, "expires_at", timedelta(0))
        await mongo.delete_after(self._lines, "expires_at", timedelta(0))
        with outages_named():
            await self._lines.create_index([("import_id", ASCENDING), ("_id", ASCENDING)])
            await self._imports.create_indexes(
                [
                    IndexModel([("group_id", ASCENDING), ("status", ASCENDING)]),
                    IndexModel(
                        [("group_id", ASCENDING), ("_id", ASCENDING)],
                        name=TO_DO,
                        partialFilterExpression={"status": {"$in": TO_BE_IMPORTED}},
                    ),
                ]
            )

    async def count_under_way(self, group_id: str, now: datetime, unit: UnitOfWork | None = None) -> int:
        """How many files of a group are previewed or being imported."""
        these: Document = {
            "group_id": group_id,
            "status": {"$in": UNDER_WAY},
            # The server deletes a preview a little after its end.
            "$or": [{"expires_at": {"$gt": now}}, {"expires_at": None}],
        }
        with outages_named():
            return int(await self._imports.count_documents(these, session=unit.session if unit else None))

    async def add(self, unit: UnitOfWork, preview: Import, lines_locked: Sequence[str]) -> None:
        await mongo.insert_in(self._imports, [_document(preview)], unit.session)
        documents: list[Document] = [
            {
                "_id": f"{preview.import_id}/{number:03}",
                "import_id": preview.import_id,
                "lines_locked": locked,
                "expires_at": preview.expires_at,
            }
            for number, locked in enumerate(lines_locked)
        ]
        await mongo.insert_in(self._lines, documents, unit.session)

    async def read(self, group_id: str, import_id: str) -> Import | None:
        with outages_named():
            document = await self._imports.find_one({"_id": import_id, "group_id": group_id})
        return _import(document) if document else None

    async def lock(self, unit: UnitOfWork, import_id: str) -> Import | None:
        document = await lock_one(self._imports, import_id, unit.session)
        return _import(document) if document else None

    async def save(self, unit: UnitOfWork, changed: Import) -> None:
        document = _document(changed)
        await self._imports.update_one({"_id": document.pop("_id")}, {"$set": document}, session=unit.session)

    async def keep_lines(self, unit: UnitOfWork, import_id: str) -> None:
        """The lines stay until they are imported."""
        await self._lines.update_many(
            {"import_id": import_id}, {"$set": {"expires_at": None}}, session=unit.session
        )

    async def pieces(
        self, unit: UnitOfWork, import_id: str, limit: int | None = None
    ) -> list[tuple[str, str]]:
        """The first pieces that are not imported yet: id and encrypted lines of each; None: all of them."""
        found = self._lines.find({"import_id": import_id}, {"lines_locked": 1}, session=unit.session)
        found = found.sort("_id", ASCENDING).limit(limit or 0)
        return [(document["_id"], document["lines_locked"]) for document in await found.to_list(None)]

    async def remove_piece(self, unit: UnitOfWork, piece_id: str) -> None:
        await self._lines.delete_one({"_id": piece_id}, session=unit.session)

    async def remove_lines(self, unit: UnitOfWork, import_id: str) -> None:
        await self._lines.delete_many({"import_id": import_id}, session=unit.session)

    async def groups(self, after: str, limit: int) -> list[str]:
        """The ids after this one of groups that have something to be imported."""
        these: Document = {"group_id": {"$gt": after}, "status": {"$in": TO_BE_IMPORTED}}
        steps: list[Document] = [{"$match": these}, {"$group": {"_id": "$group_id"}}]
        with outages_named():
            found = await self._imports.aggregate(steps, hint=TO_DO).to_list(None)
        # Few groups import at the same time.
        return sorted(document["_id"] for document in found)[:limit]

    async def next_of(self, group_id: str) -> str | None:
        """The import of a group that was uploaded first, of those to be imported."""
        these: Document = {"group_id": group_id, "status": {"$in": TO_BE_IMPORTED}}
        with outages_named():
            found = self._imports.find(these, {"_id": 1}).sort("_id", ASCENDING).hint(TO_DO).limit(1)
            return next((document["_id"] for document in await found.to_list(None)), None)


def _document(one: Import) -> Document:
    document = to_document(one, "import_id")
    document["faults"] = msgspec.to_builtins(one.faults)
    return document


def _import(document: Document) -> Import:
    fields = dict(document)
    fields["import_id"] = fields.pop("_id")
    fields.pop("locks", None)
    return msgspec.convert(fields, Import)


def _member(document: Document) -> Member:
    fields = dict(document)
    fields["member_id"] = fields.pop("_id")
    return Member(**fields)
