"""For programs with aiokafka: install the wheel with the extra `aiokafka`."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from kepu_events.connection import Connection
from kepu_events.reader import Reader, Refused, log_refused
from kepu_events.sender import Record
from shared.contracts.envelope import Envelope, Event
from shared.contracts.partitioning import partition_of
from shared.runtime.errors import Rejected, Unavailable

log = logging.getLogger(__name__)

SENT_SECONDS_MAX = 30.0
POLL_MS = 1_000
TOGETHER_MAX = 500


def partitioner(key: bytes | None, all_partitions: Sequence[int], available: Sequence[int]) -> int:
    """The partition of a key, for aiokafka's producer: its own would scatter the events of one key."""
    return all_partitions[partition_of(key, len(all_partitions))]


def producer_settings(connection: Connection | None = None) -> dict[str, Any]:
    """The arguments for a producer of yours: the partitions of the week, and nothing lost or doubled."""
    return {
        **(connection or Connection.from_environment()).for_aiokafka(),
        "partitioner": partitioner,
        "enable_idempotence": True,
        "compression_type": "zstd",
        "request_timeout_ms": int(SENT_SECONDS_MAX * 1000),
    }


async def send(
    records: Iterable[Record],
    connection: Connection | None = None,
    *,
    producer: AIOKafkaProducer | None = None,
) -> None:
    """
    Write records, and return when Kafka has acknowledged all of them.

    Args:
        producer: one of yours that is started, with `producer_settings`. Without it, one is made for this.
    Raises:
        Unavailable: Kafka has not acknowledged all of them within `SENT_SECONDS_MAX`. Send all of them again.
    """
    to = producer or AIOKafkaProducer(**producer_settings(connection))
    try:
        async with asyncio.timeout(SENT_SECONDS_MAX):
            if producer is None:
                await to.start()
            waiting = [
                await to.send(one.topic, one.value, key=one.key, headers=one.headers) for one in records
            ]
            await asyncio.gather(*waiting)
    except (KafkaError, TimeoutError) as error:
        why = f"{type(error).__name__} {error}".strip()
        raise Unavailable(
            f"Kafka has not acknowledged all records: {why}. Send them again: they keep their ids"
        ) from error
    finally:
        if producer is None:
            await to.stop()


async def listen(
    group: str,
    *contracts: type[Event],
    connection: Connection | None = None,
    on_refused: Refused = log_refused,
    **settings: Any,
) -> AsyncGenerator[Envelope[Event], None]:
    """
    The events of some contracts, from the oldest that Kafka has, without an end.

    An event counts as handled when the loop asks for the next one. After a crash the last ones come again:
    see `Seen`.

    Args:
        group: the name of your program. A program that is started again goes on where it has stopped.
        settings: of aiokafka's consumer, in place of ours.
    """
    reader = Reader(*contracts)
    to = connection or Connection.from_environment()
    # Offsets are committed when their events are handled.
    ours = {"enable_auto_commit": False, "auto_offset_reset": "earliest", "isolation_level": "read_committed"}
    consumer = AIOKafkaConsumer(*reader.topics, group_id=group, **to.for_aiokafka(), **{**ours, **settings})
    try:
        await consumer.start()
        while True:
            for partition, records in (
                await consumer.getmany(timeout_ms=POLL_MS, max_records=TOGETHER_MAX)
            ).items():
                handled = records[0].offset
                try:
                    for record in records:
                        one = _event(record, reader, on_refused)
                        if one is not None:
                            yield one
                        handled = record.offset + 1
                finally:
                    await _commit(consumer, partition, handled)
    finally:
        await consumer.stop()


def event_of(record: ConsumerRecord, reader: Reader) -> Envelope[Event] | None:
    """
    The event of a record; None if the reader does not ask for its type.

    Raises:
        Rejected: the record is wrong.
    """
    return reader.read(record.topic, record.key, record.value, record.headers, record.timestamp)


def _event(record: ConsumerRecord, reader: Reader, on_refused: Refused) -> Envelope[Event] | None:
    try:
        return event_of(record, reader)
    except Rejected as why:
        on_refused(why, f"{record.topic}/{record.partition}/{record.offset}")
        return None


async def _commit(consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> None:
    try:
        await consumer.commit({partition: offset})
    except (CommitFailedError, IllegalStateError):
        # The partition belongs to another copy of this program by now, which reads the events again.
        log.info("%s/%s is read by another copy now", partition.topic, partition.partition)
