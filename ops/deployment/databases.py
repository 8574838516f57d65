"""The four services' databases, for the audit alone: no service reads another's."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from shared.storage import mongo
from shared.storage.mongo import Database
from shared.storage.outbox import COLLECTION as OUTBOX

# States of a message that still has to go out.
UNDELIVERED = ("pending", "claimed")


@dataclass(frozen=True, slots=True)
class Databases:
    """One database each."""

    registration: Database
    quiz: Database
    awards: Database
    notifications: Database

    async def unpublished(self) -> int:
        """Events in the outboxes, and sessions whose people are still to be told of a change."""
        everyone = (self.registration, self.quiz, self.awards, self.notifications)
        untold: int = await self.registration["sessions"].count_documents({"untold": True})
        return untold + sum([await database[OUTBOX].count_documents({}) for database in everyone])

    async def undelivered(self) -> int:
        """Messages that still have to go out."""
        # Mails alone can be on their way, and the index by state holds no others.
        waiting = {"channel": "email", "state": {"$in": UNDELIVERED}}
        count: int = await self.notifications["messages"].count_documents(waiting)
        return count


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Databases]:
    """All four, closed at the end."""
    names = ("registration", "quiz", "awards", "notifications")
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(mongo.connect(url, f"kepu_{name}")) for name in names]
        yield Databases(*opened)
