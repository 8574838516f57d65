"""The databases of all four services, for the audit and the tools: no service reads another's database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from ops.deployment.description import SERVICES
from shared.storage import mongo
from shared.storage.mongo import Database, Document
from shared.storage.outbox import COLLECTION as OUTBOX

# States of a message that still has to be sent.
UNDELIVERED = ("pending", "claimed")


@dataclass(frozen=True, slots=True)
class Databases:
    """The database of each service."""

    registration: Database
    quiz: Database
    awards: Database
    notifications: Database

    async def unpublished(self) -> int:
        """How many events wait in the outboxes, and what registration still does in the background."""
        everyone = (self.registration, self.quiz, self.awards, self.notifications)
        unfinished: Document = {"$or": [{"untold": True}, {"owed": {"$gt": 0}}]}
        sessions: int = await self.registration["sessions"].count_documents(unfinished)
        erasures: int = await self.registration["erasures"].count_documents({})
        return (
            sessions + erasures + sum([await database[OUTBOX].count_documents({}) for database in everyone])
        )

    async def undelivered(self) -> int:
        """How many mails still have to be sent. Messages for the inbox are delivered at once."""
        # With the channel and the state the query is answered from an index.
        waiting = {"channel": "email", "state": {"$in": UNDELIVERED}}
        count: int = await self.notifications["messages"].count_documents(waiting)
        return count


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Databases]:
    """The four databases of a MongoDB, closed at the end."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(mongo.connect(url, f"kepu_{name}")) for name in SERVICES]
        yield Databases(*opened)
