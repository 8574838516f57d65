"""
The outbox: a transaction writes its events beside the state, and a relay publishes them to Kafka.

`append` writes the events of a transaction, many in one document (packs.py). The `Relay` publishes them in
order and deletes the events that Kafka has acknowledged. If it crashes after publishing and before deleting,
it publishes them again, with the same ids.

Only one relay of a service works at a time, because it needs a lease. When its process dies, another relay
takes over after the end of the lease. If a process stands still in the middle of a write, and goes on later,
it publishes these events once more, with the same ids. Readers keep the highest version.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from shared.contracts.envelope import Envelope, Event
from shared.contracts.topics import event_bytes_max
from shared.messaging.published_spans import record_published
from shared.messaging.publisher import Publisher, Record, to_record
from shared.runtime import metrics, tracing
from shared.runtime.background import Loop, looping
from shared.runtime.errors import Rejected, Unavailable
from shared.runtime.ids import random_id
from shared.runtime.measurement import Measurement
from shared.storage.lease import Lease, Term
from shared.storage.mongo import ASCENDING, Database, Document, PyMongoError, Session, outages_named
from shared.storage.packs import Written, in_packs, packed, unpacked

COLLECTION = "outbox"
RELAY_PACKS_MAX = 20
# As many events as a hundred newcomers have.
RUSH_PACKS = 4
RETRY_SECONDS_MAX = 2.0
# Longer than a write to Kafka may take (shared/messaging/publisher.py): the outbox is not measured meanwhile.
MEASURED_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Looks:
    """
    How often the relay polls the outbox, in seconds.

    There is no change stream: that would read every write of the whole server to find a few
    (docs/decisions/0012-outbox-looks.md).

    Attributes:
        first_seconds: until the first look after this process has written events, if it was quiet before.
        busy_look_seconds: between two looks, for `busy_seconds` after events were written here or found.
        rush_look_seconds: after a look that found `RUSH_PACKS`. Then Kafka gets fewer and larger batches: a
            rush of registrations costs 8 % less.
        look_seconds: between two looks later on.
        quiet_look_seconds: between two looks after nothing was found for `quiet_after_seconds`. Only events
            that another process writes wait for this time.
        standby_seconds: between two tries to get the lease.
    """

    first_seconds: float = 0.02
    busy_look_seconds: float = 0.05
    rush_look_seconds: float = 0.15
    busy_seconds: float = 1.0
    look_seconds: float = 0.1
    quiet_look_seconds: float = 1.0
    quiet_after_seconds: float = 30.0
    standby_seconds: float = 1.0


def _ascending() -> Iterator[int]:
    """The time in nanoseconds, never twice the same and never backwards within this process."""
    last = 0
    while True:
        last = max(time.time_ns(), last + 1)
        yield last


_order = _ascending()


async def append(database: Database, session: Session, envelopes: Sequence[Envelope[Event] | Record]) -> None:
    """
    Write events in the same transaction as the state. Records among them are written unchanged.

    An event that is appended twice is published twice, with one id. So the caller checks, in the same
    transaction, whether the thing has happened already.

    Raises:
        Rejected: an event is larger than its readers accept. It would also stop all later events.
    """
    if envelopes:
        records = [to_record(one) if isinstance(one, Envelope) else one for one in envelopes]
        for topic, _, value, _ in records:
            if value is not None and len(value) > event_bytes_max(topic):
                raise Rejected(f"an event of {len(value)} bytes does not fit {topic}", code="too_large")
        packs = {random_id(): some for some in in_packs(records)}
        documents = [{"_id": id_, "order": next(_order), **packed(some)} for id_, some in packs.items()]
        await database[COLLECTION].insert_many(documents, session=session)
        for relay in _relays[database.name]:
            relay.expect(packs)


async def waiting(database: Database) -> list[Record]:
    """The records that wait to be published, in order; for tests and for people who look."""
    with outages_named():
        packs = await database[COLLECTION].find().sort("order", ASCENDING).to_list(None)
    return [record for pack in packs for record in unpacked(pack)]


async def prepare(database: Database) -> None:
    """Create the outbox and its index now: creating it in a transaction causes conflicts."""
    with outages_named():
        await database[COLLECTION].create_index([("order", ASCENDING)])


class Relay:
    """Publishes one service's outbox, while it has the lease."""

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        *,
        owner: str,
        looks: Looks | None = None,
        term: Term | None = None,
        measured_seconds: float = MEASURED_SECONDS,
    ) -> None:
        self.loop = Loop("relay", self._turn, retry_seconds_max=RETRY_SECONDS_MAX)
        self._database = database
        self._outbox = database[COLLECTION]
        self._publisher = publisher
        self._looks = looks or Looks()
        self._lease = Lease(database, "relay", owner=owner, term=term)
        self._written = Written()
        self._found_at = time.monotonic()
        self._busy_until = 0.0
        self._is_leader = Measurement(metrics.RELAY_LEADER, seconds_max=measured_seconds)
        self._waiting = Measurement(metrics.OUTBOX_WAITING, seconds_max=measured_seconds)
        self._oldest_age = Measurement(metrics.OUTBOX_OLDEST_AGE, seconds_max=measured_seconds)

    @property
    def leading(self) -> bool:
        """Whether this relay has the lease, as far as it knows."""
        return self._lease.held

    async def check(self) -> str | None:
        """What the relay waits for, or None while it works. A health check."""
        return await self.loop.check()

    def expect(self, packs: Mapping[str, Sequence[Record]]) -> None:
        """Poll soon: a transaction of this process has written these packs and will commit in a moment."""
        if self.leading:
            self._written.remember(packs)
        now = time.monotonic()
        if self.leading and now >= self._busy_until:
            asyncio.get_running_loop().call_later(self._looks.first_seconds, self.loop.wake)
        self._busy_until = now + self._looks.busy_seconds

    async def _turn(self) -> float:
        leading = await self._lease.hold()
        self._is_leader.set(1 if leading else 0)
        if not leading:
            # The leader reports the outbox. If our last value stayed, it would look like a backlog.
            self._waiting.set(0)
            self._oldest_age.set(0)
            return self._looks.standby_seconds
        published = await self._publish_some()
        if published:
            self._found_at = time.monotonic()
            self._busy_until = self._found_at + self._looks.busy_seconds
        if published >= RUSH_PACKS:
            return 0.0 if published == RELAY_PACKS_MAX else self._looks.rush_look_seconds
        return self._rest_seconds()

    def _rest_seconds(self) -> float:
        now = time.monotonic()
        if now < self._busy_until:
            return self._looks.busy_look_seconds
        quiet = now > self._found_at + self._looks.quiet_after_seconds
        return self._looks.quiet_look_seconds if quiet else self._looks.look_seconds

    def _records(self, pack: Document) -> Sequence[Record]:
        return self._written.take(pack["_id"]) or unpacked(pack)

    async def _publish_some(self) -> int:
        """Publish the oldest packs. Returns their number, at most `RELAY_PACKS_MAX`."""
        with outages_named():
            packs = await self._outbox.find().sort("order", ASCENDING).limit(RELAY_PACKS_MAX).to_list(None)
            by_pack = [self._records(pack) for pack in packs]
            records = [record for some in by_pack for record in some]
            count = len(records)
            if len(packs) == RELAY_PACKS_MAX:
                # An estimate: we assume that the other packs are similar.
                count = count * await self._outbox.estimated_document_count() // RELAY_PACKS_MAX
        self._waiting.set(count)
        self._oldest_age.set(time.time() - packs[0]["order"] / 1e9 if packs else 0)
        if packs:
            # Ask again: reading may have taken long, and two relays must never write at the same time.
            if not await self._lease.hold():
                return 0
            await self._lease.during(self._publisher.write(records))
            if tracing.recorder is not None:
                for pack, some in zip(packs, by_pack, strict=True):
                    record_published(tracing.recorder, some, pack["order"], step="relay")
            # Delete only after Kafka has acknowledged: a crash here repeats events and loses none.
            with outages_named():
                await self._outbox.delete_many({"_id": {"$in": [pack["_id"] for pack in packs]}})
        return len(packs)

    async def give_up(self) -> None:
        """Let another process take over without waiting for the end of the lease."""
        with suppress(Unavailable, PyMongoError):
            await self._lease.give_up()


# The relays of this process, by the name of their database.
_relays: dict[str, list[Relay]] = defaultdict(list)


@asynccontextmanager
async def relaying(
    database: Database,
    publisher: Publisher,
    *,
    owner: str,
    looks: Looks | None = None,
    term: Term | None = None,
) -> AsyncIterator[Relay]:
    """Run a relay until the end of the block."""
    await prepare(database)
    relay = Relay(database, publisher, owner=owner, looks=looks, term=term)
    _relays[database.name].append(relay)
    try:
        async with looping(relay.loop):
            yield relay
    finally:
        _relays[database.name].remove(relay)
        await relay.give_up()
