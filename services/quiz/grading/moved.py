"""
After `quiz.submitted` got more partitions, an attempt may have submissions in two of them.

The first one counts, but nothing says that the older partition is graded first. So before a batch is graded,
this looks whether an earlier submission of one of its attempts waits elsewhere in the log. If so, that one is
graded in its place. Nobody waits for another worker.

Only for some time after the change, and only as long as a partition is behind, there is something to read
(docs/decisions/0096-sharding.md). As long as the topic has the partitions that are declared, nothing is
asked.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.quiz.attempts.submission import Submission, decode
from shared.contracts.envelope import from_headers
from shared.contracts.events import QuizSubmitted
from shared.contracts.partitioning import partition_of
from shared.contracts.topics import QUIZ_GRADING, declared
from shared.messaging.connection import Kafka, client_arguments
from shared.messaging.fetched import Unreadable
from shared.messaging.received import Raw, Received
from shared.runtime.errors import Rejected, Unavailable

# An attempt takes a day at most, and what was saved is handed in within minutes.
ATTEMPT = timedelta(days=2)
# Senders learn of new partitions within this time: ours in half a minute, other clients in five minutes.
SENDERS_LEARN = timedelta(minutes=10)
EARLIER_SECONDS_MAX = 30.0
MILLISECOND = timedelta(milliseconds=1)
POLL_MS = 500

Sent: TypeAlias = Received[Submission]
Ranges: TypeAlias = Mapping[TopicPartition, tuple[int, int]]


class Moved:
    """
    Finds submissions that came before those of a batch, in other partitions.

    Args:
        partitions: says how many partitions a topic has.
        declared_partitions: so many it had before anybody added some.
    """

    def __init__(
        self,
        kafka: Kafka,
        partitions: Callable[[str], Awaitable[int]],
        *,
        topic: str = QuizSubmitted.topic,
        group: str = QUIZ_GRADING,
        declared_partitions: int = declared(QuizSubmitted).partitions,
    ) -> None:
        self._kafka = kafka
        self._partitions = partitions
        self._topic = topic
        self._group = group
        self._declared = declared_partitions
        # By new partition, the time of its first record.
        self._begun_ms: dict[int, int] = {}

    async def with_earlier(self, events: Sequence[Sent]) -> Sequence[Sent]:
        """
        The events, and those before them that are not graded yet; by time, each partition in its order.

        Raises:
            Unavailable: Kafka does not answer.
        """
        partitions = await self._partitions(self._topic)
        if partitions <= self._declared or not events:
            return events
        try:
            async with asyncio.timeout(EARLIER_SECONDS_MAX):
                return in_order([*await self._earlier(events, partitions), *events])
        except (KafkaError, TimeoutError) as error:
            raise Unavailable(f"Kafka does not say what came before: {type(error).__name__}") from error

    async def _earlier(self, events: Sequence[Sent], partitions: int) -> list[Sent]:
        if not self._elsewhere(events, partitions, unknown=True):
            return []
        consumer: Any = AIOKafkaConsumer(**client_arguments(self._kafka), isolation_level="read_committed")
        admin = AIOKafkaAdminClient(**client_arguments(self._kafka))
        try:
            await consumer.start()
            await admin.start()
            await self._learn(consumer, partitions)
            if not (elsewhere := self._elsewhere(events, partitions, unknown=False)):
                return []
            ranges = await self._ungraded(consumer, admin, elsewhere)
            found = [
                record
                for place, ends in ranges.items()
                for record in await _read(consumer, place, ends, elsewhere[place])
            ]
        finally:
            await consumer.stop()
            await admin.close()
        here = {_place(one.record) for one in events}
        return [
            sent for record in found if _place(record) not in here and (sent := _sent(record)) is not None
        ]

    async def _learn(self, consumer: Any, partitions: int) -> None:
        """Ask for the times of the first records of new partitions that are not known yet."""
        unknown = [number for number in range(self._declared, partitions) if number not in self._begun_ms]
        if not unknown:
            return
        firsts = await consumer.offsets_for_times(
            {TopicPartition(self._topic, number): 0 for number in unknown}
        )
        self._begun_ms |= {place.partition: first.timestamp for place, first in firsts.items() if first}

    def _elsewhere(
        self, events: Sequence[Sent], partitions: int, *, unknown: bool
    ) -> dict[TopicPartition, dict[bytes, int]]:
        """
        By partition, the keys that may be in it too, and the times before which.

        Args:
            unknown: what to think of a new partition whose first record is not known: True if it may have
                one, False if it has none.
        """
        found: dict[TopicPartition, dict[bytes, int]] = defaultdict(dict)
        for one in events:
            record = one.record
            key = record.key or b""
            for number in may_be_in(key, self._declared, partitions) - {record.partition}:
                # A key only ever moves to a partition that is new.
                newer = max(number, record.partition)
                begun_ms = self._begun_ms.get(newer, record.timestamp if unknown else None)
                look = ATTEMPT if newer == record.partition else SENDERS_LEARN
                if begun_ms is None or not 0 <= record.timestamp - begun_ms <= look / MILLISECOND:
                    continue
                keys = found[TopicPartition(self._topic, number)]
                keys[key] = min(record.timestamp, keys.get(key, record.timestamp))
        return found

    async def _ungraded(
        self, consumer: Any, admin: AIOKafkaAdminClient, elsewhere: Mapping[TopicPartition, dict[bytes, int]]
    ) -> Ranges:
        """The offsets of each partition that the group has not committed, as far as they may be earlier."""
        places = list(elsewhere)
        committed = await admin.list_consumer_group_offsets(self._group, partitions=places)
        ends = await consumer.end_offsets(places)
        oldest_ms = min(min(keys.values()) for keys in elsewhere.values()) - ATTEMPT // MILLISECOND
        begins = await consumer.offsets_for_times(dict.fromkeys(places, max(0, oldest_ms)))
        after = await consumer.offsets_for_times(
            {place: max(keys.values()) + 1 for place, keys in elsewhere.items()}
        )
        ranges = {
            place: (
                max(committed[place].offset, begins[place].offset if begins[place] else ends[place]),
                min(ends[place], after[place].offset) if after[place] else ends[place],
            )
            for place in places
        }
        return {place: (begin, end) for place, (begin, end) in ranges.items() if begin < end}


def may_be_in(key: bytes, declared_partitions: int, partitions: int) -> set[int]:
    """The partitions in which records of a key may be: their number was only ever doubled."""
    found, count = set(), declared_partitions
    while count <= partitions:
        found.add(partition_of(key, count))
        count *= 2
    return found


def in_order(events: Sequence[Sent]) -> list[Sent]:
    """
    By the broker's time. The records of one partition keep their order.

    After another broker took over a partition, its clock may be behind: a time counts as no earlier than the
    times before it in its partition.
    """
    latest: dict[int, int] = {}
    times: dict[tuple[int, int], int] = {}
    for record in sorted((one.record for one in events), key=_place):
        latest[record.partition] = max(latest.get(record.partition, 0), record.timestamp)
        times[_place(record)] = latest[record.partition]
    return sorted(events, key=lambda one: (times[_place(one.record)], _place(one.record)))


def _place(record: Raw) -> tuple[int, int]:
    return record.partition, record.offset


async def _read(
    consumer: Any, place: TopicPartition, offsets: tuple[int, int], keys: Mapping[bytes, int]
) -> list[Raw]:
    """The records of these keys that came before the times."""
    found: list[Raw] = []
    position, end = offsets
    consumer.assign([place])
    consumer.seek(place, position)
    while position < end:
        records = (await consumer.getmany(place, timeout_ms=POLL_MS)).get(place, [])
        found += (
            record
            for record in records
            if not isinstance(record, Unreadable)
            and record.offset < end
            and record.timestamp <= keys.get(record.key, -1)
        )
        position = await consumer.position(place)
    return found


def _sent(record: Raw) -> Sent | None:
    """The submission of a record. None if it cannot be read: its own worker makes a dead letter of it."""

    def appended_at() -> datetime:
        return datetime.fromtimestamp(record.timestamp / 1000, UTC)

    try:
        [submission] = decode([record.value or b""])
        context = from_headers(record.headers, appended_at=appended_at, key=record.key)
    except Rejected:
        return None
    if submission.attempt_id.encode() != record.key:
        return None
    return Received(submission, context, record)
