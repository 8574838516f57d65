"""What became of messages, in MongoDB, as organisers see it; and mails tried again as they ask."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args

from msgspec import structs

from services.notifications.contacts.store import ContactStore
from services.notifications.messages.rules import NO_ADDRESS, Message, Patience, State
from services.notifications.messages.store import message_from, older_than
from shared.contracts.events import Channel
from shared.runtime.errors import Conflict, NotFound
from shared.storage import mongo
from shared.storage.mongo import DESCENDING, Database, Document


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as organisers see it: what became of it, and nothing that it says."""

    message: Message
    state: State
    code: str | None
    reply: int | None
    attempts: int
    due_at: datetime | None
    finished_at: datetime | None


class DeliveryStore:
    """The organisers' view of the messages."""

    def __init__(self, database: Database, contacts: ContactStore, patience: Patience) -> None:
        self._messages = database["messages"]
        self._contacts = contacts
        self._patience = patience

    async def retry(self, message_id: str, now: datetime) -> Delivery:
        """
        Start a failed mail anew, as an organiser asks; with all its tries.

        Raises:
            NotFound: there is no such message.
            Conflict: it has not failed, or its recipient was erased.
        """
        condition = {"_id": message_id, "state": "failed", "facts": {"$exists": True}}
        with mongo.outages_named():
            document = await self._messages.find_one({"_id": message_id})
            if document is None:
                raise NotFound(f"there is no message {message_id}", code="message_unknown")
            reach = (await self._contacts.reach([document["participant_id"]])).get(document["participant_id"])
            if reach == "erased":
                # Its words may still be there: an erasure deletes the contact first.
                raise Conflict(f"the recipient of message {message_id} was erased", code="not_failed")
            again: Document
            if reach in ("addressed", "unaddressed"):
                again = {"state": "pending", "due_at": now, "expires_at": now + self._patience.pending_max}
            else:
                again = {"state": "waiting_contact", "expires_at": now + self._patience.waiting_max}
            changed = await self._messages.find_one_and_update(
                condition,
                {
                    "$set": {**again, "attempts": 0},
                    "$inc": {"round": 1},
                    "$unset": {"code": "", "reply": "", "finished_at": "", "claims": ""},
                },
                return_document=mongo.ReturnDocument.AFTER,
            )
        if changed is None:
            raise Conflict(f"message {message_id} has not failed, or was erased", code="not_failed")
        return _delivery(changed)

    async def summary(self) -> dict[tuple[Channel, State], int]:
        """
        How many messages there are, by channel and state.

        Counted one after the other, so while messages come they may be off by those.
        """
        states = {"$in": list(get_args(State))}
        group: list[Document] = [
            # Names every state, so that the index answers and not the collection.
            {"$match": {"state": states, "channel": "email"}},
            {"$group": {"_id": "$state", "count": {"$sum": 1}}},
        ]
        with mongo.outages_named():
            every = await self._messages.estimated_document_count()
            rows = await self._messages.aggregate(group).to_list(None)
            silenced = await self._messages.count_documents({"state": "cancelled", "channel": "inbox"})
            unmailed = await self._messages.count_documents({"unmailed": NO_ADDRESS})
        counts: Counter[tuple[Channel, State]] = Counter(
            {("email", row["_id"]): row["count"] for row in rows}
        )
        # What is neither a mail nor was for somebody erased lies in an inbox.
        counts["inbox", "delivered"] = every - counts.total() - silenced
        counts["inbox", "cancelled"] = silenced
        counts["email", "skipped"] += unmailed
        return {of: count for of, count in counts.items() if count > 0}

    async def deliveries(
        self, state: State, channels: Sequence[Channel], before: tuple[datetime, str] | None, limit: int
    ) -> list[Delivery]:
        """
        Messages in this state, newest first, older than `before` (a time and a message id).

        Those delivered to inboxes are nearly all there are and in no index: they are not listed.
        A mail that was not made goes by the id of the message in the inbox.
        """
        older: Document = {} if before is None else older_than(before)
        wanted = [{**one, **older} for one in _listed(state, channels)]
        if not wanted:
            return []
        newest_first = [("created_at", DESCENDING), ("_id", DESCENDING)]
        with mongo.outages_named():
            found = self._messages.find({"$or": wanted}).sort(newest_first).limit(limit)
            return [
                _unmailed(document) if state == "skipped" and "unmailed" in document else _delivery(document)
                for document in await found.to_list(None)
            ]


def _listed(state: State, channels: Sequence[Channel]) -> list[Document]:
    """The conditions of messages in this state, each of which an index answers where there is one."""
    listed: list[Document] = [
        {"state": state, "channel": channel}
        for channel in channels
        if channel == "email" or state == "cancelled"
    ]
    if state == "skipped" and "email" in channels:
        listed.append({"unmailed": NO_ADDRESS})
    return listed


def _delivery(document: Document) -> Delivery:
    at_once = document["created_at"] if document["channel"] == "inbox" else None
    return Delivery(
        message=message_from(document),
        state=document["state"],
        code=document.get("code"),
        reply=document.get("reply"),
        attempts=document.get("attempts", 0),
        due_at=document.get("due_at"),
        finished_at=document.get("finished_at", at_once),
    )


def _unmailed(document: Document) -> Delivery:
    """The mail that was not made beside an inbox message."""
    beside = _delivery(document)
    mail = structs.replace(beside.message, channel="email")
    return replace(beside, message=mail, state="skipped", code=document["unmailed"])
