"""
Public notices and proposals in MongoDB; they are stored as long as awards.

notices     One document for each scheme that issues after a notice (`Notice`).
proposals   One document for each award that is or was proposed (`Proposal`). Its id is that of the award, so
            all of a scheme are one range of ids.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from services.awards.proposals.rules import AT_ONCE, Notice, Proposal
from shared.runtime.ids import random_id
from shared.runtime.owned_ids import ids_in
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, DuplicateKeyError, Session, UpdateOne
from shared.storage.unit_of_work import UnitOfWork

ANSWER_DOCUMENTS_MAX = 1_000


class NoticeStore:
    """Notices by their schemes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._notices = database["notices"]

    async def prepare(self) -> None:
        """Create the collection now: creating it in a transaction causes conflicts."""
        with mongo.outages_named():
            # Of the notices with work only.
            await self._notices.create_index(
                [("work", ASCENDING), ("_id", ASCENDING)],
                name="work",
                partialFilterExpression={"work": {"$exists": True}},
            )

    async def get(self, scheme_id: str, unit: UnitOfWork | None = None) -> Notice:
        """The notice of a scheme; an empty one if nothing is stored."""
        with mongo.outages_named():
            found = await self._notices.find_one({"_id": scheme_id}, session=_session(unit))
        return _notice(found) if found else Notice(scheme_id)

    async def mark(self, scheme_ids: Collection[str], *, closed: bool) -> None:
        """
        Note that who is due by these schemes may have changed.

        Args:
            closed: their quiz is closed. Else only those whose quiz is closed already are marked: before the
            close
                nothing is proposed.
        """
        for scheme_id in sorted(scheme_ids):
            change: Document = {"$set": {"mark": random_id(), "work": AT_ONCE}, "$inc": {"turn": 1}}
            if closed:
                change["$set"]["closed"] = True
            which: Document = {"_id": scheme_id} | ({} if closed else {"closed": True})
            with mongo.outages_named():
                try:
                    await self._notices.update_one(which, change, upsert=closed)
                except DuplicateKeyError:
                    # Another process has just made it.
                    await self._notices.update_one(which, change)

    async def change(self, unit: UnitOfWork, before: Notice, after: Notice, work: datetime | None) -> bool:
        """
        Write a notice, unless it has changed since it was read. Nothing else may be written before.

        Args:
            work: when the background work has something to do; None: never, as it is now.
        """
        stored = _document(replace(after, turn=before.turn + 1)) | ({"work": work} if work else {})
        which = {"_id": before.scheme_id, "turn": before.turn}
        if before.turn == 0:
            try:
                await self._notices.insert_one(stored, session=unit.session)
            except DuplicateKeyError:
                return False
            return True
        return bool((await self._notices.replace_one(which, stored, session=unit.session)).matched_count)

    async def pending(self, now: datetime, after: str, limit: int) -> list[str]:
        """The schemes whose notice has work now, by id, from the one after `after`."""
        with mongo.outages_named():
            # As few as schemes.
            found = self._notices.find({"work": {"$lte": now}}, {"_id": 1}).hint("work")
            ids = sorted(one["_id"] for one in await found.to_list(None))
        return [one for one in ids if one > after][:limit]


