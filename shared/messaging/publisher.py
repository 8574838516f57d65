"""
Events to Kafka: keyed, idempotent, acknowledged by all replicas.

The partition follows from the key (shared/contracts/partitioning.py). So the records of one key are in one
partition, no matter who writes them.
"""

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.contracts.envelope import Envelope, Event, Headers, context_of, to_headers
from shared.contracts.origin import Fields, Origin
from shared.contracts.partitioning import partition_of
from shared.contracts.successions import DECLARED
from shared.contracts.topics import DEAD_RECORD_BYTES_MAX, LIVE
from shared.messaging.appended import note
from shared.messaging.connection import Kafka, client_arguments
from shared.messaging.published_spans import record_published
from shared.messaging.twins import Twins
from shared.runtime import metrics, tracing
from shared.runtime.errors import Rejected, Unavailable

log = logging.getLogger(__name__)

BATCH_BYTES_MAX = 262_144
# Bytes of values that one caller sends at a time; a larger record is sent alone. The batches of all
# partitions may go in one request, and the broker closes the connection if a request is above
# `socket.request.max.bytes`.
PORTION_BYTES_MAX = 2 * 1_048_576
REQUEST_TIMEOUT_MS = 10_000
ACKNOWLEDGED_SECONDS_MAX = 12.0
# Shorter than the limit of a health check, so that this check can say what is wrong.
PING_SECONDS_MAX = 1.5
RESTART_PAUSE_SECONDS = 0.5
# A topic may get more partitions while it is used. Each process knows of them within the first time, and
# writes to them after the second: until then those who read know of them too.
METADATA_SECONDS_MAX = 10
GROWN_AFTER_SECONDS = 20.0

Record = tuple[str, bytes | None, bytes | None, Headers]
"""Topic, key, value and headers of a record to be written."""

_encode = msgspec.json.Encoder().encode


def to_record(envelope: Envelope[Event]) -> Record:
    """The Kafka record of an event."""
    event = envelope.event
    return (
        event.topic,
        event.key.encode(),
        # What model_dump_json does, without a text in between.
        event.__pydantic_serializer__.to_json(event),
        to_headers(envelope.context),
    )


def record_of(
    contract: type[Event], fields: Fields, cause: str, origin: Origin, now: datetime, *, source: str
) -> Record:
    """
    The record of `shared.contracts.origin.enclosed`, in a fifth of the time, without the contract's checks.

    Use it only for events that come in thousands, and whose fields are checked already.

    Args:
        fields: all fields of the contract, in its order. Tests compare the record with what the
            contract writes (tests/registration/records.py).
    """
    key = str(fields[contract.key_field])
    context = context_of(
        contract.type,
        key,
        source=source,
        cause=cause,
        now=now,
        parent=origin.parent,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
        first_type=contract.first_type,
    )
    return contract.topic, key.encode(), _encode(fields), to_headers(context)


class Growth:
    """How many partitions of each topic are written to. More than before are used only after some time."""

    def __init__(self, after_seconds: float = GROWN_AFTER_SECONDS) -> None:
        self._after_seconds = after_seconds
        self._used: dict[str, int] = {}
        self._seen_at: dict[str, float] = {}

    def used(self, topic: str, present: int, now: float) -> int:
        """The number of partitions to write to, if the topic has `present` of them now."""
        used = self._used.setdefault(topic, present)
        if present == used:
            return used
        seen_at = self._seen_at.setdefault(topic, now)
        # Fewer: the topic was made anew.
        if present > used and now - seen_at < self._after_seconds:
            return used
        del self._seen_at[topic]
        self._used[topic] = present
        return present


