"""
What is known of participants, and the messages to them, in MongoDB.

contacts     a participant's language and sealed contact; of an erased one the id alone
preferences  what participants have chosen
messages     one document per event and channel; `due_at` (the courier looks at it then, or
             a claim on it ends) and `expires_at` (it is given up then) stand in open ones alone
"""

from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.notifications.rules import (
    OPEN,
    Message,
    MessageId,
    Outcome,
    Patience,
    Preferences,
    Recipient,
)
from shared import mongo
from shared.envelope import Context
from shared.events import ParticipantJoined
from shared.mongo import ASCENDING, DESCENDING, Database, Document, UpdateOne

UNREAD_COUNTED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """A message in an inbox, and when it was read, if it was."""

    message: Message
    read_at: datetime | None


class NotificationStore:
    """The notifications service's database, except for what the courier does with it."""

    def __init__(self, database: Database, patience: Patience) -> None:
        self._contacts = database["contacts"]
        self._preferences = database["preferences"]
        self._messages = database["messages"]
        self._patience = patience

    async def prepare(self) -> None:
        """Create the collections and indexes; a transaction must not have to."""
        with mongo.outages_named():
            await self._messages.create_index(
                [
                    ("participant_id", ASCENDING),
                    ("channel", ASCENDING),
                    ("created_at", DESCENDING),
                    ("_id", DESCENDING),
                ]
            )
            await self._messages.create_index(
                [
                    ("state", ASCENDING),
                    ("channel", ASCENDING),
                    ("created_at", DESCENDING),
                    ("_id", DESCENDING),
                ]
            )
            # Open messages alone are in these two, so they stay small however many there have been.
            await self._messages.create_index([("due_at", ASCENDING)], sparse=True)
            await self._messages.create_index([("expires_at", ASCENDING)], sparse=True)

    async def remember(self, joined: Sequence[ParticipantJoined], now: datetime) -> None:
        """
        Keep what profiles say of participants, and release the mails that waited for it.

        In this order: whoever stores a waiting mail looks for the contact afterwards, so one
        of the two sees the other. Who is erased stays erased, whatever comes again.
        """
        if not joined:
            return
        latest = {event.participant_id: event for event in joined}
        writes = [UpdateOne({"_id": id_}, _remembered(event), upsert=True) for id_, event in latest.items()]
        with mongo.outages_named():
            await self._contacts.bulk_write(writes, ordered=False)
        await self.release(await self.recipients(latest), now)

    async def erase(self, erased: Mapping[str, datetime], now: datetime) -> None:
        """Delete contacts and preferences, and silence the messages; contacts first, as in `remember`."""
        if not erased:
            return
        writes = [
            UpdateOne({"_id": id_}, [{"$replaceWith": {"$literal": _tombstone(id_, at)}}], upsert=True)
            for id_, at in erased.items()
        ]
        with mongo.outages_named():
            await self._contacts.bulk_write(writes, ordered=False)
            await self._preferences.delete_many({"_id": {"$in": list(erased)}})
        await self.silence(list(erased), now)

    async def silence(self, participant_ids: Sequence[str], now: datetime) -> None:
        """Delete what messages to these participants say; cancel those that are still open."""
        if not participant_ids:
            return
        ids = {"$in": list(participant_ids)}
        cancelled = {"state": "cancelled", "code": "erased", "finished_at": now}
        gone = {"due_at": "", "expires_at": "", "claim": ""}
        with mongo.outages_named():
            await self._messages.update_many(
                {"participant_id": ids, "state": {"$in": OPEN}}, {"$set": cancelled, "$unset": gone}
            )
            await self._messages.update_many(
                {"participant_id": ids, "facts": {"$exists": True}}, {"$unset": {"facts": ""}}
            )

    async def recipients(self, participant_ids: Some[str]) -> dict[str, Recipient]:
        """What is known of these participants, by id."""
        if not participant_ids:
            return {}
        with mongo.outages_named():
            found = await self._contacts.find({"_id": {"$in": list(participant_ids)}}).to_list(None)
        return {document["_id"]: _recipient(document) for document in found}

    async def release(self, recipients: Mapping[str, Recipient], now: datetime) -> None:
        """Make the mails that waited for these participants due, or skip them where there is no address."""
        known = [one for one in recipients.values() if not one.erased]
        reachable = [one.participant_id for one in known if one.contact_sealed is not None]
        unreachable = [one.participant_id for one in known if one.contact_sealed is None]
        due = {"state": "pending", "due_at": now, "expires_at": now + self._patience.pending_max}
        skipped = {"state": "skipped", "code": "no_address", "finished_at": now}
        with mongo.outages_named():
            if reachable:
                await self._messages.update_many(_waiting(reachable), {"$set": due})
            if unreachable:
                await self._messages.update_many(
                    _waiting(unreachable), {"$set": skipped, "$unset": {"expires_at": ""}}
                )

    async def add(self, messages: Sequence[tuple[Message, Outcome]]) -> list[tuple[Message, Outcome, bool]]:
        """
        Store messages that are not there yet; those that are stay as they are.

        Returns: each with its outcome as it is stored, and whether it is new.
        """
        documents = [self._document(message, outcome) for message, outcome in messages]
        there = await mongo.insert_new(self._messages, documents)
        earlier: dict[str, Document] = {}
        if there:
            ids = [documents[place]["_id"] for place in there]
            with mongo.outages_named():
                found = await self._messages.find({"_id": {"$in": ids}}).to_list(None)
            earlier = {document["_id"]: document for document in found}
        stored: list[tuple[Message, Outcome, bool]] = []
        for place, (message, outcome) in enumerate(messages):
            if place in there:
                document = earlier[message.message_id]
                stored.append((message_from(document), Outcome(document["state"]), False))
            else:
                stored.append((message, outcome, True))
        return stored

    def _document(self, message: Message, outcome: Outcome) -> Document:
        cause = message.cause
        document: Document = {
            "_id": message.message_id,
            "participant_id": message.participant_id,
            "channel": message.channel,
            "kind": message.kind,
            "cause": {
                "id": cause.id,
                "source": cause.source,
                "type": cause.type,
                "time": cause.time,
                "correlation_id": cause.correlation_id,
                "traceparent": cause.traceparent,
            },
            "created_at": message.created_at,
            "state": outcome.state,
        }
        if message.channel == "email":
            document["attempts"] = 0
        if outcome.state != "cancelled":
            document["facts"] = dict(message.facts or {})
        if outcome.code is not None:
            document["code"] = outcome.code
        if outcome.state == "pending":
            document["due_at"] = message.created_at
            document["expires_at"] = message.created_at + self._patience.pending_max
        elif outcome.state == "waiting_contact":
            document["expires_at"] = message.created_at + self._patience.waiting_max
        else:
            document["finished_at"] = message.created_at
        return document

    async def inbox(
        self, participant_id: str, before: tuple[datetime, str] | None, limit: int
    ) -> list[InboxMessage]:
        """What is in an inbox, newest first, older than `before` (a time and a message id)."""
        condition = _in_inbox(participant_id)
        if before is not None:
            condition["$or"] = older_than(before)
        newest_first = [("created_at", DESCENDING), ("_id", DESCENDING)]
        with mongo.outages_named():
            found = await self._messages.find(condition).sort(newest_first).limit(limit).to_list(None)
        return [InboxMessage(message_from(document), document.get("read_at")) for document in found]

    async def unread(self, participant_id: str) -> int:
        """How many messages of an inbox are not read, counted up to `UNREAD_COUNTED_MAX`."""
        condition = {**_in_inbox(participant_id), "read_at": {"$exists": False}}
        with mongo.outages_named():
            count: int = await self._messages.count_documents(condition, limit=UNREAD_COUNTED_MAX)
        return count

    async def mark_read(self, participant_id: str, message_id: str, now: datetime) -> datetime | None:
        """Mark a message of this inbox as read; returns when it was read first, None if it is not there."""
        # $ifNull keeps the first time, in one write.
        read = [{"$set": {"read_at": {"$ifNull": ["$read_at", now]}}}]
        condition = {**_in_inbox(participant_id), "_id": message_id}
        with mongo.outages_named():
            document = await self._messages.find_one_and_update(
                condition, read, return_document=mongo.ReturnDocument.AFTER
            )
        return document["read_at"] if document else None

    async def preferences(self, participant_ids: Some[str]) -> dict[str, Preferences]:
        """What these participants have chosen, by id; nothing of those who chose nothing."""
        if not participant_ids:
            return {}
        with mongo.outages_named():
            found = await self._preferences.find({"_id": {"$in": list(participant_ids)}}).to_list(None)
        return {document["_id"]: Preferences(document["email"], document["language"]) for document in found}

    async def choose(self, participant_id: str, preferences: Preferences) -> None:
        """Keep what a participant has chosen."""
        chosen = {"email": preferences.email, "language": preferences.language}
        with mongo.outages_named():
            await self._preferences.update_one({"_id": participant_id}, {"$set": chosen}, upsert=True)


