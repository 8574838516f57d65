"""What processes do that tests kill. Each says what it has just done."""

import asyncio
from collections.abc import Sequence

from shared.messaging.consuming import consuming
from shared.messaging.policy import ConsumerPolicy
from shared.messaging.publisher import Publisher, Record, publishing
from shared.messaging.received import Batch, Following, Subscription
from shared.storage.mongo import connect, insert_new
from shared.storage.outbox import relaying
from tests.support.kafka import Said, named_contract, readers_of
from tests.support.killing import say

# The other members of a group wait this long for one that was killed and does not come back.
WITHOUT_NAME = ConsumerPolicy(session_seconds=4.0, heartbeat_seconds=1.0)


async def read(kafka: str, mongo: str, database_name: str, topic: str, name: str) -> None:
    """Write what is heard to the database; as "stuck", write and never come to commit."""
    async with connect(mongo, database_name) as database, publishing(kafka, name) as publisher:

        async def hear(batch: Batch[Said]) -> Following:
            numbers = [received.event.number for received in batch]
            await insert_new(database["heard"], [{"_id": number, "by": name} for number in numbers])
            await database["writes"].insert_one({"by": name, "numbers": numbers})
            say(f"wrote {' '.join(map(str, numbers))}")
            if name == "stuck":
                await asyncio.Event().wait()
            return []

        contract = named_contract(topic)
        subscription = Subscription(readers_of(contract), [contract], hear, codes=())
        # "stuck" and the one after it are the same member of the group: no session has to time out.
        instance = "member" if name in {"stuck", "restarted"} else ""
        policy = ConsumerPolicy() if instance else WITHOUT_NAME
        async with consuming(kafka, [subscription], publisher, instance=instance, policy=policy):
            await asyncio.Event().wait()


class Stuck(Publisher):
    """Publishes, and never comes back from it."""

    async def write(self, records: Sequence[Record]) -> None:
        """Say what was written, then wait for ever."""
        await super().write(records)
        say(f"published {len(records)}")
        await asyncio.Event().wait()


async def relay(kafka: str, mongo: str, database_name: str) -> None:
    """Relay the outbox until the first set is published."""
    async with (
        connect(mongo, database_name) as database,
        relaying(database, Stuck(kafka, "stuck"), owner="stuck"),
    ):
        await asyncio.Event().wait()
