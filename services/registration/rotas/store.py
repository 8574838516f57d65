"""
The collections of this room; ids only.

rotas        `_id` is the session's id: its shifts, and how many people each has
assignments  `_id` is computed from participant, session and shift
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from services.registration.rotas.rules import LIVE, Assignment, Rota, Shift, Status
from shared.storage.documents import behind, from_document, latest_first, to_document
from shared.storage.mongo import (
    ASCENDING,
    Database,
    Document,
    IndexModel,
    UpdateOne,
    outages_named,
)
from shared.storage.unit_of_work import UnitOfWork

LACKING = "lacking"
UNREMINDED = "unreminded"
_LIVE = {"$in": list(LIVE)}
# Stored to be searched for; each is computed from the shifts.
_COMPUTED = ("lacking", "until")


class RotaStore:
    """
    Reads rotas and assignments, and writes them in units of work.

    Each change of an assignment writes its rota too. So whoever has locked a rota knows its assignments.
    Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._rotas = database["rotas"]
        self._assignments = database["assignments"]

    async def prepare(self) -> None:
        """Create the collections and their indexes. Creating them in a transaction would cause conflicts."""
        with outages_named():
            await self._rotas.create_indexes(
                [
                    IndexModel(
                        [("untold", ASCENDING), ("_id", ASCENDING)], partialFilterExpression={"untold": True}
                    ),
                    IndexModel(
                        [("until", ASCENDING), ("_id", ASCENDING)],
                        name=LACKING,
                        partialFilterExpression={"lacking": {"$gt": 0}},
                    ),
                ]
            )
            await self._assignments.create_indexes(
                [
                    IndexModel([("session_id", ASCENDING), ("status", ASCENDING), ("number", ASCENDING)]),
                    IndexModel(
                        [
                            ("session_id", ASCENDING),
                            ("shift_id", ASCENDING),
                            ("status", ASCENDING),
                            ("number", ASCENDING),
                        ]
                    ),
                    IndexModel([("participant_id", ASCENDING), ("asked_at", ASCENDING), ("_id", ASCENDING)]),
                    IndexModel(
                        [("_id", ASCENDING), ("told_starts_at", ASCENDING)],
                        name=UNREMINDED,
                        partialFilterExpression={"status": "assigned", "reminded": False},
                    ),
                ]
            )

    async def lock(self, unit: UnitOfWork, session_ids: Collection[str]) -> dict[str, Rota]:
        """
        Lock the rotas of these sessions for this transaction, and read them.

        Each change of a session that has a rota locks the rota too (follow.py). So a session that is read
        beside its locked rota is as it is now.
        """
        if not session_ids:
            return {}
        these: Document = {"_id": {"$in": sorted(session_ids)}}
        await self._rotas.update_many(these, {"$inc": {"locks": 1}}, session=unit.session)
        return await self.read_all(unit, session_ids)

    async def read_all(self, unit: UnitOfWork, session_ids: Collection[str]) -> dict[str, Rota]:
        """The rotas of these sessions as this transaction sees them, not locked."""
        if not session_ids:
            return {}
        found = self._rotas.find({"_id": {"$in": list(session_ids)}}, session=unit.session)
        return {document["_id"]: _rota(document) for document in await found.to_list(None)}

    async def save(self, unit: UnitOfWork, rotas: Collection[Rota]) -> None:
        if rotas:
            await self._rotas.bulk_write(
                [UpdateOne({"_id": one.session_id}, {"$set": _document(one)}, upsert=True) for one in rotas],
                session=unit.session,
            )

    async def remove(self, unit: UnitOfWork, session_ids: Collection[str]) -> None:
        if session_ids:
            await self._rotas.delete_many({"_id": {"$in": list(session_ids)}}, session=unit.session)

    async def assignment(self, unit: UnitOfWork, id_: str) -> Assignment | None:
        found = await self._assignments.find_one({"_id": id_}, session=unit.session)
        return _assignment(found) if found else None

    async def save_assignments(self, unit: UnitOfWork, assignments: Collection[Assignment]) -> None:
        """Write these, whose rotas this transaction has locked and saves too."""
        if assignments:
            await self._assignments.bulk_write(
                [
                    UpdateOne(
                        {"_id": one.assignment_id}, {"$set": to_document(one, "assignment_id")}, upsert=True
                    )
                    for one in assignments
                ],
                ordered=False,
                session=unit.session,
            )

    async def live_of(self, unit: UnitOfWork, participant_id: str) -> list[Assignment]:
        """Where a participant has volunteered or is on the rota; `OWN_SHIFTS_MAX` at most."""
        theirs: Document = {"participant_id": participant_id, "status": _LIVE}
        found = await self._assignments.find(theirs, session=unit.session).to_list(None)
        return [_assignment(document) for document in found]

    async def live_at(self, unit: UnitOfWork, session_id: str, after: int, limit: int) -> list[Assignment]:
        """People of all shifts of a session, in the order of `number`, after this one."""
        these: Document = {"session_id": session_id, "status": _LIVE, "number": {"$gt": after}}
        found = self._assignments.find(these, session=unit.session).sort("number", ASCENDING)
        return [_assignment(document) for document in await found.limit(limit).to_list(None)]

    async def live_of_shift(self, unit: UnitOfWork, session_id: str, shift_id: str) -> list[Assignment]:
        """All people of a shift."""
        these: Document = {"session_id": session_id, "shift_id": shift_id, "status": _LIVE}
        found = await self._assignments.find(these, session=unit.session).to_list(None)
        return [_assignment(document) for document in found]

    async def some_live_of(self, participant_id: str, limit: int) -> list[str]:
        """The ids of some assignments of a participant that have not ended."""
        theirs: Document = {"participant_id": participant_id, "status": _LIVE}
        with outages_named():
            found = await self._assignments.find(theirs, {"_id": 1}).limit(limit).to_list(None)
        return [document["_id"] for document in found]

    async def read(self, session_id: str) -> Rota | None:
        with outages_named():
            found = await self._rotas.find_one({"_id": session_id})
        return _rota(found) if found else None

    async def by_id(self, session_ids: Collection[str]) -> dict[str, Rota]:
        with outages_named():
            found = await self._rotas.find({"_id": {"$in": list(session_ids)}}).to_list(None)
        return {document["_id"]: _rota(document) for document in found}

    async def page(
        self,
        session_id: str,
        statuses: Sequence[Status],
        shift_id: str | None,
        after: int | None,
        limit: int,
    ) -> list[Assignment]:
        """Assignments of a session, or of one shift, with these statuses, in the order of asking."""
        these: Document = {"session_id": session_id, "status": {"$in": list(statuses)}}
        if shift_id is not None:
            these["shift_id"] = shift_id
        if after is not None:
            these["number"] = {"$gt": after}
        with outages_named():
            found = self._assignments.find(these).sort("number", ASCENDING).limit(limit)
            return [_assignment(document) for document in await found.to_list(None)]

    async def page_of(
        self, participant_id: str, before: tuple[datetime, str] | None, limit: int
    ) -> list[Assignment]:
        """A participant's own before this time of asking and id, the latest first."""
        own: Document = {"participant_id": participant_id, **behind("asked_at", before)}
        with outages_named():
            found = self._assignments.find(own).sort(latest_first("asked_at")).limit(limit)
            return [_assignment(document) for document in await found.to_list(None)]

    async def named_among(self, participant_ids: Collection[str]) -> set[str]:
        """Those of these participants who have an assignment, in whatever state."""
        with outages_named():
            return set(
                await self._assignments.distinct(
                    "participant_id", {"participant_id": {"$in": list(participant_ids)}}
                )
            )

    async def assigned_among(self, participant_ids: Collection[str]) -> list[Assignment]:
        """For which shifts these participants are on a rota, outside of a transaction."""
        these: Document = {"participant_id": {"$in": list(participant_ids)}, "status": "assigned"}
        with outages_named():
            found = await self._assignments.find(these).to_list(None)
        return [_assignment(document) for document in found]

    async def lacking(self, now: datetime, after: tuple[datetime, str] | None, limit: int) -> list[Rota]:
        """Rotas that need people and are not over, in the order of their last shift's end, after this one."""
        beyond: list[Document] = [{"until": {"$gt": now}}]
        if after is not None:
            until, id_ = after
            beyond.append({"$or": [{"until": {"$gt": until}}, {"until": until, "_id": {"$gt": id_}}]})
        order = [("until", ASCENDING), ("_id", ASCENDING)]
        with outages_named():
            found = self._rotas.find({"lacking": {"$gt": 0}, "$and": beyond}).sort(order).hint(LACKING)
            return [_rota(document) for document in await found.limit(limit).to_list(None)]

    async def unreminded(self, after: str, limit: int, until: datetime) -> list[str]:
        """The ids, after this one, of assignments to be reminded of a shift that begins until then."""
        these: Document = {
            "status": "assigned",
            "reminded": False,
            "told_starts_at": {"$lte": until},
            "_id": {"$gt": after},
        }
        with outages_named():
            # Reads only the index. It has an entry for each person on a rota with a shift still to come.
            found = self._assignments.find(these, {"_id": 1}).sort("_id", ASCENDING).hint(UNREMINDED)
            return [document["_id"] for document in await found.limit(limit).to_list(None)]

    async def untold(self, after: str, limit: int) -> list[str]:
        """The ids, after this one, of sessions of whose rota somebody may still have to be notified."""
        these: Document = {"untold": True, "_id": {"$gt": after}}
        with outages_named():
            found = self._rotas.find(these, {"_id": 1}).sort("_id", ASCENDING).limit(limit)
            return [document["_id"] for document in await found.to_list(None)]


def _document(rota: Rota) -> Document:
    document = to_document(rota, "session_id")
    document["shifts"] = [msgspec.structs.asdict(shift) for shift in rota.shifts]
    return document | {name: getattr(rota, name) for name in _COMPUTED}


def _rota(document: Document) -> Rota:
    known = {name: value for name, value in document.items() if name not in _COMPUTED}
    known["shifts"] = tuple(Shift(**shift) for shift in document["shifts"])
    return from_document(Rota, known, "session_id")


def _assignment(document: Document) -> Assignment:
    return from_document(Assignment, document, "assignment_id")
