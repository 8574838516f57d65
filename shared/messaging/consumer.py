"""
A batch of records to a handler, and what becomes of it: decode each alone, retry with
backoff, bisect, dead-letter, publish what follows, and commit after all of that.

A crash anywhere repeats the batch; handlers make a repeat harmless by ids that derive
from causes (docs/decisions/0003-batches.md).
"""

import asyncio
import logging
import random
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Generic, TypeAlias, TypeVar

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, CorruptRecordException, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from pydantic import ValidationError

from shared.contracts.envelope import Context, Envelope, Event, Headers, from_headers
from shared.contracts.topics import DEAD_RECORD_BYTES_MAX, dead_letters
from shared.messaging.publisher import Publisher, Record
from shared.runtime import metrics
from shared.runtime.errors import Rejected, Unavailable

log = logging.getLogger(__name__)

BATCH_EVENTS_MAX = 1_000
# It ends with the first record: to come back for nothing is all that a longer wait saves.
POLL_WAIT_MS = 1_000
EVENT_BYTES_MAX = 786_432
# Larger batches cost less everywhere: the broker gathers so many bytes, or for so long.
FETCH_BYTES_MIN = 131_072
GATHER_MS = 100
TRIES_MAX = 5
# Of the halves of a batch that failed TRIES_MAX times: the transient has had its chance.
HALF_TRIES_MAX = 2
BACKOFF_SECONDS = 0.1
BACKOFF_SECONDS_MAX = 5.0
BACKOFF_DOUBLINGS_MAX = 16
SESSION_TIMEOUT_MS = 10_000
POLL_INTERVAL_MS_MAX = 600_000
POLL_SILENCE_SECONDS_MAX = 60.0
DEAD_RATIO_MAX = 0.5
DEAD_RATIO_WINDOW = 1_000
# Below this many dead letters in the window a high ratio proves nothing.
DEAD_RATIO_FLOOR = 100
REASON_CHARS_MAX = 500
# Key, value and headers of a dead letter, before the framing that Kafka adds.
DEAD_BYTES_MAX = DEAD_RECORD_BYTES_MAX - 16_384
START_SECONDS_MAX = 60.0
OBSERVE_SECONDS = 2.0

