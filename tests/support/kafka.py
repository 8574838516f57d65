"""
Only for tests: their own contracts, topics and databases, and records as any client writes them.

Every test takes names that nobody else has, so that tests share one broker and one
database without seeing each other.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar, cast
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.contracts.envelope import (
    LIST_BYTES_MAX,
    Envelope,
    Event,
    Headers,
    enclose,
    from_headers,
    to_headers,
)
from shared.contracts.topics import DEAD_RECORD_BYTES_MAX, Topic, dead_letters
from shared.messaging.create_topics import create_missing
from shared.messaging.received import Following, Raw
from shared.storage.mongo import Database, connect
from tests.support import databases, offsets
from tests.support.leftovers import topics_made
from tests.support.service import SOURCE

E = TypeVar("E", bound=Event)


class Said(Event):
    """The event of tests: somebody said something. `number` counts the events of one person."""

    who: str
    number: int = 0
    words: str = ""


class BySenders(Topic):
    """A topic as operators may have made it: records have the times that their senders say."""

    @property
    def config(self) -> dict[str, str]:
        return super().config | {"message.timestamp.type": "CreateTime"}


async def new_contract(
    kafka: str, *, partitions: int = 1, bytes_max: int = LIST_BYTES_MAX, kind: type[Topic] = Topic
) -> type[Said]:
    """A contract with a topic of its own, and the dead letters of its readers."""
    contract = named_contract(f"said-{uuid4().hex[:12]}", bytes_max=bytes_max)
    live = kind(contract.topic, (readers_of(contract),), partitions)
    dead = Topic(dead_topic_of(contract), (), 1, record_bytes_max=DEAD_RECORD_BYTES_MAX)
    topics_made.setdefault(kafka, set()).update((live.name, dead.name))
    await create_missing(kafka, wanted=[live, dead])
    return contract


def readers_of(contract: type[Event]) -> str:
    """The consumer group of a test's contract."""
    return f"{contract.topic}-readers"


def dead_topic_of(contract: type[Event]) -> str:
    """Where its readers put their dead letters."""
    return dead_letters(contract.topic, readers_of(contract))


def named_contract(topic: str, *, bytes_max: int = LIST_BYTES_MAX) -> type[Said]:
    """The contract of a topic that exists, as another process made it."""

    class Own(Said, topic=topic, key="who", bytes_max=bytes_max):
        pass

    return Own


def said(
    contract: type[Said], number: int = 0, *, who: str = "wang", words: str = "", cause: str = ""
) -> Envelope[Event]:
    """An event in its envelope; its id follows from who says it and the number."""
    event = contract(who=who, number=number, words=words)
    return enclose(event, source=SOURCE, cause=cause or f"{who}/{number}", now=datetime.now(UTC))


def headers_of(envelope: Envelope[Event], *without: str, **instead: bytes | None) -> Headers:
    """The headers of an envelope, without some and with others (`ce_id=None` for a null one)."""
    kept = [(name, value) for name, value in to_headers(envelope.context) if name not in {*without, *instead}]
    # The type does not allow a null header, but other clients send them.
    return kept + cast(Headers, list(instead.items()))


def read_back(following: Following, contract: type[E]) -> list[Envelope[E]]:
    """The events of this contract among what a handler returned, records read as another service would."""
    found: list[Envelope[E]] = []
    for one in following:
        if isinstance(one, tuple):
            topic, key, value, headers = one
            if topic == contract.topic:
                context = from_headers(headers, appended_at=lambda: datetime.now(UTC), key=key)
                found.append(Envelope(context, contract.model_validate_json(value or b"")))
        elif isinstance(one.event, contract):
            found.append(Envelope(one.context, one.event))
    return found


@asynccontextmanager
async def fresh_database(mongo: str) -> AsyncIterator[Database]:
    """A new database. It is dropped when the test is over."""
    async with connect(mongo, f"test_{uuid4().hex[:12]}") as database:
        yield database


@asynccontextmanager
async def database_of(mongo: str, kind: str) -> AsyncIterator[Database]:
    """
    An empty database, in which a service of this kind may have made its collections.

    After a test that passes others get it; after one that fails it is dropped.
    """
    with databases.kept(mongo, kind) as name:
        async with connect(mongo, name) as database:
            yield database


async def write_raw(
    kafka: str,
    topic: str,
    records: Sequence[tuple[bytes | None, bytes | None, Headers]],
    *,
    compression: str | None = None,
    timestamp_ms: int | None = None,
) -> None:
    """Write key, value and headers exactly as they are, as any other client might, to the first partition."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", compression_type=compression)
    await producer.start()
    try:
        for key, value, headers in records:
            batch = producer.create_batch()
            now_ms = int(time.time() * 1000)
            batch.append(
                key=key,
                value=value,
                headers=headers,
                timestamp=now_ms if timestamp_ms is None else timestamp_ms,
            )
            await (await producer.send_batch(batch, topic, partition=0))
    finally:
        await producer.stop()


async def read_all(kafka: str, topic: str) -> list[Raw]:
    """Every record of a topic up to now, partition by partition."""
    consumer: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = sorted(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        found: dict[TopicPartition, list[Raw]] = {partition: [] for partition in partitions}
        while [at for at in partitions if await consumer.position(at) < ends[at]]:
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                found[partition] += records
    finally:
        await consumer.stop()
    return [record for records in found.values() for record in records]


async def committed(kafka: str, group: str, topic: str) -> dict[int, int]:
    """The committed offsets of the group in the topic, by partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    return {at.partition: place.offset for at, place in found.items() if at.topic == topic}


async def skip_to_end(kafka: str, group: str) -> None:
    """
    Let a declared group without members read only what comes from now on.

    Other tests write to the same declared topics: what they left is not this test's.
    """
    await asyncio.to_thread(offsets.skip_to_end, kafka, [group])
