"""Reads topics as they grow, as no member of any group: nothing is committed, and nothing is left behind."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from heapq import merge
from typing import Any, Literal

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from ops.deployment.whole_topics import (
    ANSWER_SECONDS_MAX,
    POLL_SECONDS,
    SILENCE_SECONDS_MAX,
    Bounds,
    Place,
    TopicsUnreadable,
    offsets_at,
    reading,
    watermarks,
)
from shared.messaging.connection import Kafka

From = datetime | Literal["beginning", "now"]
# Topics and partitions may be added while somebody listens.
LOOK_SECONDS = 10.0
LOOK_ANSWER_SECONDS_MAX = 3.0
# At once in memory: these records, and what the client has fetched before.
RECORDS_A_POLL = 100
FETCHED_KILOBYTES_MAX = 16_384
# After these another try cannot help.
_FINAL = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError._AUTHENTICATION,  # noqa: SLF001 (the library's name for it)
)

Tell = Callable[[str], None]


def follow(
    kafka: Kafka,
    choose: Callable[[Collection[str]], Sequence[str]],
    since: From,
    *,
    to_end: bool = False,
    tell: Tell = lambda _: None,
    look_seconds: float = LOOK_SECONDS,
) -> Iterator[Message]:
    """
    The records of some topics, from a time on and then as they come. It ends only with `to_end`.

    The order is that of each partition. Records of several partitions that are read together come by their
    time. While Kafka is away, this waits for it.

    Args:
        choose: gets the names of all topics, and returns those to read; of those, some may not be there yet.
        to_end: end where the topics end now.
        tell: is told in a sentence when reading has begun, and when Kafka is away and back.
        look_seconds: how often new topics and partitions are looked for.
    Raises:
        TopicsUnreadable: Kafka does not answer at the beginning, or refuses us.
    """
    with reading(
        kafka, queued_max_messages_kbytes=FETCHED_KILOBYTES_MAX, auto_offset_reset="earliest"
    ) as consumer:
        yield from _Following(consumer, choose, tell, look_seconds).records(since, to_end=to_end)


class _Following:
    def __init__(
        self,
        consumer: Consumer,
        choose: Callable[[Collection[str]], Sequence[str]],
        tell: Tell,
        look_seconds: float,
    ) -> None:
        self._consumer = consumer
        self._choose = choose
        self._tell = tell
        self._look_seconds = look_seconds
        self._known: set[Place] = set()
        self._away = False

    def records(self, since: From, *, to_end: bool) -> Iterator[Message]:
        ends = self._begin(since)
        left = {place: end for place, end in ends.items() if to_end}
        self._tell(f"listening to {len({topic for topic, _ in self._known})} topics")
        looked_at = heard_at = time.monotonic()
        while left or not to_end:
            # The poll waits for the whole number of records, so its wait is what an event is late at most.
            messages = self._consumer.consume(RECORDS_A_POLL, timeout=POLL_SECONDS)
            good = [one for one in messages if self._is_record(one)]
            yield from by_time(good)
            now = time.monotonic()
            if messages:
                heard_at = now
            if to_end:
                for one in messages:
                    _note_end(left, one)
                if now - heard_at > SILENCE_SECONDS_MAX:
                    raise TopicsUnreadable(f"Kafka gave no record for {SILENCE_SECONDS_MAX:.0f} s: try again")
            elif now - looked_at > self._look_seconds:
                self._look()
                looked_at = time.monotonic()

    def _begin(self, since: From) -> dict[Place, int]:
        """Begin to read; returns where the partitions end that have records to read."""
        bounds = self._new(ANSWER_SECONDS_MAX)
        if since == "beginning":
            first = {place: low for place, (low, _) in bounds.items()}
        elif since == "now":
            first = {place: high for place, (_, high) in bounds.items()}
        else:
            first = offsets_at(self._consumer, bounds, since) if bounds else {}
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in first.items()])
        return {place: high for place, (_, high) in bounds.items() if first[place] < high}

    def _look(self) -> None:
        """Read also what has been added. All of it is new, so it is read from its beginning."""
        try:
            new = self._new(LOOK_ANSWER_SECONDS_MAX)
        except KafkaException:
            self._say_away()
            return
        if self._away:
            self._away = False
            self._tell("Kafka is back")
        if new:
            self._consumer.incremental_assign(
                [TopicPartition(*place, low) for place, (low, _) in new.items()]
            )

    def _new(self, seconds_max: float) -> dict[Place, Bounds]:
        there = self._consumer.list_topics(timeout=seconds_max).topics
        chosen = [topic for topic in self._choose(list(there)) if topic in there]
        places = [(topic, partition) for topic in chosen for partition in there[topic].partitions]
        found = {
            place: watermarks(self._consumer, place, seconds_max)
            for place in places
            if place not in self._known
        }
        self._known |= found.keys()
        return found

    def _is_record(self, message: Message) -> bool:
        """
        Raises:
            TopicsUnreadable: Kafka refuses us.
        """
        error = message.error()
        if error is None:
            return True
        if error.code() in _FINAL or error.fatal():
            raise TopicsUnreadable(f"Kafka cannot be read: {error.str()}")
        if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 (the library's name for it)
            self._say_away()
        return False

    def _say_away(self) -> None:
        if not self._away:
            self._away = True
            self._tell("Kafka does not answer: waiting for it")


def by_time(messages: Sequence[Message]) -> Iterator[Message]:
    """By the time of the records, and in the order of each partition, whatever times its records have."""
    by_place: dict[Any, list[Message]] = defaultdict(list)
    for one in messages:
        by_place[one.topic(), one.partition()].append(one)
    return merge(*by_place.values(), key=lambda one: one.timestamp()[1])


def _note_end(left: dict[Place, int], message: Message) -> None:
    place = message.topic() or "", message.partition() or 0
    # What comes last may be no record, such as the end of a transaction. Then only the end is told.
    if message.error() is not None or (message.offset() or 0) + 1 >= left.get(place, 0):
        left.pop(place, None)
