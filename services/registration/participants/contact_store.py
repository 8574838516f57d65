"""
The collection `contacts`: the participant who has each contact, and the round of its codes.

`_id` is the keyed hash of an e-mail address or phone number (codes.py). When a contact is free again, only
two things are kept for `FREED_KEPT`: its round, and the time when somebody who had proved the contact left
(`left_at`).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from services.registration.participants.rules import KnownContact, Participant, ParticipantId
from shared.runtime import clock
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, UpdateOne, outages_named
from shared.storage.unit_of_work import UnitOfWork

# A code is good for less than two days. Until then no code of an earlier round may become one of a new round.
FREED_KEPT = timedelta(days=3)
_FREED: Document = {"participant_id": {"$exists": False}}


class ContactStore:
    """
    Reads and writes contacts.

    A newcomer's contact must be new. If two transactions insert the same one, the second one runs again and
    then reads it.
    """

    def __init__(self, database: Database) -> None:
        self._contacts = database["contacts"]

    async def prepare(self) -> None:
        """Create the indexes of contacts that nobody has verified yet, and of those that are free again."""
        freed = {"partialFilterExpression": {"freed_at": {"$exists": True}}}
        await mongo.delete_after(self._contacts, "freed_at", FREED_KEPT, **freed)
        with outages_named():
            await self._contacts.create_index([("unverified_since", ASCENDING)], sparse=True)

    async def known(self, unit: UnitOfWork, hashes: Collection[str]) -> dict[str, KnownContact]:
        """The participants who have these contacts. A free contact is left out. Nothing is locked."""
        return (await self.look_up(unit, hashes))[0]

    async def look_up(
        self, unit: UnitOfWork, hashes: Collection[str]
    ) -> tuple[dict[str, KnownContact], dict[str, int]]:
        """
        The participants who have these contacts, and the rounds of contacts that are free again. Nothing is
        locked.

        A contact that is in neither result is new, or was free for so long that its next round is 1 again.
        """
        if not hashes:
            return {}, {}
        found = self._contacts.find({"_id": {"$in": list(hashes)}}, session=unit.session)
        known: dict[str, KnownContact] = {}
        freed: dict[str, int] = {}
        for one in await found.to_list(None):
            if (id_ := one.get("participant_id")) is None:
                freed[one["_id"]] = one["round"]
            else:
                known[one["_id"]] = KnownContact(ParticipantId(id_), one["round"], one.get("proved", False))
        return known, freed

    async def add(
        self,
        unit: UnitOfWork,
        participants: Sequence[Participant],
        unverified_since: datetime | None,
        freed: Mapping[str, int] | None = None,
    ) -> None:
        """
        Store the contacts of these participants. Call `look_up` before.

        Args:
            unverified_since: the time for contacts that nobody has verified; None: somebody needs them also
                without that.
            freed: the rounds of contacts that are free again; None: they are read here.
        """
        with_contact = [(one, one.contact_hash) for one in participants if one.contact_hash is not None]
        if freed is None:
            _, freed = await self.look_up(unit, [hash_ for _, hash_ in with_contact])
        documents: list[Document] = []
        for one, hash_ in with_contact:
            document = {
                "_id": hash_,
                "participant_id": one.participant_id,
                "round": freed.get(hash_, 1),
            }
            if unverified_since is not None and not one.is_verified:
                document["unverified_since"] = unverified_since
            documents.append(document)
        if again := [one["_id"] for one in documents if one["_id"] in freed]:
            these: Document = {"_id": {"$in": again}, **_FREED}
            left = await self._contacts.find(these, {"left_at": 1}, session=unit.session).to_list(None)
            left_at = {one["_id"]: one["left_at"] for one in left if "left_at" in one}
            for document in documents:
                if document["_id"] in left_at:
                    document["left_at"] = left_at[document["_id"]]
            await self._contacts.delete_many(these, session=unit.session)
        await mongo.insert_unless_taken(self._contacts, documents, unit.session)

    async def never_expire(self, unit: UnitOfWork, hashes: Collection[str]) -> None:
        """Somebody needs the participants with these contacts, also if nobody ever verifies them."""
        if hashes:
            these: Document = {"_id": {"$in": list(hashes)}}
            await self._contacts.update_many(
                these, {"$unset": {"unverified_since": ""}}, session=unit.session
            )

    async def put(self, unit: UnitOfWork, hash_: str, contact: KnownContact) -> None:
        """Keep a contact that was verified by its code."""
        change = {
            "$set": {
                "participant_id": contact.participant_id,
                "round": contact.round,
                "proved": contact.proved,
            },
            "$unset": {"unverified_since": "", "freed_at": ""},
        }
        await self._contacts.bulk_write(
            [UpdateOne({"_id": hash_}, change, upsert=True)], session=unit.session
        )

    async def left_at(self, unit: UnitOfWork, hash_: str) -> datetime | None:
        """When somebody who had proved this contact left, within the last days."""
        found = await self._contacts.find_one({"_id": hash_}, {"left_at": 1}, session=unit.session)
        return found.get("left_at") if found else None

    async def unverified(self, after: str, limit: int, before: datetime) -> list[str]:
        """The hashes after this one of contacts that were not verified since then, at most `limit`."""
        these: Document = {"unverified_since": {"$lte": before}, "_id": {"$gt": after}}
        with outages_named():
            found = self._contacts.find(these, {"_id": 1}).sort("_id", ASCENDING).limit(limit)
            return [document["_id"] for document in await found.to_list(None)]

    async def look_later(self, unit: UnitOfWork, hash_: str, since: datetime) -> None:
        """The contact is needed although nobody has verified it: count its time anew."""
        change = {"$set": {"unverified_since": since}}
        await self._contacts.update_one({"_id": hash_}, change, session=unit.session)

    async def keep_round(self, unit: UnitOfWork, hash_: str, now: datetime) -> None:
        """A code of this free contact is under way: its round stays for as long as the code is good."""
        await self._contacts.update_one(
            {"_id": hash_, **_FREED}, {"$set": {"freed_at": now}}, session=unit.session
        )

    async def remove(self, unit: UnitOfWork, *hashes: str) -> None:
        """
        These contacts are free again.

        The round stays for a while, so that a code that was used is not good again for whoever comes next
        with the contact. The codes of somebody who has proved the contact end. A code that nobody has used
        stays good: notifications mails no other one so soon, and only whoever reads the mailbox has it.
        """
        if not hashes:
            return
        these: Document = {"_id": {"$in": list(hashes)}}
        gone = await self._contacts.delete_many({**these, "round": 1}, session=unit.session)
        if gone.deleted_count < len(hashes):
            now, is_proved = clock.now(), {"$ifNull": ["$proved", False]}
            freed = {
                "_id": "$_id",
                "round": {"$add": ["$round", {"$cond": [is_proved, 1, 0]}]},
                "freed_at": now,
                "left_at": {"$cond": [is_proved, now, {"$ifNull": ["$left_at", "$$REMOVE"]}]},
            }
            theirs: Document = {**these, "participant_id": {"$exists": True}}
            await self._contacts.update_many(theirs, [{"$replaceWith": freed}], session=unit.session)
