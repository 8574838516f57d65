"""
The collections of this room.

participants  people and groups; contacts only encrypted; of an erased one only the id stays, as long as a
              registration or an older event may name it (erasure/forget.py)
contact_keys  the participants' own keys. Backups do not contain them, so after an erasure no backup can be
              opened
contacts      `_id` is the keyed hash of an e-mail address or phone number: whose it is. So one contact is one
              participant. One that is free again keeps its round for `FREED_KEPT`, and nothing else
award_names   what participants chose about their names on awards (name_store.py)
groups        the data of groups from organisers; groups are participants too
sms_counts    how many codes by SMS were asked for in an hour or day, by keyed hashes of networks (limit.py)
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from services.registration.participants.contact_store import ContactStore
from services.registration.participants.name_store import NAMED, TO_NAME, NameStore
from services.registration.participants.rules import Group, Participant, ParticipantId, Profile
from shared.storage import mongo
from shared.storage.documents import from_document, to_document
from shared.storage.mongo import (
    ASCENDING,
    Database,
    Document,
    ReturnDocument,
    UpdateOne,
    outages_named,
)
from shared.storage.unit_of_work import UnitOfWork

ERASED = "erased"
_ERASED: Document = {"erased_at": {"$type": "date"}}
_PROFILE = Profile.__struct_fields__


class ParticipantStore:
    """
    Reads and writes participants and their keys.

    Attributes:
        contacts: whose each contact is.
        names: what they chose about their names on awards. It goes with the key.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._participants = database["participants"]
        self._keys = database["contact_keys"]
        self.contacts = ContactStore(database)
        self.names = NameStore(database)

    async def prepare(self) -> None:
        """
        Create the collections now: creating one in a transaction causes conflicts.

        The index contains only erased people.
        """
        with outages_named():
            await mongo.create_missing(self._database, ["participants", "contact_keys"])
            await self._participants.create_index(
                [("_id", ASCENDING), ("erased_at", ASCENDING)],
                name=ERASED,
                partialFilterExpression=_ERASED,
            )
        await self.contacts.prepare()
        await self.names.prepare()

    async def lock(self, unit: UnitOfWork, participant_ids: Collection[str]) -> dict[str, Participant]:
        """
        Lock the existing ones of these participants for this transaction, and read them.

        An erasure at the same moment conflicts with the update. It is tried again, and then sees the
        registration that is being made.
        """
        if not participant_ids:
            return {}
        these: Document = {"_id": {"$in": sorted(participant_ids)}}
        await self._participants.update_many(these, {"$inc": {"locks": 1}}, session=unit.session)
        found = await self._participants.find(these, session=unit.session).to_list(None)
        return {document["_id"]: _participant(document) for document in found}

    async def groups_among(self, unit: UnitOfWork, ids: Collection[str]) -> set[str]:
        """The ids among these that belong to groups: put by an organiser, or made by a command."""
        if not ids:
            return set()
        these: Document = {"_id": {"$in": list(ids)}, "kind": "group"}
        found = await self._participants.find(these, session=unit.session).to_list(None)
        return {document["_id"] for document in found}

    async def erased(self, unit: UnitOfWork, participant_ids: Collection[str]) -> set[str]:
        """
        Which of these participants are erased; they are not locked.

        After their erasure they get no more messages, although their registrations are still there.
        """
        if not participant_ids:
            return set()
        these: Document = {"_id": {"$in": list(participant_ids)}, "erased_at": {"$ne": None}}
        found = await self._participants.find(these, {"_id": 1}, session=unit.session).to_list(None)
        return {document["_id"] for document in found}

    async def taken_over(self, unit: UnitOfWork, participant_ids: Collection[str]) -> set[str]:
        """Which of these participants have verified a contact or ended their tokens; they are not locked."""
        if not participant_ids:
            return set()
        these: Document = {
            "_id": {"$in": list(participant_ids)},
            "$or": [{"verified_at": {"$ne": None}}, {"tokens_from": {"$ne": None}}],
        }
        found = await self._participants.find(these, {"_id": 1}, session=unit.session).to_list(None)
        return {document["_id"] for document in found}

    async def add(self, unit: UnitOfWork, participants: Sequence[Participant]) -> None:
        await mongo.insert_in(self._participants, [_document(one) for one in participants], unit.session)

    async def save(self, unit: UnitOfWork, participant: Participant) -> None:
        change: Document = {"$set": _without_id(_document(participant))}
        if participant.profile is None:
            change["$unset"] = {NAMED: "", TO_NAME: ""}
        await self._participants.update_one(
            {"_id": participant.participant_id}, change, upsert=True, session=unit.session
        )

    async def save_all(self, unit: UnitOfWork, participants: Sequence[Participant]) -> None:
        """`save` for many who exist, in one request."""
        if participants:
            await self._participants.bulk_write(
                [
                    UpdateOne({"_id": one.participant_id}, {"$set": _without_id(_document(one))})
                    for one in participants
                ],
                session=unit.session,
            )

    async def keys(self, unit: UnitOfWork, participant_ids: Collection[str]) -> dict[str, bytes]:
        """The keys of these participants; an erased one has none."""
        if not participant_ids:
            return {}
        these: Document = {"_id": {"$in": list(participant_ids)}}
        found = await self._keys.find(these, session=unit.session).to_list(None)
        return {document["_id"]: document["key"] for document in found}

    async def read_keys(self, participant_ids: Collection[str]) -> dict[str, bytes]:
        """The keys of these participants, outside of a transaction."""
        with outages_named():
            found = await self._keys.find({"_id": {"$in": list(participant_ids)}}).to_list(None)
        return {document["_id"]: document["key"] for document in found}

    async def add_keys(self, unit: UnitOfWork, keys: Mapping[str, bytes]) -> None:
        documents = [{"_id": id_, "key": key} for id_, key in keys.items()]
        await mongo.insert_in(self._keys, documents, unit.session)

    async def remove_key(self, unit: UnitOfWork, participant_id: str) -> None:
        """Delete a participant's key, and the choice that it has encrypted."""
        await self._keys.delete_one({"_id": participant_id}, session=unit.session)
        await self.names.remove(unit, participant_id)

    async def remove(self, unit: UnitOfWork, participant_id: str) -> None:
        """Delete a participant and the key. Nothing may lead to them any more."""
        await self._participants.delete_one({"_id": participant_id}, session=unit.session)
        await self.remove_key(unit, participant_id)

    async def erased_before(self, moment: datetime, after: str, limit: int) -> list[str]:
        """Who was erased before this moment: the ids after this one, at most `limit`, in order."""
        these: Document = {"_id": {"$gt": after}, "erased_at": {"$lt": moment, "$type": "date"}}
        with outages_named():
            found = self._participants.find(these, {"_id": 1}).hint(ERASED).sort("_id", ASCENDING)
            return [document["_id"] for document in await found.limit(limit).to_list(None)]

    async def forget(self, participant_ids: Collection[str]) -> None:
        """Delete erased participants, to whom nothing leads any more."""
        with outages_named():
            await self._participants.delete_many({"_id": {"$in": list(participant_ids)}, **_ERASED})

    async def read(self, participant_id: str) -> Participant | None:
        with outages_named():
            found = await self._participants.find_one({"_id": participant_id})
        return _participant(found) if found else None

    async def read_verified(self, participant_ids: Collection[str]) -> set[str]:
        """Which of these participants have a verified contact, outside of a transaction."""
        these: Document = {"_id": {"$in": list(participant_ids)}, "verified_at": {"$ne": None}}
        with outages_named():
            found = await self._participants.find(these, {"_id": 1}).to_list(None)
        return {document["_id"] for document in found}

    async def contact_to_verify(self, participant_id: str) -> str | None:
        """The hash of the contact that this participant has not verified yet; None: there is none."""
        these: Document = {"_id": participant_id, "verified_at": None, "erased_at": None}
        with outages_named():
            found = await self._participants.find_one(these, {"contact_hash": 1})
        return found.get("contact_hash") if found else None

    async def read_key(self, participant_id: str) -> bytes | None:
        """A participant's own key, outside of a transaction; None after an erasure."""
        with outages_named():
            found = await self._keys.find_one({"_id": participant_id})
        return found["key"] if found else None


