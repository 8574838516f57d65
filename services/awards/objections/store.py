"""
Objections in MongoDB; they are stored as long as awards.

objections  One document for each objection (`Objection`). Its id is computed from the notice, who objects and
            against whom, so all of a notice are one range of ids.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from services.awards.objections.rules import OBJECTIONS_MAX, Objection, Subject
from shared.runtime.owned_ids import beginnings_of
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document
from shared.storage.unit_of_work import UnitOfWork


class ObjectionStore:
    """
    Objections by their ids.

    Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._objections = database["objections"]

    async def prepare(self) -> None:
        """Create the indexes: who objected, and against whom."""
        with mongo.outages_named():
            await self._objections.create_index([("objector_id", ASCENDING)])
            await self._objections.create_index([("recipient_id", ASCENDING)])

    async def find(self, id_: str, unit: UnitOfWork) -> Objection | None:
        """The objection with this id, if there is one."""
        found = await self._objections.find_one({"_id": id_}, session=unit.session)
        return _objection(found) if found else None

    async def of(self, subject: Subject, unit: UnitOfWork) -> list[Objection]:
        """All objections of a notice, without their words."""
        wordless = {"words": 0, "reason_words": 0}
        found = self._objections.find(_of(subject, ""), wordless, session=unit.session)
        return [_objection(one) for one in await found.batch_size(OBJECTIONS_MAX).to_list(None)]

    async def page(self, subject: Subject, after: str, limit: int) -> list[Objection]:
        """The objections of a notice by id, from the one after `after`."""
        with mongo.outages_named():
            found = self._objections.find(_of(subject, after)).sort("_id", ASCENDING).limit(limit)
            return [_objection(one) for one in await found.to_list(None)]

    async def add(self, unit: UnitOfWork, objection: Objection) -> None:
        """Insert a new objection."""
        document = _without_none(msgspec.structs.asdict(objection))
        await self._objections.insert_one(
            {"_id": document.pop("objection_id"), **document}, session=unit.session
        )

    async def decide(self, unit: UnitOfWork, objection: Objection) -> None:
        """Write what was decided."""
        fields = {name: getattr(objection, name) for name in ("outcome", "reason_words", "decided_at")}
        await self._objections.update_one(
            {"_id": objection.objection_id}, {"$set": _without_none(fields)}, session=unit.session
        )

    async def forget(self, participant_ids: Collection[str]) -> None:
        """Remove the words of objections by these people or against them, and that it is they."""
        ids = list(participant_ids)
        with mongo.outages_named():
            for role in ("objector_id", "recipient_id"):
                gone = {role: 1, "words": 1, "reason_words": 1}
                await self._objections.update_many({role: {"$in": ids}}, {"$unset": gone})


def _of(subject: Subject, after: str) -> Document:
    [first, *_] = beginnings_of(subject.owner)
    ids = {"$gt": max(first, after), "$lt": f"{first}g"}
    return {"_id": ids, "scheme_id": subject.scheme_id, "selection_id": subject.selection_id}


def _objection(document: Mapping[str, Any]) -> Objection:
    absent = {"selection_id": None, "recipient_id": None}
    return msgspec.convert({"objection_id": document["_id"], **absent, **document}, Objection)


def _without_none(fields: Mapping[str, Any]) -> Document:
    return {name: value for name, value in fields.items() if value is not None}
