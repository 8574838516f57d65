"""The reads and writes of one transaction."""

from collections.abc import Collection, Mapping, Sequence

from services.registration.booking.events import Announced
from services.registration.booking.rules import Registration, Session
from services.registration.documents import (
    from_participant,
    from_place,
    from_record,
    to_answer,
    to_group,
    to_participant,
    to_place,
    to_registration,
    to_session,
)
from services.registration.participants.keys import Lockbox
from services.registration.participants.rules import Activity, Answer, Group, Participant, PlaceBefore
from shared.storage import mongo, outbox
from shared.storage.mongo import ASCENDING, Database, Document, ReturnDocument, UpdateOne


class Books:
    """Reads and writes of one transaction; `lockbox` locks what is written."""

    def __init__(self, database: Database, session: mongo.Session, lockbox: Lockbox) -> None:
        self._database = database
        self._session = session
        self.lockbox = lockbox

    async def lock_sessions(self, session_ids: Collection[str]) -> dict[str, Session]:
        """
        Take these sessions for this transaction, and read them.

        Whoever comes second runs into the first one's update and starts over after it,
        with what the first one wrote: so places are counted one transaction at a time.
        Called first, or by who reads nothing before that a session's change could make untrue (see
        `cancelling.py`).
        """
        if not session_ids:
            return {}
        if len(session_ids) == 1:
            # A rush is for one session: a round trip less in the time in which nobody else gets at it.
            [only] = session_ids
            document = await self._database["sessions"].find_one_and_update(
                {"_id": only},
                {"$inc": {"locks": 1}},
                return_document=ReturnDocument.AFTER,
                session=self._session,
            )
            return {only: to_session(document)} if document else {}
        these: Document = {"_id": {"$in": sorted(session_ids)}}
        await self._database["sessions"].update_many(these, {"$inc": {"locks": 1}}, session=self._session)
        return {document["_id"]: to_session(document) for document in await self._find("sessions", these)}

    async def lock_sessions_of(self, activity_id: str) -> list[Session]:
        """The same for all of an activity's sessions."""
        these: Document = {"activity_id": activity_id}
        await self._database["sessions"].update_many(these, {"$inc": {"locks": 1}}, session=self._session)
        return [to_session(document) for document in await self._find("sessions", these)]

    async def sessions(self, session_ids: Collection[str]) -> dict[str, Session]:
        """The same without taking them: for what leaves their counters alone."""
        found = await self._find("sessions", {"_id": {"$in": list(session_ids)}})
        return {document["_id"]: to_session(document) for document in found}

    async def save_sessions(self, sessions: Collection[Session]) -> None:
        if sessions:
            await self._database["sessions"].bulk_write(
                [
                    UpdateOne(
                        {"_id": session.session_id}, {"$set": from_record(session, "session_id")}, upsert=True
                    )
                    for session in sessions
                ],
                session=self._session,
            )

    async def remove_sessions(self, session_ids: Collection[str]) -> None:
        if session_ids:
            await self._database["sessions"].delete_many(
                {"_id": {"$in": list(session_ids)}}, session=self._session
            )

    async def places_before(self, session_id: str) -> dict[int, PlaceBefore]:
        """Where and when a session was to be, by its versions that somebody may still know."""
        found = await self._find("session_places", {"session_id": session_id})
        return {document["version"]: to_place(document) for document in found}

    async def add_place_before(self, place: PlaceBefore) -> None:
        await self._insert("session_places", [from_place(place)])

    async def remove_places_before(self, session_id: str) -> None:
        await self._database["session_places"].delete_many({"session_id": session_id}, session=self._session)

    async def save_activity(self, activity: Activity) -> None:
        await self._database["activities"].update_one(
            {"_id": activity.activity_id},
            {"$set": from_record(activity, "activity_id")},
            upsert=True,
            session=self._session,
        )

    async def group(self, group_id: str) -> Group | None:
        document = await self._database["groups"].find_one({"_id": group_id}, session=self._session)
        return to_group(document) if document else None

    async def save_group(self, group: Group) -> None:
        await self._database["groups"].update_one(
            {"_id": group.group_id},
            {"$set": from_record(group, "group_id")},
            upsert=True,
            session=self._session,
        )

    async def answers(self, keys: Collection[str]) -> dict[str, Answer]:
        """What these requests were answered before."""
        found = await self._find("requests", {"_id": {"$in": list(keys)}})
        return {document["_id"]: to_answer(document) for document in found}

    async def add_answers(self, answers: Sequence[Answer]) -> None:
        await self._insert("requests", [from_record(answer, "key") for answer in answers])

    async def participants(self, participant_ids: Collection[str]) -> dict[str, Participant]:
        """
        Those of these participants that exist, taken for this transaction.

        The update makes an erasure at the same moment start over, so that it sees the
        registration that is being made.
        """
        if not participant_ids:
            return {}
        these: Document = {"_id": {"$in": sorted(participant_ids)}}
        await self._database["participants"].update_many(these, {"$inc": {"locks": 1}}, session=self._session)
        return {
            document["_id"]: to_participant(document) for document in await self._find("participants", these)
        }

    async def groups_among(self, ids: Collection[str]) -> set[str]:
        """Which of these ids are groups': put by an organiser, or made by a command."""
        if not ids:
            return set()
        these: Document = {"_id": {"$in": list(ids)}, "kind": "group"}
        return {document["_id"] for document in await self._find("participants", these)}

    async def contact_keys(self, participant_ids: Collection[str]) -> dict[str, bytes]:
        """The keys of these participants; the erased have none."""
        if not participant_ids:
            return {}
        found = await self._find("contact_keys", {"_id": {"$in": list(participant_ids)}})
        return {document["_id"]: document["key"] for document in found}

    async def add_contact_keys(self, keys: Mapping[str, bytes]) -> None:
        await self._insert("contact_keys", [{"_id": id_, "key": key} for id_, key in keys.items()])

    async def remove_contact_key(self, participant_id: str) -> None:
        await self._database["contact_keys"].delete_one({"_id": participant_id}, session=self._session)

    async def add_participants(self, participants: Sequence[Participant]) -> None:
        await self._insert("participants", [from_participant(one) for one in participants])

    async def save_participant(self, participant: Participant) -> None:
        changed = from_participant(participant)
        del changed["_id"]
        await self._database["participants"].update_one(
            {"_id": participant.participant_id}, {"$set": changed}, upsert=True, session=self._session
        )

    async def forget(self, participant_id: str) -> None:
        """
        Drop a participant's tickets, and what could tell whether a request was theirs.

        That there was a request or a visit stays, under an id that no longer leads to anybody.
        """
        theirs: Document = {"participant_id": participant_id}
        await self._database["requests"].update_many(
            theirs, {"$set": {"fingerprint": None, "ticket_locked": None}}, session=self._session
        )
        await self._database["registrations"].update_many(
            theirs, {"$set": {"ticket_hash": None, "ticket_locked": None}}, session=self._session
        )

    async def registrations(self, ids: Collection[str]) -> dict[str, Registration]:
        if not ids:
            return {}
        found = await self._find("registrations", {"_id": {"$in": list(ids)}})
        return {document["_id"]: to_registration(document) for document in found}

    async def standing_of(self, participant_id: str) -> list[Registration]:
        """A participant's registrations that hold a place or wait."""
        found = await self._find(
            "registrations",
            {"participant_id": participant_id, "status": {"$in": ["confirmed", "waitlisted"]}},
        )
        return [to_registration(document) for document in found]

    async def with_ticket(self, ticket_hash: str) -> Registration | None:
        found = await self._find("registrations", {"ticket_hash": ticket_hash})
        return to_registration(found[0]) if found else None

    async def standing_in(self, session_id: str, after: int, limit: int) -> list[Registration]:
        """Who holds a place or waits in a session, in the order of `sequence`, those after this one."""
        found = (
            await self._database["registrations"]
            .find(
                {
                    "session_id": session_id,
                    "status": {"$in": ["confirmed", "waitlisted"]},
                    "sequence": {"$gt": after},
                },
                session=self._session,
            )
            .sort("sequence", ASCENDING)
            .limit(limit)
            .to_list(None)
        )
        return [to_registration(document) for document in found]

    async def waiters(self, session_id: str, limit: int) -> list[Registration]:
        """The head of the waiting list, in order."""
        if limit <= 0:
            return []
        found = (
            await self._database["registrations"]
            .find({"session_id": session_id, "status": "waitlisted"}, session=self._session)
            .sort("sequence", ASCENDING)
            .limit(limit)
            .to_list(None)
        )
        return [to_registration(document) for document in found]

    async def largest_wait(self, session_id: str) -> int:
        """The most places that one waiting registration asks for, 0 without any."""
        # The index of the waiting order holds the places too: no document is read, and nothing is sorted.
        found = (
            await self._database["registrations"]
            .aggregate(
                [
                    {"$match": {"session_id": session_id, "status": "waitlisted"}},
                    {"$group": {"_id": None, "places": {"$max": "$places"}}},
                ],
                session=self._session,
            )
            .to_list(None)
        )
        return int(found[0]["places"]) if found else 0

    async def add_registrations(self, registrations: Sequence[Registration]) -> None:
        await self._insert("registrations", [from_record(one, "registration_id") for one in registrations])

    async def save_registrations(self, registrations: Sequence[Registration]) -> None:
        if registrations:
            await self._database["registrations"].bulk_write(
                [
                    UpdateOne({"_id": one.registration_id}, {"$set": from_record(one, "registration_id")})
                    for one in registrations
                ],
                ordered=False,
                session=self._session,
            )

    async def tell(self, events: Sequence[Announced]) -> None:
        """Have these events published once the transaction is committed."""
        await outbox.append(self._database, self._session, events)

    async def _find(self, collection: str, these: Document) -> list[Document]:
        found: list[Document] = (
            await self._database[collection].find(these, session=self._session).to_list(None)
        )
        return found

    async def _insert(self, collection: str, documents: Sequence[Document]) -> None:
        if documents:
            await mongo.insert_in(self._database[collection], documents, self._session)
