"""What the baselines share: their settings, their clients of Kafka and MongoDB, and their HTTP server."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import uvicorn
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from motor.motor_asyncio import AsyncIOMotorClient

from shared.contracts.traces import new_traceparent
from shared.runtime.metrics import tune_garbage_collector

PARTITIONS = 12
# As many as our topics of awards and deliveries have.
PARTITIONS_OF = {"bench.issued": 4, "bench.delivered": 4}
BATCH_EVENTS_MAX = 1_000
# Our quiz service waits this long for events to gather. Awards and notifications wait twice as long.
GATHER_MS = 100

Record = tuple[bytes, bytes, list[tuple[str, bytes]]]
"""Key, value and headers."""

Work = Callable[[Sequence[Any]], Awaitable[None]]


def setting(name: str) -> str:
    """A setting of this process: `bench.lab` puts them into its environment."""
    return os.environ[f"BENCH_{name.upper()}"]


def producer(kafka: str | None = None) -> AIOKafkaProducer:
    """A producer like our publisher's: acks from all, idempotent, zstd."""
    return AIOKafkaProducer(
        bootstrap_servers=kafka or setting("kafka"),
        acks="all",
        enable_idempotence=True,
        compression_type="zstd",
        max_batch_size=262_144,
    )


async def send(to: AIOKafkaProducer, topic: str, records: Sequence[Record]) -> None:
    """Send one batch for each partition, keyed like our publisher's, until Kafka has acknowledged all."""
    by_partition: dict[int, list[Record]] = {}
    partitions = PARTITIONS_OF.get(topic, PARTITIONS)
    for record in records:
        by_partition.setdefault(crc32(record[0]) % partitions, []).append(record)
    acknowledged = []
    for partition, group in by_partition.items():
        batch = to.create_batch()
        for key, value, headers in group:
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                acknowledged.append(await to.send_batch(batch, topic, partition=partition))
                batch = to.create_batch()
                batch.append(key=key, value=value, timestamp=None, headers=headers)
        acknowledged.append(await to.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*acknowledged)


async def consume(topics: Sequence[str], group: str, work: Work, gather_ms: int = GATHER_MS) -> None:
    """Poll, work, commit until a signal stops it. It fetches like our consumer, and does nothing else."""
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=setting("kafka"),
        group_id=group,
        group_instance_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_min_bytes=131_072,
        fetch_max_wait_ms=gather_ms,
        session_timeout_ms=10_000,
        max_poll_interval_ms=600_000,
    )
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await consumer.start()
    tune_garbage_collector()
    try:
        while not stopped.is_set():
            polled = await consumer.getmany(timeout_ms=20, max_records=BATCH_EVENTS_MAX)
            if polled:
                await work([record for records in polled.values() for record in records])
                ends: dict[TopicPartition, int] = {place: await consumer.position(place) for place in polled}
                await consumer.commit(ends)
    finally:
        await consumer.stop()


def headers_of(type_: str, id_: str, subject: str, cause: str) -> list[tuple[str, bytes]]:
    """The headers of an event, as our services write them."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", id_.encode()),
        ("ce_source", b"bench"),
        ("ce_type", type_.encode()),
        ("ce_time", datetime.now(UTC).isoformat().encode()),
        ("ce_subject", subject.encode()),
        ("ce_correlationid", id_.encode()),
        ("content-type", b"application/json"),
        ("ce_causationid", cause.encode()),
        ("traceparent", new_traceparent().encode()),
    ]


@asynccontextmanager
async def standing_on() -> AsyncIterator[tuple[Any, AIOKafkaProducer]]:
    """The database of the baselines, with our write concern, and a producer."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        setting("mongo"), w="majority", journal=True
    )
    to = producer()
    await to.start()
    try:
        yield client["bench"], to
    finally:
        await to.stop()
        client.close()


def serve(app: Any) -> None:
    """Serve with uvicorn at its fastest: uvloop, httptools, no access log."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(setting("port")),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        backlog=4_096,
        timeout_keep_alive=75,
    )
