"""Whole topics of a deployment: every record from the beginning to the end as it is now."""

import time
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from ops.errors import CommandError
from shared.contracts.topics import DEAD_RECORD_BYTES_MAX

ANSWER_SECONDS_MAX = 30.0
RECORDS_A_POLL = 10_000
POLL_SECONDS = 0.2
SILENCE_SECONDS_MAX = 10.0


class TopicsUnreadable(CommandError):
    """Kafka does not give the records of a topic."""


def records_of(kafka: str, topics: Iterable[str], begins: int = 0) -> Iterator[Message]:
    """
    The records of these topics, in the order of each partition.

    Args:
        begins: the first offset that is read of each partition.
    Raises:
        TopicsUnreadable: a topic does not exist, or Kafka does not answer.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": f"kepu-{uuid4()}",
            "enable.auto.commit": False,
            "fetch.message.max.bytes": DEAD_RECORD_BYTES_MAX,
            # Its own lines on standard error would stand between those of the command.
            "log_level": 0,
        }
    )
    try:
        yield from _read(consumer, *_bounds(consumer, kafka, topics, begins))
    except KafkaException as error:
        raise TopicsUnreadable(f"Kafka at {kafka} does not answer: {_said(error.args[0])}") from error
    finally:
        consumer.close()


def _bounds(
    consumer: Consumer, kafka: str, topics: Iterable[str], begins: int
) -> tuple[list[TopicPartition], dict[tuple[str, int], int]]:
    there = consumer.list_topics(timeout=ANSWER_SECONDS_MAX).topics
    starts: list[TopicPartition] = []
    ends: dict[tuple[str, int], int] = {}
    for topic in topics:
        if topic not in there:
            raise TopicsUnreadable(f"Kafka at {kafka} has no topic {topic}: create it (kepu topics)")
        for partition in there[topic].partitions:
            low, high = consumer.get_watermark_offsets(
                TopicPartition(topic, partition), timeout=ANSWER_SECONDS_MAX
            )
            if high > max(low, begins):
                starts.append(TopicPartition(topic, partition, max(low, begins)))
                ends[topic, partition] = high
    return starts, ends


def _read(
    consumer: Consumer, starts: list[TopicPartition], ends: dict[tuple[str, int], int]
) -> Iterator[Message]:
    consumer.assign(starts)
    heard_at = time.monotonic()
    while ends:
        # A poll waits for the whole number of records. The last poll never gets it, so its wait is short.
        messages = consumer.consume(RECORDS_A_POLL, timeout=POLL_SECONDS)
        if messages:
            heard_at = time.monotonic()
        elif time.monotonic() - heard_at > SILENCE_SECONDS_MAX:
            raise TopicsUnreadable(f"Kafka gave no record for {SILENCE_SECONDS_MAX:.0f} s: try again")
        for message in messages:
            if (error := message.error()) is not None:
                raise TopicsUnreadable(f"Kafka cannot be read: {_said(error)}")
            yield message
        for place in consumer.position([TopicPartition(*one) for one in ends]):
            # The position is also behind records that are no records, such as the end of a transaction.
            if place.offset >= ends[place.topic, place.partition]:
                del ends[place.topic, place.partition]


def _said(error: Any) -> str:
    return str(error.str() if hasattr(error, "str") else error)
