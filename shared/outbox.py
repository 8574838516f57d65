"""
The outbox: state and the events that tell of it in one transaction, then to Kafka by a relay.

`append` writes events beside the state; the `Relay` publishes them in order and
deletes what Kafka has acknowledged. A crash between the two publishes again, with the
same ids. One relay a service works at a time, under a lease; when its process dies
another takes over within `LEASE_SECONDS`.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from shared import metrics
from shared.envelope import Envelope, Event
from shared.errors import Unavailable
from shared.mongo import (
    ASCENDING,
    Database,
    Document,
    DuplicateKeyError,
    PyMongoError,
    Session,
    UpdateOne,
    outages_named,
)
from shared.publisher import Publisher, Record, to_record

log = logging.getLogger(__name__)

COLLECTION = "outbox"
LEASES = "leases"
RELAY_EVENTS_MAX = 500
SWEEP_SECONDS = 1.0
LEASE_SECONDS = 5.0
PAUSE_SECONDS = 0.5


def _ascending() -> Iterator[int]:
    """The time in nanoseconds, never twice the same and never backwards within this process."""
    last = 0
    while True:
        last = max(time.time_ns(), last + 1)
        yield last


_order = _ascending()


async def append(database: Database, session: Session, envelopes: Sequence[Envelope[Event]]) -> None:
    """
    Write events inside the transaction that makes them true.

    An event that already waits (the same id) is written once.
    """
    if not envelopes:
        return
    # Upserts, since an insert that finds its id taken would abort the whole transaction.
    await database[COLLECTION].bulk_write(
        [
            UpdateOne({"_id": envelope.context.id}, {"$setOnInsert": _document(envelope)}, upsert=True)
            for envelope in envelopes
        ],
        session=session,
    )


def _document(envelope: Envelope[Event]) -> Document:
    topic, key, value, headers = to_record(envelope)
    return {
        "order": next(_order),
        "topic": topic,
        "key": key,
        "value": value,
        "headers": [[name, header] for name, header in headers],
    }


async def prepare(database: Database) -> None:
    """Create the outbox and its index; a transaction must not have to."""
    with outages_named():
        await database[COLLECTION].create_index([("order", ASCENDING)])


class Relay:
    """Publishes one service's outbox, while it holds the lease."""

    def __init__(self, database: Database, publisher: Publisher, *, owner: str) -> None:
        self._database = database
        self._publisher = publisher
        self._owner = owner
        self._awake = asyncio.Event()
        self._leading = False
        self.outage: str | None = None

    async def run(self) -> None:
        """Relay until cancelled."""
        waking = asyncio.create_task(self._wake_on_insert())
        try:
            while True:
                try:
                    await self._turn()
                    self.outage = None
                except Unavailable as error:
                    self.outage = error.message
                    log.warning("outbox waits for a server", extra={"reason": error.message})
                    await asyncio.sleep(PAUSE_SECONDS)
                except Exception as error:
                    # Without the error's words: everyone may read the health, and they may quote an event.
                    self.outage = type(error).__name__
                    log.exception("outbox relay failed; trying again")
                    await asyncio.sleep(PAUSE_SECONDS)
        finally:
            waking.cancel()
            with suppress(Unavailable, PyMongoError):
                await self._give_up_lease()

    async def check(self) -> str | None:
        """What the relay waits for, or None while it works; a health check."""
        return self.outage

    async def _turn(self) -> None:
        self._leading = await self._take_lease()
        metrics.RELAY_LEADER.set(1 if self._leading else 0)
        if not self._leading:
            # The leader tells of the outbox; a last value that stays would look like a backlog.
            metrics.OUTBOX_WAITING.set(0)
            metrics.OUTBOX_OLDEST_AGE.set(0)
        while self._leading and await self._publish_some() == RELAY_EVENTS_MAX:
            self._leading = await self._take_lease()
        self._awake.clear()
        with suppress(TimeoutError):
            # The change stream only wakes; the sweep is the truth.
            async with asyncio.timeout(SWEEP_SECONDS):
                await self._awake.wait()

    async def _publish_some(self) -> int:
        outbox = self._database[COLLECTION]
        with outages_named():
            waiting = await outbox.find().sort("order", ASCENDING).limit(RELAY_EVENTS_MAX).to_list(None)
            count = len(waiting)
            if count == RELAY_EVENTS_MAX:
                count = await outbox.estimated_document_count()
        metrics.OUTBOX_WAITING.set(count)
        metrics.OUTBOX_OLDEST_AGE.set(time.time() - waiting[0]["order"] / 1e9 if waiting else 0)
        if waiting:
            await self._publisher.write([_record(document) for document in waiting])
            # Delete only what Kafka has acknowledged: a crash here repeats, never loses.
            with outages_named():
                await outbox.delete_many({"_id": {"$in": [document["_id"] for document in waiting]}})
        return len(waiting)

    async def _take_lease(self) -> bool:
        now = datetime.now(UTC)
        with outages_named():
            try:
                await self._database[LEASES].update_one(
                    {"_id": "relay", "$or": [{"owner": self._owner}, {"until": {"$lt": now}}]},
                    {"$set": {"owner": self._owner, "until": now + timedelta(seconds=LEASE_SECONDS)}},
                    upsert=True,
                )
            except DuplicateKeyError:
                return False
        return True

    async def _give_up_lease(self) -> None:
        await self._database[LEASES].delete_one({"_id": "relay", "owner": self._owner})

    async def _wake_on_insert(self) -> None:
        while True:
            try:
                inserts: list[Document] = [{"$match": {"operationType": "insert"}}, {"$project": {"_id": 1}}]
                async with self._database[COLLECTION].watch(inserts) as changes:
                    async for _ in changes:
                        self._awake.set()
            except PyMongoError:
                await asyncio.sleep(PAUSE_SECONDS)


def _record(document: Document) -> Record:
    headers = [(name, bytes(header)) for name, header in document["headers"]]
    return document["topic"], bytes(document["key"]), bytes(document["value"]), headers


@asynccontextmanager
async def relaying(database: Database, publisher: Publisher, *, owner: str) -> AsyncIterator[Relay]:
    """Run a relay until the end of the block."""
    await prepare(database)
    relay = Relay(database, publisher, owner=owner)
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
