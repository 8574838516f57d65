"""Writes one record, and says where it is."""

from typing import Any

from confluent_kafka import KafkaException, Producer

from ops.deployment.clients import confluent_arguments
from ops.errors import CommandError
from shared.contracts.partitioning import partition_of
from shared.contracts.topics import DEAD_RECORD_BYTES_MAX
from shared.messaging.connection import Kafka
from shared.messaging.publisher import Record

ANSWER_SECONDS_MAX = 10.0
ACKNOWLEDGED_SECONDS_MAX = 15.0


class NotWritten(CommandError):
    """Kafka has not acknowledged a record."""


def send(kafka: Kafka, record: Record) -> tuple[int, int]:
    """
    Write a record to the partition of its key, and wait until all replicas have it.

    Returns: partition and offset.
    Raises:
        NotWritten: Kafka did not acknowledge it. It may have been written all the same.
    """
    topic, key, value, headers = record
    found: list[Any] = []
    producer = Producer(
        {
            **confluent_arguments(kafka),
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "zstd",
            "message.timeout.ms": int(ACKNOWLEDGED_SECONDS_MAX * 1000),
            "message.max.bytes": DEAD_RECORD_BYTES_MAX,
            # Its own lines on standard error would stand between those of the command.
            "log_level": 0,
        }
    )
    try:
        there = producer.list_topics(timeout=ANSWER_SECONDS_MAX).topics
        if topic not in there:
            raise NotWritten(f"Kafka at {kafka} has no topic {topic}: create it (kepu topics)")
        partition = partition_of(key, len(there[topic].partitions))
        producer.produce(
            topic,
            key=key,
            value=value,
            headers=list(headers),
            partition=partition,
            on_delivery=lambda error, message: found.append((error, message)),
        )
        producer.flush(ACKNOWLEDGED_SECONDS_MAX + 1)
    except KafkaException as error:
        raise NotWritten(f"Kafka at {kafka} does not answer: {error.args[0].str()}") from error
    if not found:
        raise NotWritten(
            f"Kafka at {kafka} has not acknowledged it: send the same again, it is a repeat then"
        )
    refused, message = found[0]
    if refused is not None:
        raise NotWritten(f"Kafka at {kafka} has not taken it: {refused.str()}")
    return message.partition(), message.offset()
