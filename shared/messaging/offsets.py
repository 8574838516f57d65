"""
Asks Kafka for offsets, over the connections of the process's producer.

A consumer's own client knows only the partitions that it holds. And one client for each group would cost
connections and heartbeats.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, NodeNotReadyError, for_code
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.offset import OffsetRequest

from shared.messaging.publisher import Publisher
from shared.runtime.errors import Unavailable

# Kafka's names for the two ends of a partition.
FIRST, END = -2, -1
# All the questions of one look together.
ANSWER_SECONDS_MAX = 5.0
# Then Kafka is asked again which partitions there are, and which broker has them.
KNOWN_SECONDS_MAX = 60.0
GROUP_COORDINATOR = 0
NO_OFFSET = -1
CONSUMER_ITSELF = -1

Places = dict[TopicPartition, int]


class Offsets:
    """What Kafka says of partitions and groups. Ask within `asked`."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._cluster: Any = None
        self._known_until = 0.0
        self._coordinators: dict[str, int] = {}

    async def partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        """All partitions of these topics that exist."""
        if self._cluster is None or time.monotonic() > self._known_until:
            self._cluster = await (await self._publisher.client()).fetch_all_metadata()
            self._known_until = time.monotonic() + KNOWN_SECONDS_MAX
        found = [(topic, self._cluster.partitions_for_topic(topic) or ()) for topic in topics]
        if not all(numbers for _, numbers in found):
            # Somebody may make the topic soon.
            self._known_until = 0.0
        return [TopicPartition(topic, number) for topic, numbers in found for number in sorted(numbers)]

    async def committed(self, group: str, places: Iterable[TopicPartition]) -> Places:
        """What the group has committed. A partition without a commit is not in it."""
        client = await self._publisher.client()
        if group not in self._coordinators:
            self._coordinators[group] = await client.coordinator_lookup(GROUP_COORDINATOR, group)
        by_topic = defaultdict(list)
        for place in places:
            by_topic[place.topic].append(place.partition)
        answer = await client.send(self._coordinators[group], OffsetFetchRequest(group, [*by_topic.items()]))
        _check(getattr(answer, "error_code", 0))
        found: Places = {}
        for topic, partitions in answer.topics:
            for partition, offset, _, error in partitions:
                _check(error)
                if offset != NO_OFFSET:
                    found[TopicPartition(topic, partition)] = offset
        return found

    async def at(self, end: int, places: Iterable[TopicPartition]) -> Places:
        """The offsets of these partitions at an end: `FIRST` or `END`."""
        client = await self._publisher.client()
        by_broker: Mapping[int, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
        for place in places:
            leader = self._cluster.leader_for_partition(place)
            if leader is None or leader < 0:
                raise NodeNotReadyError(f"{place.topic} has no leader now")
            by_broker[leader][place.topic].append((place.partition, end))
        asked = [
            client.send(broker, OffsetRequest(CONSUMER_ITSELF, 0, [*topics.items()]))
            for broker, topics in by_broker.items()
        ]
        found: Places = {}
        for answer in await asyncio.gather(*asked):
            for topic, partitions in answer.topics:
                for partition, error, _, offset in partitions:
                    _check(error)
                    found[TopicPartition(topic, partition)] = offset
        return found

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[None]:
        """
        A block of questions, within `ANSWER_SECONDS_MAX`.

        Raises:
            Unavailable: Kafka does not answer. The next block asks again where everything is.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                yield
        except (KafkaError, TimeoutError) as error:
            self._cluster = None
            self._coordinators.clear()
            raise Unavailable(f"Kafka does not say its offsets: {type(error).__name__}") from error


def _check(error_code: int) -> None:
    if error_code:
        raise for_code(error_code)
