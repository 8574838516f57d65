"""
What is known of participants, in MongoDB.

contacts      A participant's language and sealed contact, whether it is verified, and the version of the
              profile they come from. Stored as long as the participant exists. After an erasure only the id,
              the version and the time stay, until no older event about the participant can come: so a late
              event sends nothing.
contact_keys  The key that opens a participant's contact and tickets, still sealed. After a key is
              destroyed only the id stays, for the same time.
preferences   What participants have chosen, as long as they exist, and when the token was issued by which
              they chose. Who joins with somebody else's address may choose before its owner verifies it. So
              a choice by a token from before the verification (`proved_from` in `contacts`) is none.

Profiles, keys and erasures come from three topics: in any order, twice, or late. So each write has its own
condition: only a higher version replaces a document. An erasure and a destroyed key are final.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from datetime import datetime

from services.notifications.contacts.rules import (
    Preferences,
    Reach,
    Recipient,
    is_from_before,
    latest_keys,
    latest_profiles,
    reach_of,
)
from shared.contracts.events import ParticipantErased, ParticipantJoined, ParticipantKeyed
from shared.contracts.topics import TOMBSTONES_KEPT
from shared.runtime.errors import NotAuthenticated, Unavailable
from shared.runtime.versions import Matching, always, check_version
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, DuplicateKeyError, UpdateOne

ERASED_INDEX = "erased"
ANSWER_DOCUMENTS_MAX = 1_000
# Others choose for the same participant at the same moment so often.
CHOICES_MAX = 5

_IS_ERASED: Document = {"$ne": [{"$type": "$erased_at"}, "missing"]}
_IS_DESTROYED: Document = {"$ne": [{"$type": "$destroyed_at"}, "missing"]}


class ContactStore:
    """
    Contacts, the keys to them, and preferences.

    Args:
        sends_sms: whether SMS can be sent. Otherwise a phone number is no address.
    """

    def __init__(self, database: Database, *, sends_sms: bool = False) -> None:
        self.sends_sms = sends_sms
        self._contacts = database["contacts"]
        self._keys = database["contact_keys"]
        self._preferences = database["preferences"]

    async def prepare(self) -> None:
        """Create the indexes."""
        with mongo.outages_named():
            await self._contacts.create_index(
                [("_id", ASCENDING), ("erased_at", ASCENDING)],
                name=ERASED_INDEX,
                partialFilterExpression={"erased_at": {"$exists": True}},
            )
            await mongo.delete_after(self._contacts, "erased_at", TOMBSTONES_KEPT, sparse=True)
            await mongo.delete_after(self._keys, "destroyed_at", TOMBSTONES_KEPT, sparse=True)

    async def keep_contacts(self, joined: Sequence[ParticipantJoined]) -> None:
        """Keep the latest profiles. A profile older than the stored one changes nothing."""
        writes = [
            UpdateOne(
                {"_id": event.participant_id},
                _newer(_contact(event), unless=_IS_ERASED, computed=_proved_from(event)),
                upsert=True,
            )
            for event in latest_profiles(joined)
        ]
        if writes:
            with mongo.outages_named():
                await self._contacts.bulk_write(writes, ordered=False)

    async def keep_keys(self, keyed: Sequence[ParticipantKeyed], now: datetime) -> None:
        """Keep the latest keys, and destroy keys if an event says so. A destroyed key never comes back."""
        writes = [
            _destroying(event.participant_id, now)
            if event.key_sealed is None
            else UpdateOne(
                {"_id": event.participant_id}, _newer(_key(event), unless=_IS_DESTROYED), upsert=True
            )
            for event in latest_keys(keyed)
        ]
        if writes:
            with mongo.outages_named():
                await self._keys.bulk_write(writes, ordered=False)

    async def erase(self, erased: Sequence[ParticipantErased], now: datetime) -> None:
        """Delete contacts, keys and preferences. The mark of the erasure is written first."""
        if not erased:
            return
        of = {event.participant_id: event for event in erased}
        with mongo.outages_named():
            await self._contacts.bulk_write([_erasing(event, now) for event in of.values()], ordered=False)
            await self._keys.bulk_write([_destroying(id_, now) for id_ in of], ordered=False)
            await self._preferences.delete_many({"_id": {"$in": list(of)}})

    async def recipients(self, participant_ids: Collection[str]) -> dict[str, Recipient]:
        """The data of these participants, by id. Unknown participants are left out."""
        return {document["_id"]: _recipient(document) for document in await self._known(participant_ids)}

    async def reach(self, participant_ids: Collection[str]) -> dict[str, Reach]:
        """How a mail can reach these participants, by id. Unknown participants are left out."""
        fields = {"erased_at": 1, "contact_sealed": 1, "verified": 1, "by_phone": 1}
        found = await self._known(participant_ids, fields)
        with_contact = [document["_id"] for document in found if self._has_contact(document)]
        keyed = {document["_id"] for document in await self._keyed(with_contact, {"_id": 1})}
        return {
            document["_id"]: Reach(
                reach_of(
                    erased="erased_at" in document,
                    has_contact=self._has_contact(document),
                    has_key=document["_id"] in keyed,
                    # Whom an earlier release stored was not asked to verify the contact.
                    verified=document.get("verified", True),
                ),
                by_phone=self.sends_sms and document.get("by_phone", False),
            )
            for document in found
        }

    def _has_contact(self, document: Document) -> bool:
        return document.get("contact_sealed") is not None and (
            self.sends_sms or not document.get("by_phone", False)
        )

    async def keys(self, participant_ids: Collection[str]) -> dict[str, str]:
        """The sealed keys of these participants, by id. Destroyed and unknown keys are left out."""
        return {one["_id"]: one["key_sealed"] for one in await self._keyed(participant_ids)}

    async def erased(self, participant_ids: Collection[str]) -> set[str]:
        """Those of these participants who were erased."""
        condition = {"_id": {"$in": list(participant_ids)}, "erased_at": {"$exists": True}}
        with mongo.outages_named():
            # The index contains only erased participants, so the query is cheap while they are few.
            found = await self._contacts.find(condition, {"_id": 1}).hint(ERASED_INDEX).to_list(None)
        return {document["_id"] for document in found}

    async def preferences(self, participant_ids: Collection[str]) -> dict[str, Preferences]:
        """What these participants have chosen, by id. Those who chose nothing are left out."""
        if not participant_ids:
            return {}
        with mongo.outages_named():
            found = await self._preferences.find({"_id": {"$in": list(participant_ids)}}).to_list(None)
        return await self._in_force(found)

    async def _in_force(self, found: Collection[Document]) -> dict[str, Preferences]:
        """Those of these choices that were made by their owners, by id."""
        known = await self._known([one["_id"] for one in found], {"proved_from": 1})
        proved_from = {one["_id"]: one.get("proved_from") for one in known}
        return {
            one["_id"]: _preferences(one)
            for one in found
            if not is_from_before(one.get("issued_at", 0), proved_from.get(one["_id"]))
        }

    async def choose(
        self,
        participant_id: str,
        preferences: Preferences,
        *,
        issued_at: int,
        matches: Matching = always,
    ) -> Preferences:
        """
        Keep what a participant has chosen; returns it.

        Args:
            issued_at: of the token by which they choose, in seconds since 1970.

        Raises:
            NotAuthenticated: the participant was erased, perhaps at this very moment.
            Outdated: it is not the version that was read.
        """
        chosen = asdict(preferences) | {"issued_at": issued_at}
        for _ in range(CHOICES_MAX):
            with mongo.outages_named():
                before = await self._preferences.find_one({"_id": participant_id})
            in_force = (await self._in_force([before] if before else [])).get(participant_id, Preferences())
            if not matches(in_force.version):
                await self._check_not_erased(participant_id)
            check_version(matches, in_force.version, "the choice")
            if await self._replace(participant_id, before, chosen):
                # Read after the write: an erasure that ran before the write is seen here.
                await self._check_not_erased(participant_id)
                return preferences
        raise Unavailable("your choice is changed by others all the time; try again")

    async def _replace(self, participant_id: str, before: Document | None, chosen: Document) -> bool:
        """Store a choice; False if somebody else has just stored another one."""
        with mongo.outages_named():
            if before is None:
                try:
                    await self._preferences.insert_one({"_id": participant_id, **chosen})
                except DuplicateKeyError:
                    return False
                return True
            # None also finds what an earlier release has not stored.
            as_read: Document = {"_id": participant_id} | {name: before.get(name) for name in chosen}
            return bool((await self._preferences.update_one(as_read, {"$set": chosen})).matched_count)

    async def _check_not_erased(self, participant_id: str) -> None:
        if await self.erased([participant_id]):
            with mongo.outages_named():
                await self._preferences.delete_one({"_id": participant_id})
            raise NotAuthenticated("this participant was erased", code="participant_erased")

    async def _known(
        self, participant_ids: Collection[str], fields: Document | None = None
    ) -> list[Document]:
        if not participant_ids:
            return []
        with mongo.outages_named():
            found = self._contacts.find({"_id": {"$in": list(participant_ids)}}, fields)
            # One round trip: the driver's first batch has only 100 documents.
            return await found.batch_size(ANSWER_DOCUMENTS_MAX).to_list(None)

    async def _keyed(
        self, participant_ids: Collection[str], fields: Document | None = None
    ) -> list[Document]:
        if not participant_ids:
            return []
        condition = {"_id": {"$in": list(participant_ids)}, "key_sealed": {"$exists": True}}
        with mongo.outages_named():
            return await self._keys.find(condition, fields).batch_size(ANSWER_DOCUMENTS_MAX).to_list(None)


def _newer(document: Document, *, unless: Document, computed: Document | None = None) -> list[Document]:
    """The update that puts `document`, with what is computed, in place of one with a lower version."""
    as_new = {"$gte": [{"$ifNull": ["$version", 0]}, document["version"]]}
    after: Document = {"$literal": document}
    if computed:
        after = {"$mergeObjects": [after, computed]}
    return [{"$replaceWith": {"$cond": [{"$or": [unless, as_new]}, "$$ROOT", after]}}]


def _proved_from(event: ParticipantJoined) -> Document:
    """From when on tokens are good of somebody whose contact is verified now: it stays as it was at first."""
    # Whom an earlier release stored without the field was not asked to verify the contact.
    was_verified = {"$and": [{"$gt": ["$version", 0]}, {"$ifNull": ["$verified", True]}]}
    first = {"$literal": event.tokens_from} if event.verified and event.tokens_from else "$$REMOVE"
    return {"proved_from": {"$cond": [was_verified, "$proved_from", first]}}


def _erasing(event: ParticipantErased, now: datetime) -> UpdateOne:
    # The time of our own clock: an event's time would let its sender say how long the tombstone is kept.
    tombstone = {"_id": event.participant_id, "version": event.version, "erased_at": now}
    return _unless_done(_IS_ERASED, tombstone)


def _destroying(participant_id: str, now: datetime) -> UpdateOne:
    return _unless_done(_IS_DESTROYED, {"_id": participant_id, "destroyed_at": now})


def _unless_done(is_done: Document, tombstone: Document) -> UpdateOne:
    # The first time stays. Otherwise a repeat would keep the id for longer.
    change = [{"$replaceWith": {"$cond": [is_done, "$$ROOT", {"$literal": tombstone}]}}]
    return UpdateOne({"_id": tombstone["_id"]}, change, upsert=True)


def _contact(event: ParticipantJoined) -> Document:
    return {
        "_id": event.participant_id,
        "version": event.version,
        "kind": event.kind,
        "language": event.language,
        "contact_sealed": event.contact_sealed,
        "verified": event.verified,
        "by_phone": event.by_phone,
    }


def _key(event: ParticipantKeyed) -> Document:
    return {"_id": event.participant_id, "version": event.version, "key_sealed": event.key_sealed}


def _recipient(document: Document) -> Recipient:
    if "erased_at" in document:
        return Recipient(document["_id"], erased=True)
    # A document with a missing field must not stop the others that are read with it.
    return Recipient(
        document["_id"],
        document.get("kind", "person"),
        document.get("language", "zh-CN"),
        document.get("contact_sealed"),
    )


def _preferences(document: Document) -> Preferences:
    # An earlier release has stored fewer of them.
    chosen = {field.name: document[field.name] for field in fields(Preferences) if field.name in document}
    return Preferences(**chosen)