E_co = TypeVar("E_co", covariant=True)
Raw: TypeAlias = ConsumerRecord[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Received(Generic[E_co]):
    """One event as it came in, and the record that it came in."""

    event: E_co
    context: Context
    record: Raw

    @property
    def appended_at(self) -> datetime:
        """The record's time: the broker's own where the topic says so, else the sender's."""
        return _time(self.record)


@dataclass(slots=True)
class Batch(Generic[E_co]):
    """The good events of one poll, in order; `reject` sends one of them to the dead letters."""

    events: Sequence[Received[E_co]]
    rejected: list[tuple[Raw, Rejected]] = field(default_factory=list)

    def __iter__(self) -> Iterator[Received[E_co]]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def reject(self, received: Received[Any], why: Rejected) -> None:
        """Retrying this one cannot help; its neighbours are handled as usual."""
        self.rejected.append((received.record, why))


Following: TypeAlias = Sequence[Envelope[Event] | Record]
Handler: TypeAlias = Callable[[Batch[Any]], Awaitable[Following]]
Decode: TypeAlias = Callable[[Sequence[bytes]], Sequence[Any]]
"""The events of many values, in order; raises Rejected when any of them is wrong."""


def decoder(contract: type[Event]) -> Decode:
    """Decode values by their pydantic contract."""

    def decode(values: Sequence[bytes]) -> Sequence[Event]:
        try:
            return [contract.model_validate_json(value) for value in values]
        except ValidationError as error:
            raise Rejected(_first_problem(error), code="bad_body") from error

    return decode


def _first_problem(error: ValidationError) -> str:
    # Without the input itself: it may hold what must not be logged.
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "body"
    return f"{place}: {first['msg']}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """
    What one group reads, and the function that handles it.

    `handle` gets the good events of a poll in order and returns the events that follow
    from them. Whatever it has written must bear a repeat. `decoders` replaces a topic's
    own decoding where a faster one is proved equal. `gather_ms` is how long an event may
    wait at the broker for company.
    """

    group: str
    contracts: Sequence[type[Event]]
    handle: Handler
    decoders: Mapping[str, Decode] = field(default_factory=dict)
    gather_ms: int = GATHER_MS


class _TooManyDead(Exception):
    """So much would be dead-lettered that the fault must be ours."""


class Consumer:
    """One group's consumer in this process."""

    def __init__(
        self,
        subscription: Subscription,
        publisher: Publisher,
        *,
        backoff_seconds: float = BACKOFF_SECONDS,
    ) -> None:
        self.group = subscription.group
        self.halted: str | None = None
        self._contracts = {contract.topic: contract for contract in subscription.contracts}
        self._decoders = {
            topic: subscription.decoders.get(topic, decoder(contract))
            for topic, contract in self._contracts.items()
        }
        self._handle = subscription.handle
        self._gather_ms = subscription.gather_ms
        self._publisher = publisher
        self._backoff_seconds = backoff_seconds
        self._recently_dead: deque[bool] = deque(maxlen=DEAD_RATIO_WINDOW)
        # Of the batch at hand.
        self._handled = self._given_up = 0
        self._outage: str | None = None
        self._oldest_at: float | None = None
        self._read_to: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._subscriber: Any = None
        metrics.OLDEST_AGE.labels(self.group).set_function(
            lambda: time.time() - self._oldest_at if self._oldest_at else 0.0
        )

    def subscribe(self, broker: KafkaBroker, instance: str = "") -> None:
        """Register with the broker, before it starts; `instance` names this process for static membership."""
        topics: tuple[str, ...] = tuple(self._contracts)
        codec: Any = _AsTheyCame()
        self._subscriber = broker.subscriber(
            *topics,
            group_id=self.group,
            group_instance_id=f"{self.group}-{instance}" if instance else None,
            batch=True,
            max_records=BATCH_EVENTS_MAX,
            fetch_min_bytes=FETCH_BYTES_MIN,
            fetch_max_wait_ms=self._gather_ms,
            auto_offset_reset="earliest",
            # What another system has taken back never happened.
            isolation_level="read_committed",
            ack_policy=AckPolicy.MANUAL,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            max_poll_interval_ms=POLL_INTERVAL_MS_MAX,
            parser=self._parse,
            codec=codec,
        )
        # FastStream's own poll sleeps after each one that finds nothing, and dies of what it cannot read.
        self._subscriber.get_msg = self._poll
        self._subscriber(self._consume)

    async def _poll(self, consumer: Any) -> tuple[Raw, ...]:
        try:
            found: dict[TopicPartition, list[Raw]] = await consumer.getmany(
                timeout_ms=POLL_WAIT_MS, max_records=BATCH_EVENTS_MAX
            )
        except (CorruptRecordException, ValueError, IndexError) as error:
            # aiokafka cannot read a record (a header's name that is not UTF-8). What the poll had taken
            # from other partitions went with it, and a later commit would cover that.
            self._halt(f"a record cannot be read: {type(error).__name__}")
            return ()
        self._read_to = {}
        with suppress(IllegalStateError):
            # Past the markers of other systems' transactions, which are no records.
            self._read_to = {place: await consumer.position(place) for place in found}
        return tuple(chain.from_iterable(found.values()))

    async def _parse(self, records: tuple[Raw, ...]) -> KafkaMessage:
        # FastStream's own parser decodes headers and drops a batch that it cannot decode.
        return KafkaMessage(
            body=list(records), raw_message=records, consumer=self._subscriber.consumer, headers={}
        )

    async def _consume(self, records: list[Raw]) -> None:
        try:
            await self._settle(records)
        except _TooManyDead as error:
            self._halt(str(error))
        except Exception as error:
            # FastStream would skip the batch in silence: stop instead. Without the error's words, since
            # everyone may read the health, and they may quote what must not be told.
            log.exception("batch cannot be settled", extra={"group": self.group})
            self._halt(type(error).__name__)

    async def _settle(self, records: Sequence[Raw]) -> None:
        started = time.perf_counter()
        self._oldest_at = min(record.timestamp for record in records) / 1000
        self._handled = self._given_up = 0
        good, dead = self._decode(records)
        dead += await self._effect(good, TRIES_MAX)
        if self._too_many_dead(len(dead), len(records)):
            raise _TooManyDead(
                f"{len(dead)} of {len(records)} events would be dead-lettered: {dead[0][1].message}"
            )
        # Commit only after the dead letters are stored: a crash here repeats, never loses.
        await self._until_available(lambda: self._bury(dead))
        await self._commit(records)
        self._oldest_at = None
        metrics.CONSUME_SECONDS.labels(self.group).observe(time.perf_counter() - started)
        metrics.BATCH_EVENTS.labels(self.group).observe(len(records))

    def _decode(self, records: Sequence[Raw]) -> tuple[list[Received[Any]], list[tuple[Raw, Rejected]]]:
        contexts: dict[int, Context] = {}
        dead: list[tuple[Raw, Rejected]] = []
        by_topic: dict[str, list[int]] = defaultdict(list)
        for place, record in enumerate(records):
            try:
                contexts[place] = self._context(record)
                by_topic[record.topic].append(place)
            except Rejected as why:
                dead.append((record, why))
        events: dict[int, Any] = {}
        for topic, places in by_topic.items():
            decode = self._decoders[topic]
            values = [_value(records[place]) for place in places]
            try:
                events.update(zip(places, decode(values), strict=True))
            except Rejected:
                # One is wrong: find it, keep its neighbours.
                for place, value in zip(places, values, strict=True):
                    try:
                        events[place] = decode([value])[0]
                    except Rejected as why:
                        dead.append((records[place], why))
        good = [Received(events[place], contexts[place], records[place]) for place in sorted(events)]
        return good, dead

    def _context(self, record: Raw) -> Context:
        if record.value is None:
            raise Rejected("the record has no value", code="bad_body")
        if len(record.value) > EVENT_BYTES_MAX:
            raise Rejected(
                f"the body has {len(record.value)} of at most {EVENT_BYTES_MAX} bytes", code="too_large"
            )
        key = (record.key or b"").decode(errors="replace")
        try:
            appended_at = _time(record)
        except (ValueError, OverflowError, OSError):
            raise Rejected(f"the record's time {record.timestamp} is none", code="bad_time") from None
        context = from_headers(record.headers, appended_at=appended_at, key=key)
        expected = self._contracts[record.topic].type
        if context.type != expected:
            raise Rejected(f"ce_type is {context.type!r}, not {expected!r}", code="unknown_type")
        return context

    async def _effect(self, events: Sequence[Received[Any]], tries: int) -> list[tuple[Raw, Rejected]]:
        """Have the events handled and what follows published; returns those that cannot be."""
        if not events:
            return []
        failed: Exception | None = None
        attempt = 0
        while attempt < tries:
            batch = Batch(events)
            try:
                following = await self._handle(batch)
                await self._publisher.publish(following)
            except Unavailable as error:
                # An outage is no record's fault: wait for its end, however long.
                await self._wait_out(error)
            except Rejected as error:
                failed = error
                break
            except Exception as error:
                failed = error
                attempt += 1
                metrics.RETRIES.labels(self.group, type(error).__name__).inc()
                log.warning(
                    "batch failed",
                    exc_info=error,
                    extra={"group": self.group, "attempt": attempt, "events": len(events)},
                )
                await self._back_off(attempt)
            else:
                self._outage = None
                self._handled += len(events)
                return batch.rejected
        if len(events) == 1:
            self._given_up += 1
            if self._given_up >= DEAD_RATIO_FLOOR and self._given_up > self._handled:
                # Not single events but the handler fails: don't take minutes to try each of them.
                raise _TooManyDead(
                    f"{self._given_up} events would be dead-lettered, the last by {type(failed).__name__}"
                )
            why = (
                failed
                if isinstance(failed, Rejected)
                else Rejected(f"failed {tries} times: {type(failed).__name__}", code="handler_failed")
            )
            return [(events[0].record, why)]
        middle = len(events) // 2
        dead = await self._effect(events[:middle], HALF_TRIES_MAX)
        return dead + await self._effect(events[middle:], HALF_TRIES_MAX)

    async def _until_available(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Unavailable as error:
                await self._wait_out(error)
            else:
                self._outage = None
                return

    async def _wait_out(self, error: Unavailable) -> None:
        if self._outage is None:
            log.warning("waiting for a server", extra={"group": self.group, "reason": error.message})
        self._outage = error.message
        metrics.RETRIES.labels(self.group, type(error).__name__).inc()
        await self._back_off(TRIES_MAX)

    async def _back_off(self, attempt: int) -> None:
        doublings = min(attempt, BACKOFF_DOUBLINGS_MAX)
        longest = min(self._backoff_seconds * 2**doublings, BACKOFF_SECONDS_MAX)
        # Jittered, so that copies that failed together do not come back together.
        await asyncio.sleep(longest * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)

    def _too_many_dead(self, dead: int, records: int) -> bool:
        self._recently_dead.extend([True] * dead + [False] * (records - dead))
        recent = sum(self._recently_dead)
        return recent >= DEAD_RATIO_FLOOR and recent > DEAD_RATIO_MAX * len(self._recently_dead)

    async def _bury(self, dead: Sequence[tuple[Raw, Rejected]]) -> None:
        await self._publisher.write([_dead_letter(record, why, self.group) for record, why in dead])
        for record, why in dead:
            metrics.DEAD_LETTERED.labels(record.topic, self.group, why.code).inc()
            log.warning(
                "event dead-lettered",
                extra={
                    "group": self.group,
                    "topic": record.topic,
                    "partition": record.partition,
                    "offset": record.offset,
                    "code": why.code,
                },
            )

    async def _commit(self, records: Sequence[Raw]) -> None:
        attempt = 0
        while True:
            try:
                if offsets := await self._still_ours():
                    await self._subscriber.consumer.commit(offsets)
            except (CommitFailedError, IllegalStateError):
                # The partitions went to another member meanwhile: it repeats the batch, which is harmless.
                log.warning("commit refused after a rebalance", extra={"group": self.group})
                self._outage = None
                return
            except KafkaError as error:
                attempt += 1
                self._outage = f"Kafka takes no commit: {type(error).__name__}"
                await self._back_off(attempt)
            else:
                break
        self._outage = None
        self._committed.update(offsets)
        for topic, count in Counter(record.topic for record in records).items():
            metrics.CONSUMED.labels(topic, self.group).inc(count)

    async def _still_ours(self) -> dict[TopicPartition, int]:
        """
        Where the batch ended, of those partitions in which reading goes on from there.

        A partition that was another's meanwhile and came back is read on from what that one
        has committed. To commit what we held before would set the group back, and where no
        further record comes nothing would set it right again.
        """
        consumer = self._subscriber.consumer
        return {place: end for place, end in self._read_to.items() if await consumer.position(place) == end}

    def _halt(self, why: str) -> None:
        self.halted = why
        log.error(
            "consumer stopped; nothing of the batch is committed", extra={"group": self.group, "reason": why}
        )
        # No further poll: its commit would cover this batch too. Stopping waits for the
        # task that runs this, so another one has to do it.
        self._subscriber.running = False
        self._stopping = asyncio.create_task(self._subscriber.stop())

    def problem(self) -> str | None:
        """Why this consumer does not work, or None while it does."""
        if why := self.halted or self._outage:
            return why
        consumer = self._subscriber.consumer if self._subscriber else None
        if consumer is None or all(task.done() for task in self._subscriber.tasks):
            return "not running"
        for partition in consumer.assignment():
            polled_ms = consumer.last_poll_timestamp(partition) or 0
            silence_seconds = time.time() - polled_ms / 1000
            if polled_ms > 0 and silence_seconds > POLL_SILENCE_SECONDS_MAX:
                return f"no answer to a poll of {partition.topic} for {silence_seconds:.0f} s"
        return None

    async def check(self) -> str | None:
        """`problem`, as a health check."""
        return self.problem()

    async def observe(self) -> None:
        """Put liveness and the lag of every assigned partition into the metrics."""
        metrics.CONSUMER_RUNNING.labels(self.group).set(0 if self.problem() else 1)
        consumer = self._subscriber.consumer if self._subscriber else None
        if consumer is None:
            return
        assigned = consumer.assignment()
        for partition in self._committed.keys() - assigned:
            # Another member tells of it now; a last value that stays would look like lag for ever.
            del self._committed[partition]
            metrics.LAG.remove(partition.topic, self.group, str(partition.partition))
        for partition in assigned:
            end = consumer.highwater(partition)
            if partition not in self._committed:
                self._committed[partition] = await consumer.committed(partition) or 0
            if end is not None:
                metrics.LAG.labels(partition.topic, self.group, partition.partition).set(
                    max(0, end - self._committed[partition])
                )


class _AsTheyCame:
    """Leaves records as they are, so that each one is judged alone."""

    async def decode_batch(self, msg: KafkaMessage) -> Any:
        return msg.body

    async def decode(self, msg: KafkaMessage) -> Any:
        return msg.body

    async def encode(self, msg: Any, *_: Any, **__: Any) -> Any:
        return msg

    async def encode_batch(self, msgs: Any, *_: Any, **__: Any) -> Any:
        return msgs


def _value(record: Raw) -> bytes:
    # Never None here: `_context` has refused the record before.
    return record.value or b""


def _time(record: Raw) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


def _dead_letter(record: Raw, why: Rejected, group: str) -> Record:
    headers: Headers = [
        *record.headers,
        ("dead_code", why.code.encode()),
        ("dead_reason", why.message[:REASON_CHARS_MAX].encode()),
        ("dead_group", group.encode()),
        ("dead_topic", record.topic.encode()),
        ("dead_partition", str(record.partition).encode()),
        ("dead_offset", str(record.offset).encode()),
        ("dead_time", datetime.now(UTC).isoformat().encode()),
    ]
    topic = dead_letters(record.topic, group)
    size_bytes = sum(len(name) + len(value or b"") for name, value in headers)
    if len(record.key or b"") + len(record.value or b"") + size_bytes > DEAD_BYTES_MAX:
        # Compressed it came through, and no topic takes it as it is: what tells of it must do.
        return topic, None, b"", headers[len(record.headers) :]
    return topic, record.key, record.value, headers


@asynccontextmanager
async def consuming(
    kafka: str,
    subscriptions: Sequence[Subscription],
    publisher: Publisher,
    *,
    instance: str = "",
    backoff_seconds: float = BACKOFF_SECONDS,
) -> AsyncIterator[list[Consumer]]:
    """
    Run a consumer for each subscription until the end of the block.

    Raises:
        Unavailable: Kafka does not answer within `START_SECONDS_MAX`.
    """
    broker = KafkaBroker(
        kafka,
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        apply_types=False,
        # What FastStream would log at each start and stop is no news; its errors are.
        logger=logging.getLogger("kepu.faststream"),
    )
    consumers = [
        Consumer(subscription, publisher, backoff_seconds=backoff_seconds) for subscription in subscriptions
    ]
    for consumer in consumers:
        consumer.subscribe(broker, instance)
    await _start(broker, kafka)
    observing = asyncio.create_task(_observe(consumers))
    try:
        yield consumers
    finally:
        observing.cancel()
        await broker.stop()


async def _start(broker: KafkaBroker, kafka: str) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            await broker.start()
        except KafkaError as error:
            if time.monotonic() > deadline:
                raise Unavailable(f"Kafka at {kafka} does not answer: {type(error).__name__}") from error
            await asyncio.sleep(1)
        else:
            return


async def _observe(consumers: Sequence[Consumer]) -> None:
    while True:
        for consumer in consumers:
            try:
                await consumer.observe()
            except KafkaError:
                log.debug("lag not observed", extra={"group": consumer.group})
        await asyncio.sleep(OBSERVE_SECONDS)
