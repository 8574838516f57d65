"""
Registration's database.

activities      _id is the activity's id
sessions        definition and counters; every booking and cancellation updates its session, which orders them
participants    people and groups; contacts only sealed; an erased one keeps its id alone
registrations   _id derives from participant and session: there is one at most
requests        what each request was answered, by its id, so that a repeat is answered the same
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TypeVar

from services.registration.rules import ParticipantId, Registration, RegistrationId, Session, Verdict
from shared import mongo, outbox
from shared.envelope import Envelope, Event
from shared.events import Audience, Language, ParticipantKind
from shared.mongo import ASCENDING, DESCENDING, Database, Document, IndexModel, UpdateOne, outages_named

T = TypeVar("T")

REGISTRATIONS_SHOWN_MAX = 200
CONFLICT_PAUSE_SECONDS = 0.004
CONFLICT_PAUSE_SECONDS_MAX = 0.064


@dataclass(frozen=True, slots=True)
class Activity:
    """One of the week's activities; `starts_at` is the start of its first session."""

    activity_id: str
    title: str
    summary: str
    organiser: str
    kind: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a participant."""

    kind: ParticipantKind
    group_id: str | None
    district: str | None
    audience: Audience
    language: Language
    contact_sealed: str | None


@dataclass(frozen=True, slots=True)
class Participant:
    """A person or group; without a profile once erased. `version` counts the profile's changes, from 1."""

    participant_id: ParticipantId
    profile: Profile | None
    version: int = 1
    erased_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A school, unit or service team. `fingerprint` tells whether it is put unchanged."""

    group_id: str
    name: str
    kind: str
    district: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered; without a fingerprint once its participant is erased."""

    key: str
    fingerprint: str | None
    participant_id: ParticipantId
    session_id: str
    registration_id: RegistrationId | None
    verdict: Verdict
    position: int | None
    ticket_code: str | None
    code: str | None
    reason: str | None
    answered_at: datetime