def message_from(document: Document) -> Message:
    """The message that a document holds."""
    cause = document["cause"]
    return Message(
        message_id=MessageId(document["_id"]),
        participant_id=document["participant_id"],
        channel=document["channel"],
        kind=document["kind"],
        facts=document.get("facts"),
        cause=Context(subject=document["participant_id"], **cause),
        created_at=document["created_at"],
    )


def older_than(before: tuple[datetime, str]) -> list[Document]:
    """The condition of what comes after this time and id, newest first."""
    created_at, id_ = before
    return [{"created_at": {"$lt": created_at}}, {"created_at": created_at, "_id": {"$lt": id_}}]


def _in_inbox(participant_id: str) -> Document:
    # Without facts there is nothing to say any more: its recipient was erased.
    return {"participant_id": participant_id, "channel": "inbox", "facts": {"$exists": True}}


def _waiting(participant_ids: list[str]) -> Document:
    return {"participant_id": {"$in": participant_ids}, "channel": "email", "state": "waiting_contact"}


def _remembered(event: ParticipantJoined) -> list[Document]:
    contact: Document = {
        "_id": event.participant_id,
        "kind": event.kind,
        "language": event.language,
        "contact_sealed": event.contact_sealed,
    }
    erased = {"$ifNull": ["$erased_at", False]}
    return [{"$replaceWith": {"$cond": [erased, "$$ROOT", {"$literal": contact}]}}]


def _tombstone(participant_id: str, erased_at: datetime) -> Document:
    return {"_id": participant_id, "erased_at": erased_at}


def _recipient(document: Document) -> Recipient:
    if "erased_at" in document:
        return Recipient(document["_id"], erased=True)
    return Recipient(document["_id"], document["kind"], document["language"], document["contact_sealed"])