class Publisher:
    """
    Writes sets of records and returns when Kafka has acknowledged all of them.

    After a failure it makes a new producer: a producer that has lost a batch cannot go on with its sequence
    numbers.
    A repeat does no harm, because the ids of events are computed from their causes.

    Args:
        twins: makes the old versions of events, as long as both versions are emitted.
    """

    def __init__(self, kafka: Kafka, client_id: str, twins: Twins | None = None) -> None:
        self._kafka = kafka
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._sending = asyncio.Lock()
        self._growth = Growth()
        self._twins = Twins(DECLARED) if twins is None else twins
        # The counter starts at 0. So Prometheus sees the first event as an increase.
        metrics.PUBLISHED.begin([topic.name for topic in LIVE])

    async def publish(self, events: Sequence[Envelope[Event] | Record]) -> None:
        """
        Write events. Events of one key keep their order. Records among them are written unchanged.

        Raises:
            Unavailable: Kafka did not acknowledge; any part may have been written.
        """
        await self.write([to_record(event) if isinstance(event, Envelope) else event for event in events])

    async def write(self, records: Sequence[Record]) -> None:
        """
        Write records unchanged. Records of one key keep their order.

        Raises:
            Unavailable: Kafka did not acknowledge; any part may have been written.
            Rejected: a record is larger than any topic takes, or its old version cannot be made.
        """
        if not records:
            return
        if self._twins:
            records = self._twins.with_older(records)
        for topic, _, value, _ in records:
            if value is not None and len(value) > DEAD_RECORD_BYTES_MAX:
                raise Rejected(f"a record of {len(value)} bytes does not fit {topic}", code="too_large")
        started = time.perf_counter()
        producer = await self._started()
        try:
            async with asyncio.timeout(ACKNOWLEDGED_SECONDS_MAX):
                # One caller at a time. aiokafka counts the waiting time of callers that queue for one
                # partition several times. Then many callers would get a timeout too early.
                for portion in _portions(records):
                    async with self._sending:
                        acknowledged = await _send(producer, portion, self._growth)
                    note(await asyncio.gather(*acknowledged))
        except (KafkaError, TimeoutError) as error:
            metrics.PUBLISH_FAILURES.inc()
            await self._discard(producer)
            raise Unavailable(f"Kafka did not acknowledge: {type(error).__name__}") from error
        except asyncio.CancelledError:
            # Some batches may still be in progress, and a later set must not wait behind them.
            await self._discard(producer)
            raise
        seconds = time.perf_counter() - started
        metrics.PUBLISH_SECONDS.observe(seconds)
        if tracing.recorder is not None:
            record_published(tracing.recorder, records, time.time_ns() - int(seconds * 1e9))
        for topic, count in Counter(record[0] for record in records).items():
            metrics.PUBLISHED.labels(topic).inc(count)

    async def partitions_of(self, topic: str) -> int:
        """
        How many partitions a topic has: those of now, or of some seconds ago. Usually nothing is asked.

        Raises:
            Unavailable: Kafka does not answer.
        """
        producer = await self._started()
        try:
            return len(await producer.partitions_for(topic))
        except KafkaError as error:
            raise Unavailable(f"Kafka does not answer: {type(error).__name__}") from error

    async def ping(self) -> None:
        """
        Ask whether a broker answers.

        Raises:
            Unavailable: no broker answers.
        """
        try:
            async with asyncio.timeout(PING_SECONDS_MAX):
                producer = await self._started()
                if not await producer.client.force_metadata_update():
                    raise Unavailable("Kafka does not answer")
        except (KafkaError, TimeoutError) as error:
            raise Unavailable(f"Kafka does not answer: {type(error).__name__}") from error

    async def start(self) -> None:
        """
        Connect now. Otherwise the first record would have to wait for the connection.

        Raises:
            Unavailable: Kafka does not answer.
        """
        await self._started()

    async def client(self) -> Any:
        """
        aiokafka's client of this process, for questions beside the records.

        Raises:
            Unavailable: Kafka does not answer.
        """
        return (await self._started()).client

    async def stop(self) -> None:
        """Send the records that are in progress, then disconnect."""
        if self._producer is not None:
            await self._discard(self._producer)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **client_arguments(self._kafka),
                    client_id=self._client_id,
                    acks="all",
                    enable_idempotence=True,
                    compression_type="zstd",
                    linger_ms=0,
                    max_batch_size=BATCH_BYTES_MAX,
                    max_request_size=DEAD_RECORD_BYTES_MAX * 2,
                    request_timeout_ms=REQUEST_TIMEOUT_MS,
                    metadata_max_age_ms=METADATA_SECONDS_MAX * 1000,
                )
                try:
                    async with asyncio.timeout(ACKNOWLEDGED_SECONDS_MAX):
                        await producer.start()
                except asyncio.CancelledError:
                    # The caller no longer waits, so nobody would close this producer.
                    await _close(producer)
                    raise
                except (KafkaError, TimeoutError) as error:
                    await _close(producer)
                    raise Unavailable(f"Kafka does not answer: {type(error).__name__}") from error
                self._producer = producer
            return self._producer

    async def _discard(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
        await _close(producer)


async def _close(producer: AIOKafkaProducer) -> None:
    stopped = False
    try:
        async with asyncio.timeout(RESTART_PAUSE_SECONDS):
            await producer.stop()
        stopped = True
    except (KafkaError, TimeoutError):
        log.warning("producer closed with records unsent")
    finally:
        # Also after a cancellation: the first releases of Python 3.11 raise it here instead of the timeout.
        if not stopped:
            # stop() was interrupted before it ended the sender task. That task would go on for ever, and
            # write records that were given up after later ones.
            if producer._sender.sender_task is not None:  # noqa: SLF001 (nothing public ends it at once)
                producer._sender.sender_task.cancel()  # noqa: SLF001
            await producer.client.close()


def _portions(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    begins = size_bytes = 0
    for at, (_, _, value, _) in enumerate(records):
        value_bytes = len(value or b"")
        size_bytes += value_bytes
        if size_bytes > PORTION_BYTES_MAX and at > begins:
            yield records[begins:at]
            begins, size_bytes = at, value_bytes
    yield records[begins:]


async def _send(
    producer: AIOKafkaProducer, records: Sequence[Record], growth: Growth
) -> list[Awaitable[Any]]:
    """Give records to the producer. The returned futures are done when Kafka has acknowledged them."""
    by_partition: dict[tuple[str, int], list[Record]] = defaultdict(list)
    partitions: dict[str, int] = {}
    for record in records:
        topic, key = record[0], record[1]
        if topic not in partitions:
            present = len(await producer.partitions_for(topic))
            partitions[topic] = growth.used(topic, present, time.monotonic())
        by_partition[topic, partition_of(key, partitions[topic])].append(record)
    acknowledged: list[Awaitable[Any]] = []
    now_ms = int(time.time() * 1000)
    for (topic, partition), group in by_partition.items():
        batch = producer.create_batch()
        for _, key, value, headers in group:
            if batch.append(key=key, value=value, timestamp=now_ms, headers=headers) is None:
                acknowledged.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(key=key, value=value, timestamp=now_ms, headers=headers)
        acknowledged.append(await producer.send_batch(batch, topic, partition=partition))
    return acknowledged


@asynccontextmanager
async def publishing(kafka: Kafka, client_id: str, twins: Twins | None = None) -> AsyncIterator[Publisher]:
    """A publisher, stopped at the end."""
    publisher = Publisher(kafka, client_id, twins)
    try:
        yield publisher
    finally:
        await publisher.stop()
