"""Very large inboxes, and what the server says that it read of them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from services.notifications.messages.documents import document_of
from services.notifications.messages.rules import Outcome, messages_of
from shared.runtime import clock
from shared.storage.mongo import Database
from tests.notifications.builders import Desk, requested
from tests.support.service import enclosed

LARGE = 50_000


async def fill(at: Desk, participant_id: str, messages: int = LARGE) -> None:
    """Store this number of messages in an inbox, each a second older than the one before."""
    now = clock.now()
    event = requested(participant_id, channels=("inbox",))
    for start in range(0, messages, 10_000):
        documents = []
        for number in range(start, min(start + 10_000, messages)):
            [message] = messages_of(event, enclosed(event).context, now - timedelta(seconds=number))
            documents.append(document_of(message, Outcome("delivered"), at.retry_policy))
        await at.database["messages"].insert_many(documents, ordered=False)


async def profiled(database: Database, work: Callable[[], Awaitable[object]]) -> list[dict[str, Any]]:
    """What the server says of each operation on messages that this work has asked for."""
    await database["system.profile"].drop()
    await database.command("profile", 2)
    await work()
    await database.command("profile", 0)
    return await database["system.profile"].find({"ns": f"{database.name}.messages"}).to_list(None)
