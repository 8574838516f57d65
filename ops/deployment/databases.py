"""The databases of all four services, for the audit and the tools: no service reads another's database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from ops.deployment.description import SERVICES
from shared.storage import mongo
from shared.storage.mongo import Database, Document
from shared.storage.outbox import COLLECTION as OUTBOX


@dataclass(frozen=True, slots=True)
class Databases:
    """The database of each service."""

    registration: Database
    quiz: Database
    awards: Database
    notifications: Database

    async def unpublished(self) -> int:
        """How many events wait in the outboxes, and what is still to be done in the background."""
        everyone = (self.registration, self.quiz, self.awards, self.notifications)
        unfinished: Document = {"$or": [{"untold": True}, {"owed": {"$gt": 0}}]}
        sessions: int = await self.registration["sessions"].count_documents(unfinished)
        erasing = [database["erasures"] for database in (self.registration, self.notifications)]
        erasures = sum([await unfinished.count_documents({}) for unfinished in erasing])
        merges: int = await self.registration["merges"].count_documents({"done": False})
        unnamed: int = await self.registration["participants"].count_documents({"to_name": True})
        followed: int = await self.awards["changes"].count_documents({})
        return (
            sessions
            + unnamed
            + erasures
            + merges
            + followed
            + sum([await database[OUTBOX].count_documents({}) for database in everyone])
        )

    async def undelivered(self, until: datetime) -> int:
        """
        How many mails and SMS are sent for the first time now, or due by then.

        Messages for the inbox are delivered at once. A mail with a code was deferred: see `put_off`.
        """
        # With the channel and the state the query is answered from an index.
        under_way = {
            "channel": {"$in": ["email", "sms"]},
            "code": None,
            "$or": [{"state": "claimed"}, {"state": "pending", "due_at": {"$lte": until}}],
        }
        count: int = await self.notifications["messages"].count_documents(under_way)
        return count

    async def correcting(self) -> int:
        """How many quizzes have a correction whose results are not all graded again."""
        count: int = await self.quiz["quizzes"].count_documents({"regrading": {"$ne": None}})
        return count

    async def put_off(self, after: datetime) -> dict[str, int]:
        """How many mails and SMS wait for something that may take days, by the reason."""
        waiting = {
            "channel": {"$in": ["email", "sms"]},
            "$or": [
                {"state": "waiting_contact"},
                {"state": "pending", "due_at": {"$gt": after}},
                {"state": {"$in": ["pending", "claimed"]}, "code": {"$ne": None}},
            ],
        }
        why = {"$ifNull": ["$code", "$state"]}
        counted: list[Document] = [
            {"$match": waiting},
            {"$group": {"_id": why, "mails": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
        ]
        rows = await self.notifications["messages"].aggregate(counted).to_list(None)
        return {row["_id"]: row["mails"] for row in rows}


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Databases]:
    """The four databases of a MongoDB, closed at the end."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(mongo.connect(url, f"kepu_{name}")) for name in SERVICES]
        yield Databases(*opened)