class RegistrationStore:
    """Reads registration's database; writes it in transactions. Raises Unavailable while it is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Create the indexes, and the collections that transactions write to."""
        with outages_named():
            await self._database["activities"].create_index([("starts_at", ASCENDING), ("_id", ASCENDING)])
            await self._database["sessions"].create_index([("activity_id", ASCENDING)])
            await self._database["groups"].create_index([("kind", ASCENDING)])
            await self._database["participants"].create_index([("kind", ASCENDING)])
            await self._database["requests"].create_index([("participant_id", ASCENDING)])
            await self._database["registrations"].create_indexes(
                [
                    IndexModel([("participant_id", ASCENDING)]),
                    IndexModel([("session_id", ASCENDING), ("status", ASCENDING), ("sequence", ASCENDING)]),
                    IndexModel(
                        [("ticket_code", ASCENDING)],
                        unique=True,
                        partialFilterExpression={"ticket_code": {"$type": "string"}},
                    ),
                ]
            )
        await outbox.prepare(self._database)

    async def transaction(self, work: Callable[["Books"], Awaitable[T]]) -> T:
        """
        Run `work` in one transaction, again as a whole when it conflicts with another.

        Raises:
            Unavailable: the database does not answer; the transaction may have been committed.
        """
        tries = 0

        async def attempt(session: mongo.Session) -> T:
            nonlocal tries
            if tries:
                # Two processes at one scarce session would else keep each other from committing.
                longest = min(CONFLICT_PAUSE_SECONDS * 2**tries, CONFLICT_PAUSE_SECONDS_MAX)
                await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 (no secret)
            tries += 1
            return await work(Books(self._database, session))

        return await mongo.in_transaction(self._database, attempt)

    async def activities(self, offset: int, limit: int) -> list[Activity]:
        """A page of activities in the order of their first sessions."""
        with outages_named():
            found = (
                await self._database["activities"]
                .find()
                .sort([("starts_at", ASCENDING), ("_id", ASCENDING)])
                .skip(offset)
                .limit(limit)
                .to_list(None)
            )
        return [_activity(document) for document in found]

    async def count_activities(self) -> int:
        with outages_named():
            count: int = await self._database["activities"].count_documents({})
        return count

    async def activity(self, activity_id: str) -> Activity | None:
        with outages_named():
            document = await self._database["activities"].find_one({"_id": activity_id})
        return _activity(document) if document else None

    async def sessions_of(self, activity_ids: Collection[str]) -> list[Session]:
        """All sessions of these activities, the earliest first."""
        with outages_named():
            found = (
                await self._database["sessions"]
                .find({"activity_id": {"$in": list(activity_ids)}})
                .sort([("starts_at", ASCENDING), ("_id", ASCENDING)])
                .to_list(None)
            )
        return [_session(document) for document in found]

    async def sessions(self, session_ids: Collection[str]) -> dict[str, Session]:
        with outages_named():
            found = await self._database["sessions"].find({"_id": {"$in": list(session_ids)}}).to_list(None)
        return {document["_id"]: _session(document) for document in found}

    async def groups(self, offset: int, limit: int) -> list[Group]:
        """A page of groups in the order of their ids."""
        with outages_named():
            found = (
                await self._database["groups"]
                .find()
                .sort("_id", ASCENDING)
                .skip(offset)
                .limit(limit)
                .to_list(None)
            )
        return [_group(document) for document in found]

    async def count_groups(self) -> int:
        with outages_named():
            count: int = await self._database["groups"].count_documents({})
        return count

    async def registration(self, id_: str) -> Registration | None:
        with outages_named():
            document = await self._database["registrations"].find_one({"_id": id_})
        return _registration(document) if document else None

    async def registrations_of(self, participant_id: str) -> list[Registration]:
        """A participant's own, the latest first, at most `REGISTRATIONS_SHOWN_MAX`."""
        with outages_named():
            found = (
                await self._database["registrations"]
                .find({"participant_id": participant_id})
                .sort("asked_at", DESCENDING)
                .limit(REGISTRATIONS_SHOWN_MAX)
                .to_list(None)
            )
        return [_registration(document) for document in found]

    async def position(self, registration: Registration) -> int:
        """Where a waiting registration stands now, from 1."""
        with outages_named():
            ahead: int = await self._database["registrations"].count_documents(
                {
                    "session_id": registration.session_id,
                    "status": "waitlisted",
                    "sequence": {"$lt": registration.sequence},
                }
            )
        return ahead + 1


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
        these: Document = {"_id": {"$in": sorted(session_ids)}}
        await self._database["sessions"].update_many(these, {"$inc": {"locks": 1}}, session=self._session)
        return {document["_id"]: _session(document) for document in await self._find("sessions", these)}

    async def lock_sessions_of(self, activity_id: str) -> list[Session]:
        """The same for all of an activity's sessions."""
        these: Document = {"activity_id": activity_id}
        await self._database["sessions"].update_many(these, {"$inc": {"locks": 1}}, session=self._session)
        return [_session(document) for document in await self._find("sessions", these)]

    async def sessions(self, session_ids: Collection[str]) -> dict[str, Session]:
        """The same without taking them: for what leaves their counters alone."""
        found = await self._find("sessions", {"_id": {"$in": list(session_ids)}})
        return {document["_id"]: _session(document) for document in found}

    async def save_sessions(self, sessions: Collection[Session]) -> None:
        if sessions:
            await self._database["sessions"].bulk_write(
                [
                    UpdateOne(
                        {"_id": session.session_id}, {"$set": _document(session, "session_id")}, upsert=True
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
            {"$set": _document(activity, "activity_id")},
            upsert=True,
            session=self._session,
        )

    async def group(self, group_id: str) -> Group | None:
        document = await self._database["groups"].find_one({"_id": group_id}, session=self._session)
        return _group(document) if document else None

    async def save_group(self, group: Group) -> None:
        await self._database["groups"].update_one(
            {"_id": group.group_id},
            {"$set": _document(group, "group_id")},
            upsert=True,
            session=self._session,
        )

    async def answers(self, keys: Collection[str]) -> dict[str, Answer]:
        """What these requests were answered before."""
        found = await self._find("requests", {"_id": {"$in": list(keys)}})
        return {document["_id"]: _answer(document) for document in found}

    async def add_answers(self, answers: Sequence[Answer]) -> None:
        await self._insert("requests", [_document(answer, "key") for answer in answers])

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
            document["_id"]: _participant(document) for document in await self._find("participants", these)
        }

    async def add_participants(self, participants: Sequence[Participant]) -> None:
        await self._insert("participants", [_participant_document(one) for one in participants])

    async def save_participant(self, participant: Participant) -> None:
        changed = _participant_document(participant)
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
        return {document["_id"]: _registration(document) for document in found}

    async def standing_of(self, participant_id: str) -> list[Registration]:
        """A participant's registrations that hold a place or wait."""
        found = await self._find(
            "registrations",
            {"participant_id": participant_id, "status": {"$in": ["confirmed", "waitlisted"]}},
        )
        return [_registration(document) for document in found]

    async def with_ticket(self, ticket_code: str) -> Registration | None:
        found = await self._find("registrations", {"ticket_code": ticket_code})
        return _registration(found[0]) if found else None

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
        return [_registration(document) for document in found]

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
        await self._insert("registrations", [_document(one, "registration_id") for one in registrations])

    async def save_registrations(self, registrations: Sequence[Registration]) -> None:
        if registrations:
            await self._database["registrations"].bulk_write(
                [
                    UpdateOne({"_id": one.registration_id}, {"$set": _document(one, "registration_id")})
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


_Record = Activity | Session | Registration | Answer | Group


def _document(record: _Record, id_field: str) -> Document:
    # Not dataclasses.asdict: it copies every value deeply, at ten times the cost.
    document: Document = {field.name: getattr(record, field.name) for field in fields(record)}
    document["_id"] = document.pop(id_field)
    return document


def _named(document: Document, id_field: str) -> Document:
    document[id_field] = document.pop("_id")
    document.pop("locks", None)
    return document


def _activity(document: Document) -> Activity:
    return Activity(**_named(dict(document), "activity_id"))


def _session(document: Document) -> Session:
    return Session(**_named(dict(document), "session_id"))


def _group(document: Document) -> Group:
    return Group(**_named(dict(document), "group_id"))


def _answer(document: Document) -> Answer:
    return Answer(**_named(dict(document), "key"))


def _registration(document: Document) -> Registration:
    return Registration(**_named(dict(document), "registration_id"))


_PROFILE = tuple(field.name for field in fields(Profile))


def _participant_document(participant: Participant) -> Document:
    profile = participant.profile
    return {
        "_id": participant.participant_id,
        **{name: getattr(profile, name) if profile else None for name in _PROFILE},
        "version": participant.version,
        "erased_at": participant.erased_at,
    }


def _participant(document: Document) -> Participant:
    erased_at = document["erased_at"]
    profile = None if erased_at else Profile(**{name: document[name] for name in _PROFILE})
    return Participant(ParticipantId(document["_id"]), profile, document["version"], erased_at)
