"""
Processes that tests kill: `python actors.py reader|relay KAFKA MONGO DATABASE TOPIC [NAME]`.

Each says on standard output what it has just done, a line each.
"""

import asyncio
import sys
from collections.abc import Sequence

from shared.messaging.consuming import consuming
from shared.messaging.publisher import Publisher, Record, publishing
from shared.messaging.received import Batch, Following, Subscription
from shared.storage.mongo import connect, insert_new
from shared.storage.outbox import relaying
from tests.support.kafka import Said, named_contract, readers_of


async def read(kafka: str, mongo: str, database_name: str, topic: str, name: str) -> None:
    """Write what is heard to the database; as "stuck", write and never come to commit."""
    async with connect(mongo, database_name) as database, publishing(kafka, name) as publisher:

        async def hear(batch: Batch[Said]) -> Following:
            numbers = [received.event.number for received in batch]
            await insert_new(database["heard"], [{"_id": number, "by": name} for number in numbers])
            await database["writes"].insert_one({"by": name, "numbers": numbers})
            print("wrote", *numbers, flush=True)  # noqa: T201 (the test reads it)
            if name == "stuck":
                await asyncio.Event().wait()
            return []

        contract = named_contract(topic)
        subscription = Subscription(readers_of(contract), [contract], hear, codes=())
        # "stuck" and the one after it are the same member of the group: no session has to time out.
        instance = "member" if name in {"stuck", "restarted"} else ""
        async with consuming(kafka, [subscription], publisher, instance=instance):
            await asyncio.Event().wait()


class Stuck(Publisher):
    """Publishes, and never comes back from it."""

    async def write(self, records: Sequence[Record]) -> None:
        """Say what was written, then wait for ever."""
        await super().write(records)
        print("published", len(records), flush=True)  # noqa: T201 (the test reads it)
        await asyncio.Event().wait()


async def relay(kafka: str, mongo: str, database_name: str) -> None:
    """Relay the outbox until the first set is published."""
    async with (
        connect(mongo, database_name) as database,
        relaying(database, Stuck(kafka, "stuck"), owner="stuck"),
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["reader", kafka, mongo, database, topic, name]:
            asyncio.run(read(kafka, mongo, database, topic, name))
        case ["relay", kafka, mongo, database]:
            asyncio.run(relay(kafka, mongo, database))
        case _:
            sys.exit(__doc__)
