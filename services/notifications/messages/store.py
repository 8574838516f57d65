"""
The messages to participants, in MongoDB.

messages     one document per event and channel; `due_at` (the courier looks at it then, or
             a claim on it ends) and `expires_at` (it is given up then) stand in open ones alone.
             A mail that is not made for want of an address has none beside its event's
             message in the inbox, which says so: `unmailed`. Kept for `KEPT`.

A participant's messages are one range of ids (`rules.message_id`), so an inbox is read without
an index of its own. What lies in an inbox is by far the most, and nobody looks for it otherwise:
it is in no other index, not even one for its end (`forget` walks over the ids instead).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from msgspec.structs import replace

from services.notifications.messages.rules import (
    KINDS,
    OPEN,
    Message,
    MessageId,
    Outcome,
    Patience,
    Reach,
    mail_beside,
)
from shared.contracts.envelope import Context
from shared.runtime.owned_ids import ids_of
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, DESCENDING, Database, Document

UNREAD_COUNTED_MAX = 1_000
ANSWER_DOCUMENTS_MAX = 1_000
# A message may be read until the week of the next year has come and gone.
KEPT = timedelta(days=400)
# How many messages one look for old ones passes over.
SLICE_MESSAGES = 1_000

Stored: TypeAlias = tuple[Message, Outcome, bool]
"""A message, its outcome as it is stored, and whether it is new."""


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """A message in an inbox, and when it was read, if it was."""

    message: Message
    read_at: datetime | None


class MessageStore:
    """The messages, except for what the courier does with them."""

    def __init__(self, database: Database, patience: Patience) -> None:
        self._messages = database["messages"]
        self._patience = patience

    async def prepare(self) -> None:
        """Create the collections and indexes; a transaction must not have to."""
        with mongo.outages_named():
            # For organisers: mails by what became of them, and messages to those who were erased.
            await self._messages.create_index(
                [
                    ("state", ASCENDING),
                    ("channel", ASCENDING),
                    ("created_at", DESCENDING),
                    ("_id", DESCENDING),
                ],
                partialFilterExpression={"$or": [{"channel": "email"}, {"state": "cancelled"}]},
            )
            await self._messages.create_index(
                [("unmailed", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)],
                partialFilterExpression={"unmailed": {"$exists": True}},
            )
            await self._messages.create_index(
                [("participant_id", ASCENDING)],
                partialFilterExpression={"state": "waiting_contact"},
            )
            # Open messages alone are in these two, so they stay small however many there have been.
            await self._messages.create_index([("due_at", ASCENDING)], sparse=True)
            await self._messages.create_index([("expires_at", ASCENDING)], sparse=True)

    async def silence(self, participant_ids: Sequence[str], now: datetime) -> None:
        """Delete what messages to these participants say; cancel those that are still open."""
        if not participant_ids:
            return
        theirs = _messages_to(participant_ids)
        cancelled = {"state": "cancelled", "code": "erased", "finished_at": now}
        gone = {"due_at": "", "expires_at": "", "claim": ""}
        with mongo.outages_named():
            await self._messages.update_many(
                {**theirs, "state": {"$in": OPEN}}, {"$set": cancelled, "$unset": gone}
            )
            await self._messages.update_many(
                {**theirs, "facts": {"$exists": True}}, {"$unset": {"facts": ""}}
            )

    async def release(self, reach: Mapping[str, Reach], now: datetime) -> None:
        """
        Make the mails that waited for these participants due, or skip them where there is no address.

        Whoever stores a contact or a key releases afterwards, and whoever stores a waiting mail looks for
        both afterwards: each writes before it looks, so the last of them sees the others.
        """
        due = {"state": "pending", "due_at": now, "expires_at": now + self._patience.pending_max}
        skipped = {"state": "skipped", "code": "no_address", "finished_at": now}
        with mongo.outages_named():
            if reachable := [id_ for id_, how in reach.items() if how == "addressed"]:
                await self._messages.update_many(_waiting(reachable), {"$set": due})
            if unreachable := [id_ for id_, how in reach.items() if how == "unaddressed"]:
                await self._messages.update_many(
                    _waiting(unreachable), {"$set": skipped, "$unset": {"expires_at": ""}}
                )

    async def add(self, messages: Sequence[tuple[Message, Outcome]]) -> list[Stored]:
        """
        Store messages that are not there yet; those that are stay as they are.

        Inboxes first: where a repeat finds that no mail was made of its event, none is made by now.
        Where an earlier try stored the inbox and died before the mail, and the repeat knows that there is
        no address, the mail is stored as skipped: what is in the inbox already cannot say so any more.
        """
        inboxes = [pair for pair in messages if pair[0].channel == "inbox"]
        stored = await self._add(inboxes)
        mails = [pair for pair in messages if pair[0].channel == "email"]
        mails += [
            (mail_beside(then), Outcome("skipped", now.unmailed))
            for (now, _), (then, _, is_new) in zip(inboxes, stored, strict=True)
            if now.unmailed and not then.unmailed and not is_new
        ]
        if mails:
            unmailed = {
                (message.cause.source, message.cause.id) for message, _, _ in stored if message.unmailed
            }
            stored += await self._add(
                [pair for pair in mails if (pair[0].cause.source, pair[0].cause.id) not in unmailed]
            )
        return stored

    async def _add(self, messages: Sequence[tuple[Message, Outcome]]) -> list[Stored]:
        documents = [self._document(message, outcome) for message, outcome in messages]
        there = await mongo.insert_new(self._messages, documents)
        if not there:
            return [(message, outcome, True) for message, outcome in messages]
        ids = [documents[place]["_id"] for place in there]
        fields = {"state": 1, "created_at": 1, "unmailed": 1}
        with mongo.outages_named():
            answer = self._messages.find({"_id": {"$in": ids}}, fields).batch_size(ANSWER_DOCUMENTS_MAX)
            found = await answer.to_list(None)
        earlier = {document["_id"]: document for document in found}
        stored: list[Stored] = []
        for place, (message, outcome) in enumerate(messages):
            if place in there:
                then = earlier[message.message_id]
                as_stored = replace(message, created_at=then["created_at"], unmailed=then.get("unmailed"))
                stored.append((as_stored, Outcome(then["state"]), False))
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
            # Its type is told by the kind.
            "cause": {
                "id": cause.id,
                "source": cause.source,
                "time": cause.time,
                "correlation_id": cause.correlation_id,
                "traceparent": cause.traceparent,
            },
            "created_at": message.created_at,
            "state": outcome.state,
        }
        if outcome.state != "cancelled":
            document["facts"] = message.facts
        if outcome.code is not None:
            document["code"] = outcome.code
        if message.channel == "inbox":
            if message.unmailed is not None:
                document["unmailed"] = message.unmailed
            # It is finished when it is stored.
            return document
        document["attempts"] = 0
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
            condition |= older_than(before)
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

    async def forget(self, after: str, now: datetime) -> str | None:
        """
        Delete what is older than `KEPT` among the next `SLICE_MESSAGES` messages after this id.

        Returns: the id to go on after; None at the end.
        """
        with mongo.outages_named():
            ahead = self._messages.find({"_id": {"$gt": after}}, {"_id": 1}).sort("_id", ASCENDING)
            ends = await ahead.skip(SLICE_MESSAGES - 1).limit(1).to_list(None)
            ids: Document = {"$gt": after}
            if ends:
                ids["$lte"] = ends[0]["_id"]
            await self._messages.delete_many({"_id": ids, "created_at": {"$lt": now - KEPT}})
        return ends[0]["_id"] if ends else None


def message_from(document: Document) -> Message:
    """The message that a document holds."""
    return Message(
        message_id=MessageId(document["_id"]),
        participant_id=document["participant_id"],
        channel=document["channel"],
        kind=document["kind"],
        facts=document.get("facts"),
        cause=Context(
            subject=document["participant_id"],
            # Another version may have stored a kind that this one has no words for.
            type=KINDS[document["kind"]].type if document["kind"] in KINDS else "unknown",
            **document["cause"],
        ),
        created_at=document["created_at"],
        unmailed=document.get("unmailed"),
    )


def older_than(before: tuple[datetime, str]) -> Document:
    """The condition of what comes after this time and id, newest first."""
    created_at, id_ = before
    return {
        # Says nothing new, but tells the index where to begin.
        "created_at": {"$lte": created_at},
        "$or": [{"created_at": {"$lt": created_at}}, {"created_at": created_at, "_id": {"$lt": id_}}],
    }


def _in_inbox(participant_id: str) -> Document:
    above, below = ids_of(participant_id)
    return {
        "_id": {"$gt": above, "$lt": below},
        "participant_id": participant_id,
        "channel": "inbox",
        # Without facts there is nothing to say any more: its recipient was erased.
        "facts": {"$exists": True},
    }


def _messages_to(participant_ids: Sequence[str]) -> Document:
    # A pattern that begins like this is a range to the index, but only without re's flag for Unicode.
    beginnings = [re.compile(f"^{ids_of(id_)[0]}", re.ASCII) for id_ in participant_ids]
    return {"_id": {"$in": beginnings}, "participant_id": {"$in": list(participant_ids)}}


def _waiting(participant_ids: list[str]) -> Document:
    return {"participant_id": {"$in": participant_ids}, "channel": "email", "state": "waiting_contact"}
