"""Makes each projection again in a scratch database, compares it with the live one, and drops the scratch."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from collections.abc import Collection as Several
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ops.deployment.whole_topics import bounds_of
from ops.rebuilding.compared import Difference, compare
from ops.rebuilding.feed import feed
from ops.rebuilding.projections import ALL, CLOCKS, SERVICES, Projection, Rebuilt
from ops.rebuilding.wired import Silent, wired
from shared.messaging.connection import Kafka
from shared.messaging.received import Subscription
from shared.storage import mongo as storage
from shared.storage.mongo import ASCENDING, Collection, Database, Document

COPIED_AT_ONCE = 1_000
ERASED = {"erased": True}


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    A projection, and how it differs from the live one.

    Attributes:
        is_short: the log has lost its beginning, so documents that are only in the live one may be older.
    """

    service: str
    collection: str
    difference: Difference
    is_short: bool

    @property
    def agrees(self) -> bool:
        """True if nothing differs that the log can tell."""
        found = self.difference
        return not (found.missing_count or found.differing_count or (found.more_count and not self.is_short))


def live_name(service: str) -> str:
    """The live database of a service."""
    return f"kepu_{service}"


def scratch_name(service: str) -> str:
    """Where its projections are made again."""
    return f"kepu_rebuild_{service}"


async def rebuild(
    kafka: Kafka, mongo: str, tell: Callable[[str], None], services: Several[str] = SERVICES
) -> list[Outcome]:
    """
    Make every projection again, and compare.

    The deployment has to be at rest: what is under way would differ.

    Args:
        services: only those of these services.
    """
    outcomes: list[Outcome] = []
    for service in services:
        parts = [one for one in ALL if one.service == service]
        async with (
            storage.connect(mongo, live_name(service)) as live,
            _scratch(mongo, scratch_name(service)) as scratch,
        ):
            for name in dict.fromkeys(name for one in parts for name in one.given):
                await _copy(live, scratch, name)
            silent = Silent(kafka, "kepu-rebuild")
            for one in parts:
                # Anew for each: a service reads at its start who was erased.
                async with wired(service, kafka, mongo, scratch, silent) as subscriptions:
                    subscription = subscriptions[one.group]
                    outcomes += await _rebuilt(kafka, one, subscription, silent, live, scratch, tell)
    return outcomes


async def _rebuilt(
    kafka: Kafka,
    one: Rebuilt,
    subscription: Subscription,
    silent: Silent,
    live: Database,
    scratch: Database,
    tell: Callable[[str], None],
) -> list[Outcome]:
    contracts: Sequence[Any] = one.reads or subscription.contracts
    bounds = await asyncio.to_thread(bounds_of, kafka, [contract.topic for contract in contracts])
    total = sum(end - low for low, end in bounds.values())
    compacted_or_whole = all(low == 0 for low, _ in bounds.values())
    tell(f"{one.group}: {total:,} records of {len(contracts)} topics are read again …")
    await feed(kafka, subscription, contracts, silent, lambda _: None)
    erased = {found["_id"] async for found in scratch["participants"].find(ERASED, {"_id": 1})}
    return [
        Outcome(
            one.service,
            projection.collection,
            await _compared(projection, live, scratch, erased),
            not compacted_or_whole,
        )
        for projection in one.projections
    ]


async def _compared(
    projection: Projection, live: Database, scratch: Database, erased: Several[str]
) -> Difference:
    rebuilt, kept = (_documents(database[projection.collection]) for database in (scratch, live))
    return await compare(rebuilt, kept, {*projection.left_out, *CLOCKS}, projection.person, erased)


async def _documents(collection: Collection) -> AsyncIterator[Document]:
    async for document in collection.find().sort("_id", ASCENDING):
        yield document


async def _copy(live: Database, scratch: Database, name: str) -> None:
    """What belongs to the service itself and does not follow from events."""
    batch: list[Any] = []
    async for document in live[name].find():
        batch.append(document)
        if len(batch) == COPIED_AT_ONCE:
            await scratch[name].insert_many(batch)
            batch = []
    if batch:
        await scratch[name].insert_many(batch)


@asynccontextmanager
async def _scratch(mongo: str, name: str) -> AsyncIterator[Database]:
    """An empty database, dropped at the end; also one that a killed run has left."""
    async with storage.connect(mongo, name) as database:
        await database.client.drop_database(name)
        try:
            yield database
        finally:
            await database.client.drop_database(name)
