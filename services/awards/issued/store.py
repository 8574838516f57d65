"""
Awards in MongoDB; they are stored for ever.

The id of an award is computed from its scheme and its recipient (`codes.award_id`). All ids of a scheme are
near each other, and a recipient has at most one award of each scheme. So no other index is needed to find a
scheme's or a recipient's awards.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from services.awards.issued.codes import award_id
from services.awards.issued.rules import Award, Unearned
from shared.runtime.owned_ids import ids_in
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, UpdateOne
from shared.storage.unit_of_work import UnitOfWork

ANSWER_DOCUMENTS_MAX = 1_000
UNEARNED = "unearned"


class UnearnedAward(NamedTuple):
    """An award that is held and not earned: `code` says why, or `tier` is the one that is earned now."""

    award: Award
    code: Unearned | None
    tier: str | None


class AwardStore:
    """
    Awards by their ids.

    Attributes:
        database: for the units of work that change awards.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._awards = database["awards"]

    async def prepare(self) -> None:
        """Create the index and the collection now: creating it in a transaction causes conflicts."""
        with mongo.outages_named():
            await self._awards.create_index([("award_code", ASCENDING)], unique=True)
            # Hardly any award is in it.
            await self._awards.create_index(
                [("scheme_id", ASCENDING), ("_id", ASCENDING)],
                name=UNEARNED,
                partialFilterExpression={UNEARNED: {"$exists": True}},
            )

    async def find(self, award_ids: Collection[str], unit: UnitOfWork | None = None) -> dict[str, Award]:
        """The awards that exist among these, by id, read in the transaction if there is one."""
        if not award_ids:
            return {}
        with mongo.outages_named():
            answer = self._awards.find({"_id": {"$in": list(award_ids)}}, session=unit and unit.session)
            found = await answer.batch_size(ANSWER_DOCUMENTS_MAX).to_list(None)
        return {document["_id"]: _award(document) for document in found}

    async def codes_taken(self, codes: Iterable[str]) -> set[str]:
        """The codes among these that awards already have."""
        condition = {"award_code": {"$in": list(codes)}}
        with mongo.outages_named():
            found = await self._awards.find(condition, {"award_code": 1}).to_list(None)
        return {document["award_code"] for document in found}

    async def add_new(self, awards: Sequence[Award]) -> list[Award]:
        """Insert awards whose id and code are new; returns those. The others do not change."""
        there = await mongo.insert_new(self._awards, [_document(award) for award in awards])
        return [award for place, award in enumerate(awards) if place not in there]

    async def add(self, unit: UnitOfWork, awards: Sequence[Award]) -> None:
        """Insert awards that are known to be new."""
        await self._awards.insert_many([_document(award) for award in awards], session=unit.session)

    async def change(self, unit: UnitOfWork, awards: Sequence[Award]) -> None:
        """Write what a revocation or the rule has changed, in awards that were read in this transaction."""
        if awards:
            updates = [UpdateOne({"_id": award.award_id}, _change(award)) for award in awards]
            await self._awards.bulk_write(updates, session=unit.session)

    async def note_unearned(
        self, unit: UnitOfWork, noted: Mapping[str, tuple[Unearned | None, str | None]]
    ) -> None:
        """
        Note on held awards, for organisers, that the results of now do not earn them.

        Args:
            noted: by award id, why not and None; or None and the tier of now. Both None: it is earned.
        """
        updates = []
        for id_, (code, tier) in noted.items():
            note = {"code": code} if code else {"tier": tier}
            change: Document = {"$set": {UNEARNED: note}} if code or tier else {"$unset": {UNEARNED: 1}}
            updates.append(UpdateOne({"_id": id_}, change))
        if updates:
            await self._awards.bulk_write(updates, session=unit.session)

    async def unearned(self, scheme_id: str, after: str, limit: int) -> list[UnearnedAward]:
        """A scheme's held awards that the results of now do not earn, by award id."""
        condition = {"scheme_id": scheme_id, "_id": {"$gt": after}, UNEARNED: {"$exists": True}}
        with mongo.outages_named():
            found = self._awards.find(condition).sort("_id", ASCENDING)
            documents = await found.hint(UNEARNED).limit(limit).to_list(None)
        return [
            UnearnedAward(_award(one), one[UNEARNED].get("code"), one[UNEARNED].get("tier"))
            for one in documents
        ]

    async def remove_words(self, recipient_ids: Iterable[str], scheme_ids: Sequence[str]) -> None:
        """
        Remove what organisers wrote on the awards of these recipients by these schemes.

        Each award is written, also one without words. So a revocation at the same moment conflicts, runs
        again and then sees the erasure; or it comes first, and its reason is removed here.
        """
        change = {"$unset": {"note": 1, "reason": 1}, "$set": {"words_removed": True}}
        with mongo.outages_named():
            for recipient_id in recipient_ids:
                ids = [award_id(scheme_id, recipient_id) for scheme_id in scheme_ids]
                await self._awards.update_many({"_id": {"$in": ids}}, change)

    async def recipients_among(self, participant_ids: Collection[str], scheme_ids: Iterable[str]) -> set[str]:
        """Those of these participants who have an award by one of these schemes."""
        ids = [award_id(scheme_id, one) for scheme_id in scheme_ids for one in participant_ids]
        with mongo.outages_named():
            found = self._awards.find({"_id": {"$in": ids}}, {"recipient_id": 1})
            return {document["recipient_id"] async for document in found}

    async def holders_among(self, recipient_ids: Iterable[str], scheme_id: str) -> set[str]:
        """Those of these who hold an award by this scheme; not those from whom it was taken back."""
        ids = [award_id(scheme_id, one) for one in recipient_ids]
        held: Document = {"_id": {"$in": ids}, "revoked_at": {"$exists": False}}
        with mongo.outages_named():
            found = await self._awards.find(held, {"recipient_id": 1}).to_list(None)
        return {document["recipient_id"] for document in found}

    async def by_code(self, code: str) -> Award | None:
        """The award with this code."""
        with mongo.outages_named():
            document = await self._awards.find_one({"award_code": code})
        return _award(document) if document else None

    async def code_after(self, award: Award) -> str | None:
        """The code of the award that takes the place of this one. Most awards cost no query."""
        if (id_ := award.superseded_by) is None:
            return None
        found = (await self.find([id_])).get(id_)
        return found.award_code if found else None

    async def by_codes(self, codes: Collection[str], unit: UnitOfWork) -> dict[str, Award]:
        """The awards that exist among these, by code, read in the transaction."""
        found = self._awards.find({"award_code": {"$in": list(codes)}}, session=unit.session)
        return {one["award_code"]: _award(one) for one in await found.to_list(None)}

    async def held(self, scheme_id: str, tiers: Collection[str] | None, limit: int) -> list[Award]:
        """A scheme's awards that are held, by award id; only those of these tiers, if there are any."""
        condition = _held(scheme_id)
        if tiers is not None:
            condition["tier"] = {"$in": list(tiers)}
        with mongo.outages_named():
            found = self._awards.find(condition).sort("_id", ASCENDING).limit(limit)
            return [_award(document) for document in await found.to_list(None)]

    async def left_places(self, scheme_id: str) -> set[str]:
        """The recipients whose awards by this scheme an organiser has revoked, so that others move up."""
        first, end = ids_in(scheme_id)
        these: Document = {"_id": {"$gt": first, "$lt": end}, "scheme_id": scheme_id}
        these |= {"revoked_at": {"$ne": None}, "code": None, "place_free": None}
        with mongo.outages_named():
            found = await self._awards.find(these, {"recipient_id": 1}).to_list(None)
        return {document["recipient_id"] for document in found}

    async def of_recipient(
        self, recipient_id: str, scheme_ids: Iterable[str], after: tuple[datetime, str] | None, limit: int
    ) -> list[Award]:
        """
        A recipient's awards by these schemes, the latest first, from the one after the time and id given.

        Their ids are computed, not searched for. There are at most as many as schemes, so they are sorted
        here.
        """
        found = await self.find([award_id(scheme_id, recipient_id) for scheme_id in scheme_ids])
        latest = sorted(found.values(), key=_when, reverse=True)
        return [award for award in latest if after is None or _when(award) < after][:limit]

    async def of_scheme(self, scheme_id: str, after: str, limit: int) -> list[Award]:
        """A scheme's awards by award id, from the one after `after`."""
        first, end = ids_in(scheme_id)
        condition = {"_id": {"$gt": max(first, after), "$lt": end}, "scheme_id": scheme_id}
        with mongo.outages_named():
            found = self._awards.find(condition).sort("_id", ASCENDING)
            return [_award(document) for document in await found.limit(limit).to_list(None)]

    async def count_held(self, scheme_id: str) -> int:
        """How many of a scheme's awards are held."""
        with mongo.outages_named():
            return await self._awards.count_documents(_held(scheme_id))