class ProposalStore:
    """Proposals by their ids."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._proposals = database["proposals"]

    async def prepare(self) -> None:
        """Create the collection now: creating it in a transaction causes conflicts."""
        with mongo.outages_named():
            await mongo.create_missing(self._database, [self._proposals.name])

    async def find(self, ids: Collection[str], unit: UnitOfWork | None = None) -> dict[str, Proposal]:
        """The proposals that exist among these, by id."""
        if not ids:
            return {}
        with mongo.outages_named():
            found = self._proposals.find({"_id": {"$in": list(ids)}}, session=_session(unit))
            documents = await found.batch_size(ANSWER_DOCUMENTS_MAX).to_list(None)
        return {one["_id"]: _proposal(one) for one in documents}

    async def page(self, scheme_id: str, after: str, limit: int, **which: Any) -> list[Proposal]:
        """A scheme's proposals by id, from the one after `after`."""
        first, end = ids_in(scheme_id)
        these = {"_id": {"$gt": max(first, after), "$lt": end}, "scheme_id": scheme_id} | which
        with mongo.outages_named():
            found = self._proposals.find(these).sort("_id", ASCENDING).limit(limit)
            return [_proposal(one) for one in await found.batch_size(limit).to_list(None)]

    async def shown(self, scheme_id: str, version: int, after: str, limit: int) -> list[Proposal]:
        """What the published notice shows: proposals, and those that were withdrawn from it."""
        which: Document = {"since": {"$lte": version}, "$or": [{"code": None}, {"told": {"$gt": 0}}]}
        return await self.page(scheme_id, after, limit, **which)

    async def barred(self, scheme_id: str) -> set[str]:
        """The recipients against whom an objection was upheld."""
        first, end = ids_in(scheme_id)
        these = {"_id": {"$gt": first, "$lt": end}, "scheme_id": scheme_id, "code": "objection"}
        with mongo.outages_named():
            found = await self._proposals.find(these, {"recipient_id": 1}).to_list(None)
        return {one["recipient_id"] for one in found}

    async def put(self, unit: UnitOfWork, proposals: Sequence[Proposal], new: Collection[str]) -> None:
        """Write proposals, changed ones and, by their ids, new ones."""
        if fresh := [_proposal_document(one) for one in proposals if one.proposal_id in new]:
            await self._proposals.insert_many(fresh, session=unit.session)
        changes = [
            UpdateOne({"_id": one.proposal_id}, _changes(one))
            for one in proposals
            if one.proposal_id not in new
        ]
        if changes:
            await self._proposals.bulk_write(changes, session=unit.session, ordered=False)

    async def found_again(self, unit: UnitOfWork, ids: Sequence[str], token: str) -> None:
        """Note that this round has found these, which are as they were."""
        if ids:
            change = {"$set": {"round": token}}
            await self._proposals.update_many({"_id": {"$in": ids}}, change, session=unit.session)

    async def forget(self, ids: Collection[str]) -> None:
        """
        Remove the proposals with these ids, but for those whose awards are issued: those lose their notes.
        """
        these = {"_id": {"$in": list(ids)}}
        with mongo.outages_named():
            await self._proposals.delete_many(these | {"issued": {"$ne": True}})
            await self._proposals.update_many(these, {"$unset": {"note": 1}})


def _session(unit: UnitOfWork | None) -> Session | None:
    return unit.session if unit else None


def _document(notice: Notice) -> Document:
    document = _without_none(msgspec.to_builtins(notice, builtin_types=_KEPT))
    document["_id"] = document.pop("scheme_id")
    return document


def _notice(document: Mapping[str, Any]) -> Notice:
    return msgspec.convert({"scheme_id": document["_id"], **document}, Notice)


def _proposal_document(proposal: Proposal) -> Document:
    document = _without_none(msgspec.structs.asdict(proposal))
    return {"_id": document.pop("proposal_id"), **document}


def _changes(proposal: Proposal) -> Document:
    """All that changes after a proposal was made. What is None is not stored."""
    names = ("cause", "tier", "since", "round", "code", "told", "told_as", "issued", "shared")
    fields = {name: getattr(proposal, name) for name in names}
    change: Document = {"$set": _without_none(fields)}
    if gone := [name for name, value in fields.items() if value is None]:
        change["$unset"] = dict.fromkeys(gone, 1)
    return change


def _proposal(document: Mapping[str, Any]) -> Proposal:
    return msgspec.convert({"proposal_id": document["_id"], "tier": None, **document}, Proposal)


def _without_none(fields: Mapping[str, Any]) -> Document:
    return {name: value for name, value in fields.items() if value is not None}


_KEPT = (datetime,)