class GroupStore:
    """Reads and writes groups."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._groups = database["groups"]

    async def prepare(self) -> None:
        """Create the collection now: creating one in a transaction causes conflicts."""
        with outages_named():
            await mongo.create_missing(self._database, ["groups"])

    async def page(self, after: str | None, limit: int) -> list[Group]:
        """The groups after this id, in the order of their ids."""
        beyond: Document = {} if after is None else {"_id": {"$gt": after}}
        with outages_named():
            found = await self._groups.find(beyond).sort("_id", ASCENDING).limit(limit).to_list(None)
        return [_group(document) for document in found]

    async def read(self, group_id: str) -> Group | None:
        with outages_named():
            document = await self._groups.find_one({"_id": group_id})
        return _group(document) if document else None

    async def names(self, group_ids: Collection[str]) -> dict[str, str]:
        """The names of these groups."""
        with outages_named():
            found = await self._groups.find({"_id": {"$in": list(group_ids)}}, {"name": 1}).to_list(None)
        return {document["_id"]: document["name"] for document in found}

    async def read_in(self, unit: UnitOfWork, group_id: str) -> Group | None:
        """The group as this transaction sees it."""
        document = await self._groups.find_one({"_id": group_id}, session=unit.session)
        return _group(document) if document else None

    async def save(self, unit: UnitOfWork, group: Group) -> None:
        await self._groups.update_one(
            {"_id": group.group_id},
            {"$set": to_document(group, "group_id")},
            upsert=True,
            session=unit.session,
        )


class SmsCounts:
    """Counts the codes by SMS that are asked for."""

    def __init__(self, database: Database) -> None:
        self._counts = database["sms_counts"]

    async def prepare(self) -> None:
        """Create the index."""
        await mongo.delete_after(self._counts, "ends_at", timedelta())

    async def count(self, key: str, now: datetime, seconds: int) -> int:
        """Count one more under this key, which is used for so many seconds; how many there are now."""
        begun = {"$inc": {"codes": 1}, "$setOnInsert": {"ends_at": now + timedelta(seconds=seconds)}}
        with outages_named():
            counted = await self._counts.find_one_and_update(
                {"_id": key}, begun, upsert=True, return_document=ReturnDocument.AFTER
            )
        return int(counted["codes"])

    async def give_back(self, keys: Collection[str]) -> None:
        """Count one less under each of these keys."""
        with outages_named():
            await self._counts.update_many({"_id": {"$in": list(keys)}}, {"$inc": {"codes": -1}})


def _document(participant: Participant) -> Document:
    profile = participant.profile
    return {
        "_id": participant.participant_id,
        **{name: getattr(profile, name) if profile else None for name in _PROFILE},
        "version": participant.version,
        "erased_at": participant.erased_at,
        "verified_at": participant.verified_at,
        "contact_hash": participant.contact_hash,
        "tokens_from": participant.tokens_from,
        **({TO_NAME: True} if profile else {}),
        # Left out if there is none, as usual.
        **({"contest_from": participant.contest_from} if participant.contest_from else {}),
        **({"roster_from": participant.roster_from} if participant.roster_from else {}),
    }


def _without_id(document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "_id"}


def _participant(document: Document) -> Participant:
    erased_at = document["erased_at"]
    profile = (
        None if erased_at else Profile(**{name: document[name] for name in _PROFILE if name in document})
    )
    return Participant(
        ParticipantId(document["_id"]),
        profile,
        document["version"],
        erased_at,
        # An earlier release has not stored these.
        document.get("verified_at"),
        document.get("contact_hash"),
        document.get("tokens_from"),
        document.get("contest_from"),
        document.get("roster_from"),
    )


def _group(document: Document) -> Group:
    return from_document(Group, document, "group_id")
