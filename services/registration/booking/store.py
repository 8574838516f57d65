"""
The collections of this room.

registrations  `_id` is computed from participant and session, so each pair has at most one; tickets are
               hashed and encrypted
requests       the answer to each request, so that a repeat gets the same answer
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

from services.registration.booking.rules import Answer, Registration, Status
from services.registration.booking.waiting_list import Wait
from shared.storage import mongo
from shared.storage.documents import behind, from_document, latest_first, lock_one, to_document
from shared.storage.mongo import (
    ASCENDING,
    Database,
    Document,
    IndexModel,
    UpdateOne,
    outages_named,
)
from shared.storage.unit_of_work import UnitOfWork

# A client asks again within minutes, a person within days. Their topic keeps commands for 7 days.
ANSWER_DAYS_KEPT = 30
HELD = "held"

_HOLDS_OR_WAITS = {"$in": ["held", "offered", "confirmed", "waitlisted"]}
_HOLDS = {"$in": ["held", "offered", "confirmed", "checked_in"]}
_WITHOUT_TICKET = {"$in": ["held", "offered", "waitlisted"]}
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


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
                    # The index has the places too, so that `largest_wait` and `waits` read only the index.
                    IndexModel(
                        [
                            ("session_id", ASCENDING),
                            ("status", ASCENDING),
                            ("sequence", ASCENDING),
                            ("places", ASCENDING),
                        ]
                    ),
                    IndexModel(
                        [("session_id", ASCENDING), ("held_until", ASCENDING)],
                        name=HELD,
                        partialFilterExpression={"held_until": {"$gt": LONG_AGO}},
                    ),
                    IndexModel(
                        [("ticket_hash", ASCENDING)],
                        unique=True,
                        # With $type, MongoDB would not use the index for an equality, and read everything.
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
        Lock those of these registrations that exist for this transaction, and read them.

        Another transaction that changes one of them gets a conflict, also if this transaction changes
        nothing.
        """
        if not ids:
            return {}
        if len(ids) == 1:
            # At a door people come one by one. One query instead of two saves a round trip.
            [only] = ids
            document = await lock_one(self._registrations, only, unit.session)
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

    async def with_status(
        self, unit: UnitOfWork, session_id: str, status: Status, after: int, limit: int
    ) -> list[Registration]:
        """Registrations with this status, in the order of `sequence`, after this one."""
        these: Document = {"session_id": session_id, "status": status, "sequence": {"$gt": after}}
        return await self._find(unit, these, limit)

    async def waits(self, unit: UnitOfWork, session_id: str, limit: int) -> list[Wait]:
        """The waiting list from its head on. Reads only the index."""
        if limit <= 0:
            return []
        these: Document = {"session_id": session_id, "status": "waitlisted"}
        shown = {"_id": 0, "sequence": 1, "places": 1}
        found = self._registrations.find(these, shown, session=unit.session).sort("sequence", ASCENDING)
        return [Wait(**document) for document in await found.limit(limit).to_list(None)]

    async def waiters(self, unit: UnitOfWork, session_id: str, waits: Sequence[Wait]) -> list[Registration]:
        """The registrations that wait with these numbers, in order."""
        if not waits:
            return []
        these: Document = {
            "session_id": session_id,
            "status": "waitlisted",
            "sequence": {"$in": [wait.sequence for wait in waits]},
        }
        return await self._find(unit, these, len(waits))

    async def first_waiters(self, unit: UnitOfWork, session_id: str, limit: int) -> list[Registration]:
        """The head of the waiting list, in order."""
        return await self._find(unit, {"session_id": session_id, "status": "waitlisted"}, limit)

    async def active_of(self, unit: UnitOfWork, participant_ids: Collection[str]) -> list[Registration]:
        """The registrations of these participants with a place or a wait."""
        if not participant_ids:
            return []
        return await self._find(
            unit, {"participant_id": {"$in": list(participant_ids)}, "status": _HOLDS_OR_WAITS}
        )

    async def with_place(self, participant_ids: Collection[str]) -> list[tuple[str, str, str]]:
        """
        The registrations of these participants with a place, outside of a transaction.

        Returns: the ids of the registration, of the participant and of the session.
        """
        these: Document = {"participant_id": {"$in": list(participant_ids)}, "status": _HOLDS}
        shown = {"participant_id": 1, "session_id": 1}
        with outages_named():
            found = await self._registrations.find(these, shown).to_list(None)
        return [(one["_id"], one["participant_id"], one["session_id"]) for one in found]

    async def run_out(
        self, unit: UnitOfWork, session_id: str, now: datetime, limit: int
    ) -> list[Registration]:
        """Places and waits of a session whose time is over, the earliest first."""
        found = await self._held(unit, session_id, {"$gt": LONG_AGO, "$lte": now}, limit)
        return [_registration(document) for document in found]

    async def next_running_out(self, unit: UnitOfWork, session_id: str) -> datetime | None:
        """When the next place or wait of a session runs out; None if nothing runs out."""
        found = await self._held(unit, session_id, {"$gt": LONG_AGO}, 1)
        return found[0]["held_until"] if found else None

    async def _held(self, unit: UnitOfWork, session_id: str, until: Document, limit: int) -> list[Document]:
        these: Document = {"session_id": session_id, "held_until": until}
        found = self._registrations.find(these, session=unit.session).sort("held_until", ASCENDING)
        return list(await found.limit(limit).hint(HELD).to_list(None))

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

    async def answers(self, unit: UnitOfWork, answer_ids: Collection[str]) -> dict[str, Answer]:
        """The earlier answers to these requests."""
        these: Document = {"_id": {"$in": list(answer_ids)}}
        found = await self._requests.find(these, session=unit.session).to_list(None)
        return {document["_id"]: from_document(Answer, document, "answer_id") for document in found}

    async def add_answers(self, unit: UnitOfWork, answers: Sequence[Answer]) -> None:
        await mongo.insert_in(
            self._requests, [to_document(one, "answer_id") for one in answers], unit.session
        )

    async def not_erased(self, participant_id: str, limit: int) -> list[str]:
        """The ids of some registrations of an erased participant that do not stand or have a ticket."""
        theirs: Document = {
            "participant_id": participant_id,
            "$or": [{"status": _WITHOUT_TICKET}, {"ticket_locked": {"$ne": None}}],
        }
        with outages_named():
            found = await self._registrations.find(theirs, {"_id": 1}).limit(limit).to_list(None)
        return [document["_id"] for document in found]

    async def is_needed(self, unit: UnitOfWork, participant_id: str) -> bool:
        """Whether a participant has a registration that is not cancelled."""
        theirs: Document = {"participant_id": participant_id, "status": {"$ne": "cancelled"}}
        return await self._registrations.find_one(theirs, {"_id": 1}, session=unit.session) is not None

    async def named_among(self, participant_ids: Collection[str]) -> set[str]:
        """The participants among these who have a registration, in any state."""
        with outages_named():
            return set(
                await self._registrations.distinct(
                    "participant_id", {"participant_id": {"$in": list(participant_ids)}}
                )
            )

    async def remove_all_of(self, unit: UnitOfWork, participant_id: str) -> None:
        """Delete the cancelled registrations of a participant who goes, and the answers to the requests."""
        theirs = {"participant_id": participant_id}
        await self._registrations.delete_many(theirs, session=unit.session)
        await self._requests.delete_many(theirs, session=unit.session)

    async def drop_ticket(self, unit: UnitOfWork, id_: str) -> None:
        """Delete the ticket of a registration. The visit stays, with an id that leads to no person."""
        nothing = {"$set": {"ticket_hash": None, "ticket_locked": None}}
        await self._registrations.update_one({"_id": id_}, nothing, session=unit.session)

    async def forget_requests(self, participant_id: str, limit: int) -> bool:
        """
        Delete what could show whether a request came from an erased participant, in some requests.

        There is no transaction, because nothing else changes an answer.

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

    async def read_all(self, ids: Collection[str]) -> dict[str, Registration]:
        """These registrations, outside of a transaction."""
        with outages_named():
            found = await self._registrations.find({"_id": {"$in": list(ids)}}).to_list(None)
        return {document["_id"]: _registration(document) for document in found}

    async def page_of(
        self, participant_id: str, before: tuple[datetime, str] | None, limit: int
    ) -> list[Registration]:
        """A participant's own registrations before this time of asking and id, the latest first."""
        own: Document = {"participant_id": participant_id, **behind("asked_at", before)}
        with outages_named():
            found = self._registrations.find(own).sort(latest_first("asked_at")).limit(limit)
            return [_registration(document) for document in await found.to_list(None)]

    async def position(self, registration: Registration, unit: UnitOfWork | None = None) -> int | None:
        """A waiting registration's position on the waiting list now, from 1."""
        if registration.status != "waitlisted":
            return None
        with outages_named():
            ahead: int = await self._registrations.count_documents(
                {
                    "session_id": registration.session_id,
                    "status": "waitlisted",
                    "sequence": {"$lt": registration.sequence},
                },
                session=unit.session if unit else None,
            )
        return ahead + 1

    async def waiting_numbers(self, session_id: str) -> list[int]:
        """The numbers of all who wait, in any order. The index has them: no registration is read."""
        pipeline: list[Document] = [
            {"$match": {"session_id": session_id, "status": "waitlisted"}},
            {"$group": {"_id": None, "numbers": {"$push": "$sequence"}}},
        ]
        with outages_named():
            found = await self._registrations.aggregate(pipeline).to_list(None)
        numbers: list[int] = found[0]["numbers"] if found else []
        return numbers

    async def _find(self, unit: UnitOfWork, these: Document, limit: int | None = None) -> list[Registration]:
        """Registrations as a transaction sees them; with a limit the first ones, by `sequence`."""
        found = self._registrations.find(these, session=unit.session)
        if limit is not None:
            found = found.sort("sequence", ASCENDING).limit(limit)
        return [_registration(document) for document in await found.to_list(None)]


def _registration(document: Document) -> Registration:
    return from_document(Registration, document, "registration_id")
