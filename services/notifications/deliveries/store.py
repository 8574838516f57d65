"""The outcomes of messages, in MongoDB: a view of the collection `messages` (messages/documents.py)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args

from msgspec import structs

from services.notifications.messages.documents import message_from, times_of
from services.notifications.messages.rules import NO_ADDRESS, Message, Outcome, RetryPolicy, State
from services.notifications.messages.store import OF_PARTICIPANTS
from services.notifications.texts.policy import DeliveryChannel
from shared.runtime.errors import NotFound
from shared.storage import mongo
from shared.storage.documents import behind, latest_first
from shared.storage.mongo import Database, Document


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as organisers see it: its outcome, without its text."""

    message: Message
    state: State
    code: str | None
    reply: int | None
    attempts: int
    due_at: datetime | None
    finished_at: datetime | None


class DeliveryStore:
    """The organisers' view of the messages."""

    def __init__(self, database: Database, retry_policy: RetryPolicy) -> None:
        self._messages = database["messages"]
        self._retry_policy = retry_policy

    async def recipient_id_of(self, message_id: str) -> str:
        """
        The recipient of a message.

        Raises:
            NotFound: there is no such message (`message_unknown`).
        """
        with mongo.outages_named():
            document = await self._messages.find_one({"_id": message_id}, {"participant_id": 1})
        if document is None:
            raise NotFound(f"there is no message {message_id}", code="message_unknown")
        participant_id: str = document["participant_id"]
        return participant_id

    async def start_again(self, message_id: str, state: State, now: datetime) -> Delivery | None:
        """Put a failed mail into this state like a new one; None if it has not failed or was erased."""
        times = times_of(Outcome(state), now, self._retry_policy)
        with mongo.outages_named():
            changed = await self._messages.find_one_and_update(
                {"_id": message_id, "state": "failed", "facts": {"$exists": True}},
                {
                    "$set": {"state": state, **times, "attempts": 0},
                    "$inc": {"round": 1},
                    "$unset": {"code": "", "reply": "", "finished_at": "", "claims": ""},
                },
                return_document=mongo.ReturnDocument.AFTER,
            )
        return _delivery(changed) if changed is not None else None

    async def summary(self) -> dict[tuple[DeliveryChannel, State], int]:
        """
        The number of messages by channel and state.

        The counts are taken one after the other. Messages that are stored at the same time make them slightly
        inconsistent.
        """
        states = {"$in": list(get_args(State))}
        counts: Counter[tuple[DeliveryChannel, State]] = Counter()
        with mongo.outages_named():
            every = await self._messages.estimated_document_count()
            for channel in OF_PARTICIPANTS:
                group: list[Document] = [
                    # Names every state, so that the index answers the query.
                    {"$match": {"state": states, "channel": channel}},
                    {"$group": {"_id": "$state", "count": {"$sum": 1}}},
                ]
                for row in await self._messages.aggregate(group).to_list(None):
                    counts[channel, row["_id"]] = row["count"]
            erased = await self._messages.count_documents({"state": "cancelled", "channel": "inbox"})
            unmailed = await self._messages.count_documents({"unmailed": NO_ADDRESS})
        # A message that is no mail and no SMS and was not erased is in an inbox.
        counts["inbox", "delivered"] = every - counts.total() - erased
        counts["inbox", "cancelled"] = erased
        counts["email", "skipped"] += unmailed
        return {of: count for of, count in counts.items() if count > 0}

    async def page(
        self,
        state: State,
        channels: Sequence[DeliveryChannel],
        before: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Delivery]:
        """
        Messages in this state, newest first, older than `before` (a time and a message id).

        Messages delivered to inboxes are not listed: they are nearly all messages, and are in no index. If no
        mail was made beside an inbox message (`unmailed`), this mail is listed with the id of that message.
        """
        older = behind("created_at", before)
        wanted = [{**one, **older} for one in _listed(state, channels)]
        if not wanted:
            return []
        with mongo.outages_named():
            found = self._messages.find({"$or": wanted}).sort(latest_first("created_at")).limit(limit)
            return [
                _unmailed(document) if state == "skipped" and "unmailed" in document else _delivery(document)
                for document in await found.to_list(None)
            ]


def _listed(state: State, channels: Sequence[DeliveryChannel]) -> list[Document]:
    """The conditions of messages in this state. An index answers each of them."""
    listed: list[Document] = [
        {"state": state, "channel": channel}
        for channel in channels
        if channel != "inbox" or state == "cancelled"
    ]
    if state == "skipped" and "email" in channels:
        listed.append({"unmailed": NO_ADDRESS})
    return listed


def _delivery(document: Document) -> Delivery:
    stored_at = document["created_at"] if document["channel"] == "inbox" else None
    return Delivery(
        message=message_from(document),
        state=document["state"],
        code=document.get("code"),
        reply=document.get("reply"),
        attempts=document.get("attempts", 0),
        due_at=document.get("due_at"),
        finished_at=document.get("finished_at", stored_at),
    )


def _unmailed(document: Document) -> Delivery:
    """The mail that was not made beside an inbox message."""
    beside = _delivery(document)
    mail = structs.replace(beside.message, channel="email")
    return replace(beside, message=mail, state="skipped", code=document["unmailed"])
