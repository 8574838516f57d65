"""
Inboxes in MongoDB: a view of the collection `messages` (messages/documents.py).

A page reads only its own messages: the index `INBOXES` of messages/store.py has the same order.
"""

from dataclasses import dataclass
from datetime import datetime

from services.notifications.messages.documents import message_from
from services.notifications.messages.rules import Message
from shared.storage import mongo
from shared.storage.documents import behind, latest_first
from shared.storage.mongo import Database, Document

# Unread messages are counted among this number of messages, the newest ones.
UNREAD_AMONG = 1_000


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """A message in an inbox, and when it was read first, if it was."""

    message: Message
    read_at: datetime | None


class InboxStore:
    """The messages in inboxes, read or unread."""

    def __init__(self, database: Database) -> None:
        self._messages = database["messages"]

    async def page(
        self, participant_id: str, before: tuple[datetime, str] | None, limit: int
    ) -> list[InboxMessage]:
        """Messages of an inbox, newest first, older than `before` (a time and a message id)."""
        condition = {**_in_inbox(participant_id), **behind("created_at", before)}
        with mongo.outages_named():
            found = self._messages.find(condition).sort(latest_first("created_at")).limit(limit)
            return [
                InboxMessage(message_from(document), document.get("read_at"))
                for document in await found.to_list(None)
            ]

    async def unread(self, participant_id: str) -> int:
        """The number of unread messages among the newest `UNREAD_AMONG` of an inbox."""
        stages: list[Document] = [
            {"$match": _in_inbox(participant_id)},
            {"$sort": dict(latest_first("created_at"))},
            {"$limit": UNREAD_AMONG},
            {"$match": {"read_at": {"$exists": False}}},
            {"$count": "unread"},
        ]
        with mongo.outages_named():
            counted = await self._messages.aggregate(stages).to_list(1)
        return int(counted[0]["unread"]) if counted else 0

    async def mark_read(self, participant_id: str, message_id: str, now: datetime) -> datetime | None:
        """
        Mark a message of this inbox as read.

        Returns: when it was read first; None if it is not in this inbox.
        """
        # $ifNull keeps the first time, in one write.
        read = [{"$set": {"read_at": {"$ifNull": ["$read_at", now]}}}]
        condition = {**_in_inbox(participant_id), "_id": message_id}
        with mongo.outages_named():
            document = await self._messages.find_one_and_update(
                condition, read, return_document=mongo.ReturnDocument.AFTER
            )
        return document["read_at"] if document else None


def _in_inbox(participant_id: str) -> Document:
    return {
        "participant_id": participant_id,
        "channel": "inbox",
        # An erased participant's messages have no facts, so they have no text any more.
        "facts": {"$exists": True},
    }
