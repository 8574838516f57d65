"""
The outbox: state and the events that tell of it in one transaction, then to Kafka by a relay.

`append` writes events beside the state, many in one document, since what a document
costs is the same for one event and for a hundred; the `Relay` publishes them in order
and deletes what Kafka has acknowledged. A crash between the two publishes again, with
the same ids. One relay a service works at a time, under a lease; when its process dies
another takes over within `LEASE_SECONDS`.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from shared.contracts.envelope import Envelope, Event
from shared.messaging.publisher import Publisher, Record, to_record
from shared.runtime import metrics
from shared.runtime.background import beside
from shared.runtime.errors import Unavailable
from shared.storage.mongo import (
    ASCENDING,
    Database,
    Document,
    DuplicateKeyError,
    PyMongoError,
    Session,
    outages_named,
)

log = logging.getLogger(__name__)

COLLECTION = "outbox"
LEASES = "leases"
PACK_EVENTS_MAX = 100
# MongoDB takes 16 MiB a document; a pack has one event at least, and no topic takes a larger one than this.
PACK_BYTES_MAX = 1_048_576
RELAY_PACKS_MAX = 20
# How often the outbox is looked at. No change stream: one reads every write of the whole server to find the
# few that it is about (docs/decisions/0012-outbox-looks.md).
LOOK_SECONDS = 0.1
BUSY_LOOK_SECONDS = 0.05
STANDBY_SECONDS = 1.0
LEASE_SECONDS = 5.0
LEASE_RENEWED_SECONDS = 1.0
BUSY_SECONDS = 1.0
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

    Whoever appends looks in the same transaction whether it has happened already: an event
    that is appended twice is published twice, under its one id.
    """
    if envelopes:
        records = [to_record(envelope) for envelope in envelopes]
        packs = [_pack(some) for some in _packs(records)]
        await database[COLLECTION].insert_many(packs, session=session)


def _packs(records: Sequence[Record]) -> Iterator[list[Record]]:
    pack: list[Record] = []
    size_bytes = 0
    for record in records:
        record_bytes = len(record[2] or b"")
        if pack and (len(pack) == PACK_EVENTS_MAX or size_bytes + record_bytes > PACK_BYTES_MAX):
            yield pack
            pack, size_bytes = [], 0
        pack.append(record)
        size_bytes += record_bytes
    yield pack


def _pack(records: Sequence[Record]) -> Document:
    return {
        "order": next(_order),
        "events": [
            {"topic": topic, "key": key, "value": value, "headers": dict(headers)}
            for topic, key, value, headers in records
        ],
    }


def _records(pack: Document) -> list[Record]:
    if "events" not in pack:
        # An earlier version wrote each event into a document of its own.
        headers = [(name, bytes(value)) for name, value in pack["headers"]]
        return [(pack["topic"], pack["key"], pack["value"], headers)]
    return [
        (event["topic"], event["key"], event["value"], list(event["headers"].items()))
        for event in pack["events"]
    ]


async def waiting(database: Database) -> list[Record]:
    """All that waits to be published, in order; for tests and people who look."""
    with outages_named():
        packs = await database[COLLECTION].find().sort("order", ASCENDING).to_list(None)
    return [record for pack in packs for record in _records(pack)]


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
        self._leading = False
        self._renew_at = 0.0
        self._busy_until = 0.0
        self.outage: str | None = None

    async def run(self) -> None:
        """Relay until cancelled."""
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
            with suppress(Unavailable, PyMongoError):
                await self._give_up_lease()

    async def check(self) -> str | None:
        """What the relay waits for, or None while it works; a health check."""
        return self.outage

    async def _turn(self) -> None:
        await self._lead()
        if not self._leading:
            await asyncio.sleep(STANDBY_SECONDS)
            return
        published = await self._publish_some()
        while published == RELAY_PACKS_MAX:
            await self._lead()
            if not self._leading:
                return
            published = await self._publish_some()
        if published:
            self._busy_until = time.monotonic() + BUSY_SECONDS
        await asyncio.sleep(BUSY_LOOK_SECONDS if time.monotonic() < self._busy_until else LOOK_SECONDS)

    async def _publish_some(self) -> int:
        """Publish the packs that wait longest; returns how many there were, at most `RELAY_PACKS_MAX`."""
        outbox = self._database[COLLECTION]
        with outages_named():
            packs = await outbox.find().sort("order", ASCENDING).limit(RELAY_PACKS_MAX).to_list(None)
            records = [record for pack in packs for record in _records(pack)]
            count = len(records)
            if len(packs) == RELAY_PACKS_MAX:
                # The rest is taken to be like these.
                count = count * await outbox.estimated_document_count() // RELAY_PACKS_MAX
        metrics.OUTBOX_WAITING.set(count)
        metrics.OUTBOX_OLDEST_AGE.set(time.time() - packs[0]["order"] / 1e9 if packs else 0)
        if packs:
            await self._publisher.write(records)
            # Delete only what Kafka has acknowledged: a crash here repeats, never loses.
            with outages_named():
                await outbox.delete_many({"_id": {"$in": [pack["_id"] for pack in packs]}})
        return len(packs)

    async def _lead(self) -> None:
        """Take or keep the lease; a publication begins with most of it still to come."""
        if self._leading and time.monotonic() < self._renew_at:
            return
        asked_at = time.monotonic()
        self._leading = await self._take_lease()
        # Only once it is had: a lease that could not be renewed must not pass for one that was.
        self._renew_at = asked_at + LEASE_RENEWED_SECONDS
        metrics.RELAY_LEADER.set(1 if self._leading else 0)
        if not self._leading:
            # The leader tells of the outbox; a last value that stays would look like a backlog.
            metrics.OUTBOX_WAITING.set(0)
            metrics.OUTBOX_OLDEST_AGE.set(0)

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


@asynccontextmanager
async def relaying(database: Database, publisher: Publisher, *, owner: str) -> AsyncIterator[Relay]:
    """Run a relay until the end of the block."""
    await prepare(database)
    relay = Relay(database, publisher, owner=owner)
    async with beside(relay.run()):
        yield relay