def _held(scheme_id: str) -> Document:
    first, end = ids_in(scheme_id)
    return {"_id": {"$gt": first, "$lt": end}, "scheme_id": scheme_id, "revoked_at": None}


def _when(award: Award) -> tuple[datetime, str]:
    return award.issued_at, award.award_id


def _document(award: Award) -> Document:
    document: Document = {
        "_id": award.award_id,
        "award_code": award.award_code,
        "scheme_id": award.scheme_id,
        "scheme_title": award.scheme_title,
        "kind": award.kind,
        "recipient_id": award.recipient_id,
        "cause": award.cause,
        "issued_at": award.issued_at,
        "relayed": award.relayed,
        "version": award.version,
    }
    # Left out if there is none. Nobody inserts a revoked award.
    if award.tier is not None:
        document["tier"] = award.tier
    if award.note is not None:
        document["note"] = award.note
    if award.shared:
        document["shared"] = True
    if award.replaces is not None:
        document["replaces"] = award.replaces
    return document


def _change(award: Award) -> Document:
    """Everything that can change after the award was issued. What is None is not stored."""
    fields: Document = {
        "tier": award.tier,
        "tier_before": award.tier_before,
        "revoked_at": award.revoked_at,
        "reason": award.reason,
        "code": award.code,
        "place_free": award.place_free or None,
        "shared": award.shared or None,
        "superseded_by": award.superseded_by,
    }
    now: Document = {name: value for name, value in fields.items() if value is not None}
    now |= {"cause": award.cause, "issued_at": award.issued_at, "version": award.version, "relayed": True}
    gone = {name: 1 for name, value in fields.items() if value is None}
    return {"$set": now, "$unset": gone | {UNEARNED: 1}}


def _award(document: Document) -> Award:
    fields = dict(document)
    fields.pop("words_removed", None)
    # Of the room above this one: credentials/store.py
    fields.pop("credentials", None)
    noted = fields.pop(UNEARNED, None) is not None
    return Award(award_id=fields.pop("_id"), tier=fields.pop("tier", None), noted=noted, **fields)
