"""
The collections of this room.

registrations  `_id` is computed from participant and session, so each pair has at most one; tickets are
               hashed and locked
requests       the answer to each request, so that a repeat gets the same answer
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import get_args

from services.registration.booking.rules import Answer, Registration, Status
from shared.storage import mongo
from shared.storage.documents import from_document, to_document
from shared.storage.mongo import (
    ASCENDING,
    DESCENDING,
    Database,
    Document,
    IndexModel,
    ReturnDocument,
    UpdateOne,
    outages_named,
)
from shared.storage.unit_of_work import UnitOfWork

# A client asks again within minutes, a person within days. Their topic keeps commands for 7 days.
ANSWER_DAYS_KEPT = 30

_HOLDS_OR_WAITS = {"$in": ["confirmed", "waitlisted"]}


class RegistrationStore:
    """
    Reads registrations and answers, and writes them in units of work.

    Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._registrations = database["registrations"]
        self._requests = database["requests"]

    async def prepare(self) -> None:
        """Create the collections and their indexes. Creating them in a transaction would cause conflicts."""
        with outages_named():
            await self._requests.create_index([("participant_id", ASCENDING)])
            await mongo.delete_after(self._requests, "answered_at", timedelta(days=ANSWER_DAYS_KEPT))
            await self._registrations.create_indexes(
                [
                    IndexModel([("participant_id", ASCENDING), ("asked_at", ASCENDING), ("_id", ASCENDING)]),
                    # With the places, so that `largest_wait` and `places_waited_for` read only the index.
                    IndexModel(
                        [
                            ("session_id", ASCENDING),
                            ("status", ASCENDING),
                            ("sequence", ASCENDING),
                            ("places", ASCENDING),
                        ]
                    ),
                    IndexModel(
                        [("ticket_hash", ASCENDING)],
                        unique=True,
                        # Not by $type: MongoDB would not use the index for an equality, and scan.
                        partialFilterExpression={"ticket_hash": {"$gt": ""}},
                    ),
                ]
            )

    async def by_id(self, unit: UnitOfWork, ids: Collection[str]) -> dict[str, Registration]:
        if not ids:
            return {}
        found = await self._find(unit, {"_id": {"$in": list(ids)}})
        return {one.registration_id: one for one in found}

    async def lock(self, unit: UnitOfWork, ids: Collection[str]) -> dict[str, Registration]:
        """
        Lock the existing ones of these registrations for this transaction, and read them.

        Any other transaction that changes one of them conflicts, also if this one changes nothing of it.
        """
        if not ids:
            return {}
        if len(ids) == 1:
            # At a door people come one by one. This saves a round trip.
            [only] = ids
            document = await self._registrations.find_one_and_update(
                {"_id": only},
                {"$inc": {"locks": 1}},
                return_document=ReturnDocument.AFTER,
                session=unit.session,
            )
            return {only: _registration(document)} if document else {}
        these: Document = {"_id": {"$in": sorted(ids)}}
        await self._registrations.update_many(these, {"$inc": {"locks": 1}}, session=unit.session)
        return await self.by_id(unit, ids)

    async def with_tickets(self, unit: UnitOfWork, ticket_hashes: Collection[str]) -> dict[str, str]:
        """The ids of the registrations with these tickets, by their hashes."""
        if not ticket_hashes:
            return {}
        these: Document = {"ticket_hash": {"$in": sorted(ticket_hashes)}}
        found = self._registrations.find(these, {"ticket_hash": 1}, session=unit.session)
        return {document["ticket_hash"]: document["_id"] for document in await found.to_list(None)}

    async def all_of_session(
        self, unit: UnitOfWork, session_id: str, after: int, limit: int
    ) -> list[Registration]:
        """Registrations of any status, in the order of `sequence`, after this one."""
        # By its statuses, so that the server merges parts of the index and sorts nothing.
        these: Document = {
            "session_id": session_id,
            "status": {"$in": sorted(get_args(Status))},
            "sequence": {"$gt": after},
        }
        return await self._find(unit, these, limit)

    async def of_session(
        self, unit: UnitOfWork, session_id: str, after: int, limit: int
    ) -> list[Registration]:
        """Registrations with a place or a wait, in the order of `sequence`, after this one."""
        these: Document = {
            "session_id": session_id,
            "status": _HOLDS_OR_WAITS,
            "sequence": {"$gt": after},
        }
        return await self._find(unit, these, limit)

    async def waiters(self, unit: UnitOfWork, session_id: str, limit: int) -> list[Registration]:
        """The head of the waiting list, in order."""
        if limit <= 0:
            return []
        return await self._find(unit, {"session_id": session_id, "status": "waitlisted"}, limit)

    async def places_waited_for(self, unit: UnitOfWork, session_id: str, limit: int) -> list[int]:
        """The places that each asks for, from the head of the waiting list on. Reads only the index."""
        these: Document = {"session_id": session_id, "status": "waitlisted"}
        shown = {"_id": 0, "sequence": 1, "places": 1}
        found = self._registrations.find(these, shown, session=unit.session).sort("sequence", ASCENDING)
        return [document["places"] for document in await found.limit(limit).to_list(None)]

    async def largest_wait(self, unit: UnitOfWork, session_id: str) -> int:
        """The largest number of places that one waiting registration asks for; 0 if none waits."""
        found = await self._registrations.aggregate(
            [
                {"$match": {"session_id": session_id, "status": "waitlisted"}},
                {"$group": {"_id": None, "places": {"$max": "$places"}}},
            ],
            session=unit.session,
        ).to_list(None)
        return int(found[0]["places"]) if found else 0

    async def add(self, unit: UnitOfWork, registrations: Collection[Registration]) -> None:
        documents = [to_document(one, "registration_id") for one in registrations]
        await mongo.insert_in(self._registrations, documents, unit.session)

    async def save(self, unit: UnitOfWork, registrations: Collection[Registration]) -> None:
        if registrations:
            await self._registrations.bulk_write(
                [
                    UpdateOne({"_id": one.registration_id}, {"$set": to_document(one, "registration_id")})
                    for one in registrations
                ],
                ordered=False,
                session=unit.session,
            )

    async def answers(self, unit: UnitOfWork, keys: Collection[str]) -> dict[str, Answer]:
        """The earlier answers to these requests."""
        these: Document = {"_id": {"$in": list(keys)}}
        found = await self._requests.find(these, session=unit.session).to_list(None)
        return {document["_id"]: from_document(Answer, document, "key") for document in found}

    async def add_answers(self, unit: UnitOfWork, answers: Sequence[Answer]) -> None:
        await mongo.insert_in(self._requests, [to_document(one, "key") for one in answers], unit.session)

    async def not_erased(self, participant_id: str, limit: int) -> list[str]:
        """The ids of some registrations of an erased participant that wait or have a ticket."""
        theirs: Document = {
            "participant_id": participant_id,
            "$or": [{"status": "waitlisted"}, {"ticket_locked": {"$ne": None}}],
        }
        with outages_named():
            found = await self._registrations.find(theirs, {"_id": 1}).limit(limit).to_list(None)
        return [document["_id"] for document in found]

    async def drop_ticket(self, unit: UnitOfWork, id_: str) -> None:
        """Drop the ticket of a registration. The visit stays, under an id that leads to nobody."""
        nothing = {"$set": {"ticket_hash": None, "ticket_locked": None}}
        await self._registrations.update_one({"_id": id_}, nothing, session=unit.session)

    async def forget_requests(self, participant_id: str, limit: int) -> bool:
        """
        Drop what could show whether a request was an erased participant's, of some requests.

        In no transaction: an answer is changed by nothing else.

        Returns: whether there may be more.
        """
        theirs: Document = {"participant_id": participant_id, "fingerprint": {"$ne": None}}
        with outages_named():
            found = await self._requests.find(theirs, {"_id": 1}).limit(limit).to_list(None)
            these = {"_id": {"$in": [document["_id"] for document in found]}}
            await self._requests.update_many(these, {"$set": {"fingerprint": None, "ticket_locked": None}})
        return len(found) == limit

    async def read(self, id_: str) -> Registration | None:
        with outages_named():
            document = await self._registrations.find_one({"_id": id_})
        return _registration(document) if document else None

    async def page_of(
        self, participant_id: str, before: tuple[datetime, str] | None, limit: int
    ) -> list[Registration]:
        """A participant's own before this time of asking and id, the latest first."""
        own: Document = {"participant_id": participant_id}
        if before is not None:
            asked_at, id_ = before
            own["$or"] = [{"asked_at": {"$lt": asked_at}}, {"asked_at": asked_at, "_id": {"$lt": id_}}]
        order = [("asked_at", DESCENDING), ("_id", DESCENDING)]
        with outages_named():
            found = await self._registrations.find(own).sort(order).limit(limit).to_list(None)
        return [_registration(document) for document in found]

    async def position(self, registration: Registration) -> int | None:
        """A waiting registration's position on the waiting list now, from 1."""
        if registration.status != "waitlisted":
            return None
        with outages_named():
            ahead: int = await self._registrations.count_documents(
                {
                    "session_id": registration.session_id,
                    "status": "waitlisted",
                    "sequence": {"$lt": registration.sequence},
                }
            )
        return ahead + 1

    async def _find(self, unit: UnitOfWork, these: Document, limit: int | None = None) -> list[Registration]:
        """What a transaction sees of these; with a limit the first ones, in the order of `sequence`."""
        found = self._registrations.find(these, session=unit.session)
        if limit is not None:
            found = found.sort("sequence", ASCENDING).limit(limit)
        return [_registration(document) for document in await found.to_list(None)]


def _registration(document: Document) -> Registration:
    return from_document(Registration, document, "registration_id")
