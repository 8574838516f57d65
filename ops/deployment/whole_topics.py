"""Whole topics of a deployment: every record from the beginning, or a time, to the end as it is now."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeAlias
from uuid import uuid4

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from ops.deployment.clients import confluent_arguments
from ops.errors import CommandError
from shared.contracts.partners import ingress_topics
from shared.contracts.topics import DEAD_RECORD_BYTES_MAX, Topic
from shared.messaging.connection import Kafka
from shared.messaging.decoding import FIRST_MS, LAST_MS

ANSWER_SECONDS_MAX = 30.0
RECORDS_A_POLL = 10_000
POLL_SECONDS = 0.2
SILENCE_SECONDS_MAX = 10.0
MOMENT_SECONDS = 0.1
_UNKNOWN_YET = frozenset(
    {
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001 (the library's name for it, also below)
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
    }
)

Place: TypeAlias = tuple[str, int]
"""Topic and partition."""
Bounds: TypeAlias = tuple[int, int]
"""The first offset, and the one behind the last."""


class TopicsUnreadable(CommandError):
    """Kafka does not give the records of a topic."""


def records_of(kafka: Kafka, topics: Iterable[str], may_be_absent: Collection[str] = ()) -> Iterator[Message]:
    """
    The records of these topics, in the order of each partition.

    Args:
        may_be_absent: topics that exist only where a service runs that nobody needs.
    Raises:
        TopicsUnreadable: another topic does not exist, or Kafka does not answer.
    """
    with reading(kafka) as consumer:
        if may_be_absent:
            there = consumer.list_topics(timeout=ANSWER_SECONDS_MAX).topics
            topics = [topic for topic in topics if topic in there or topic not in may_be_absent]
        bounds = _bounds(consumer, kafka, topics)
        yield from _read(consumer, {place: found for place, found in bounds.items() if found[1] > found[0]})


def records_since(
    kafka: Kafka, topics: Iterable[str], since: datetime, begins: Callable[[int], None]
) -> Iterator[Message]:
    """
    The records of these topics that were appended since then. Topics that do not exist are left out.

    Args:
        begins: is called once with the number of offsets to read.
    Raises:
        TopicsUnreadable: Kafka does not answer.
    """
    with reading(kafka) as consumer:
        there = consumer.list_topics(timeout=ANSWER_SECONDS_MAX).topics
        bounds = _bounds(consumer, kafka, [topic for topic in topics if topic in there])
        first = offsets_at(consumer, bounds, since)
        later = {place: (first[place], high) for place, (_, high) in bounds.items() if first[place] < high}
        begins(sum(high - low for low, high in later.values()))
        yield from _read(consumer, later)


def bounds_and_times(
    kafka: Kafka, choose: Callable[[Mapping[str, Collection[int]]], Iterable[Place]], at: datetime | None
) -> tuple[dict[Place, Bounds], dict[Place, int]]:
    """
    The bounds of some partitions, and of each the first offset that was appended since a time.

    Args:
        choose: gets the partitions of all topics.
        at: the time; None for the first offset of all.
    Raises:
        TopicsUnreadable: Kafka does not answer.
    """
    with reading(kafka) as consumer:
        there = consumer.list_topics(timeout=ANSWER_SECONDS_MAX).topics
        places = choose({name: list(topic.partitions) for name, topic in there.items()})
        bounds = {place: watermarks(consumer, place) for place in places}
        first = {place: low for place, (low, _) in bounds.items()}
        return bounds, first if at is None else offsets_at(consumer, bounds, at)


def time_of(message: Message) -> datetime:
    """
    The time of a record. A topic may take the times of its senders: one that no calendar has is told as the
    nearest that we know.
    """
    return datetime.fromtimestamp(min(max(message.timestamp()[1], FIRST_MS), LAST_MS) / 1000, UTC)


def watermarks(consumer: Consumer, place: Place, seconds_max: float = ANSWER_SECONDS_MAX) -> Bounds:
    """
    The first offset of a partition, and the one behind its last record.

    A partition that is new, or whose broker has just changed, may be unknown for a moment: it is asked again.

    Raises:
        KafkaException: no answer within this time.
    """
    deadline = time.monotonic() + seconds_max
    while True:
        try:
            return consumer.get_watermark_offsets(
                TopicPartition(*place), timeout=max(deadline - time.monotonic(), MOMENT_SECONDS)
            )
        except KafkaException as error:
            if error.args[0].code() not in _UNKNOWN_YET or time.monotonic() > deadline:
                raise
            time.sleep(MOMENT_SECONDS)


def offsets_at(consumer: Consumer, bounds: Mapping[Place, Bounds], at: datetime) -> dict[Place, int]:
    """The first offset of each partition that was appended since then; the end, if there is none."""
    at_ms = int(at.timestamp() * 1000)
    asked = [TopicPartition(*place, at_ms) for place in bounds]
    found = consumer.offsets_for_times(asked, timeout=ANSWER_SECONDS_MAX)
    # A negative offset stands for the end.
    return {
        (one.topic, one.partition): one.offset if one.offset >= 0 else bounds[one.topic, one.partition][1]
        for one in found
    }


def bounds_of(kafka: Kafka, topics: Iterable[str]) -> dict[Place, Bounds]:
    """
    The bounds of each partition of these topics.

    Raises:
        TopicsUnreadable: a topic does not exist, or Kafka does not answer.
    """
    with reading(kafka) as consumer:
        return _bounds(consumer, kafka, topics)


def partners_topics(kafka: Kafka) -> list[Topic]:
    """
    The topics of partners that this Kafka has: no code declares them.

    Raises:
        TopicsUnreadable: Kafka does not answer.
    """
    with reading(kafka) as consumer:
        return ingress_topics(consumer.list_topics(timeout=ANSWER_SECONDS_MAX).topics)


@contextmanager
def reading(kafka: Kafka, **more: str | int) -> Iterator[Consumer]:
    """
    A client that reads as no member of a group, and commits nothing.

    Args:
        more: settings of librdkafka, with `_` in place of each dot.
    Raises:
        TopicsUnreadable: Kafka does not answer.
    """
    consumer = Consumer(
        {
            **confluent_arguments(kafka),
            "group.id": f"kepu-{uuid4()}",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.message.max.bytes": DEAD_RECORD_BYTES_MAX,
            # Its own lines on standard error would stand between those of the command.
            "log_level": 0,
            **{name.replace("_", "."): value for name, value in more.items()},
        }
    )
    try:
        yield consumer
    except KafkaException as error:
        raise TopicsUnreadable(f"Kafka at {kafka} does not answer: {error.args[0].str()}") from error
    finally:
        consumer.close()


def _bounds(consumer: Consumer, kafka: Kafka, topics: Iterable[str]) -> dict[Place, Bounds]:
    there = consumer.list_topics(timeout=ANSWER_SECONDS_MAX).topics
    found: dict[Place, Bounds] = {}
    for topic in topics:
        if topic not in there:
            raise TopicsUnreadable(f"Kafka at {kafka} has no topic {topic}: create it (kepu topics)")
        for partition in there[topic].partitions:
            found[topic, partition] = watermarks(consumer, (topic, partition))
    return found


def _read(consumer: Consumer, bounds: Mapping[Place, Bounds]) -> Iterator[Message]:
    if not bounds:
        return
    consumer.assign([TopicPartition(*place, low) for place, (low, _) in bounds.items()])
    left = {place: high for place, (_, high) in bounds.items()}
    heard_at = time.monotonic()
    while left:
        # A poll waits for the whole number of records. The last poll never gets it, so its wait is short.
        messages = consumer.consume(RECORDS_A_POLL, timeout=POLL_SECONDS)
        if messages:
            heard_at = time.monotonic()
        elif time.monotonic() - heard_at > SILENCE_SECONDS_MAX:
            raise TopicsUnreadable(f"Kafka gave no record for {SILENCE_SECONDS_MAX:.0f} s: try again")
        for message in messages:
            place = message.topic() or "", message.partition() or 0
            error = message.error()
            if error is None:
                yield message
            elif error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 (the library's name for it)
                raise TopicsUnreadable(f"Kafka cannot be read: {error.str()}")
            # What comes last may be no record, such as the end of a transaction. Then only the end is told.
            if error is not None or (message.offset() or 0) + 1 >= left.get(place, 0):
                left.pop(place, None)
