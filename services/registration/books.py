"""The reads and writes of one transaction."""

from collections.abc import Collection, Sequence

from services.registration.documents import (
    from_participant,
    from_record,
    to_answer,
    to_group,
    to_participant,
    to_registration,
    to_session,
)
from services.registration.records import Activity, Answer, Group, Participant
from services.registration.rules import Registration, Session
from shared.contracts.envelope import Envelope, Event
from shared.storage import mongo, outbox
from shared.storage.mongo import ASCENDING, DESCENDING, Database, Document, ReturnDocument, UpdateOne


class Books:
    """Reads and writes of one transaction."""

    def __init__(self, database: Database, session: mongo.Session) -> None:
        self._database = database
        self._session = session

    async def lock_sessions(self, session_ids: Collection[str]) -> dict[str, Session]:
        """
        Take these sessions for this transaction, and read them.

        Whoever comes second runs into the first one's update and starts over after it,
        with what the first one wrote: so places are counted one transaction at a time.
        Called before anything else is read.
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

    async def add_participants(self, participants: Sequence[Participant]) -> None:
        await self._insert("participants", [from_participant(one) for one in participants])

    async def save_participant(self, participant: Participant) -> None:
        changed = from_participant(participant)
        del changed["_id"]
        await self._database["participants"].update_one(
            {"_id": participant.participant_id}, {"$set": changed}, upsert=True, session=self._session
        )

    async def forget_requests(self, participant_id: str) -> None:
        """Drop what could tell whether a request was this participant's."""
        await self._database["requests"].update_many(
            {"participant_id": participant_id}, {"$set": {"fingerprint": None}}, session=self._session
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

    async def with_ticket(self, ticket_code: str) -> Registration | None:
        found = await self._find("registrations", {"ticket_code": ticket_code})
        return to_registration(found[0]) if found else None

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
        found = (
            await self._database["registrations"]
            .find({"session_id": session_id, "status": "waitlisted"}, {"places": 1}, session=self._session)
            .sort("places", DESCENDING)
            .limit(1)
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

    async def tell(self, events: Sequence[Envelope[Event]]) -> None:
        """Have these events published once the transaction is committed."""
        await outbox.append(self._database, self._session, events)

    async def _find(self, collection: str, these: Document) -> list[Document]:
        found: list[Document] = (
            await self._database[collection].find(these, session=self._session).to_list(None)
        )
        return found

    async def _insert(self, collection: str, documents: Sequence[Document]) -> None:
        if documents:
            await self._database[collection].insert_many(documents, ordered=False, session=self._session)
