"""
The metrics of consumers: does each one work, and how far is its group behind?

The lag comes from Kafka: the end of a partition minus what the group has committed. So it is known for all
partitions of a group's topics, also for those that no member holds, and while the consumer is stopped.
"""

import time
from collections.abc import Sequence, Set

from aiokafka import TopicPartition

from shared.contracts.topics import LIVE
from shared.messaging.consumer import Consumer
from shared.messaging.offsets import END, FIRST, Offsets, Places
from shared.runtime import metrics
from shared.runtime.measurement import Measurement

LOOP = "consumers observed"
LAG_LOOP = "lag measured"
# A lag that was not measured for so long is unknown.
MEASURED_SECONDS = 25.0
# The first record of a partition changes only when Kafka deletes old ones.
FIRSTS_SECONDS_MAX = 60.0

_DECLARED = {topic.name: topic for topic in LIVE}


class Running:
    """Shows which consumers of this process work."""

    def __init__(self, consumers: Sequence[Consumer], *, seconds: float) -> None:
        self._consumers = consumers
        self._seconds = seconds

    async def turn(self) -> float:
        """Look once at each consumer; returns the seconds until the next look."""
        for consumer in self._consumers:
            metrics.CONSUMER_RUNNING.labels(consumer.group).set(0 if consumer.problem() else 1)
        return self._seconds


class Lag:
    """
    Measures the lag of each group that has a consumer in this process.

    All processes of a group show the same partitions. So a query takes `max by (topic, group, partition)`.
    """

    def __init__(self, offsets: Offsets, consumers: Sequence[Consumer], *, seconds: float) -> None:
        self._offsets = offsets
        self._topics = {consumer.group: consumer.topics for consumer in consumers}
        self._seconds = seconds
        self._firsts: Places = {}
        self._firsts_until = 0.0
        self._shown: dict[tuple[str, TopicPartition], tuple[Measurement, Measurement]] = {}
        for group, topics in self._topics.items():
            for topic in topics:
                # Unknown until Kafka answers.
                partitions = _DECLARED[topic].partitions if topic in _DECLARED else 0
                for number in range(partitions):
                    self._gauges(group, TopicPartition(topic, number))

    async def turn(self) -> float:
        """
        Measure once; returns the seconds until the next time.

        Raises:
            Unavailable: Kafka does not answer.
        """
        async with self._offsets.asked():
            places = {group: await self._offsets.partitions(topics) for group, topics in self._topics.items()}
            committed = {
                group: await self._offsets.committed(group, some) for group, some in places.items() if some
            }
            everywhere = {place for some in places.values() for place in some}
            ends = await self._offsets.at(END, everywhere)
            # A group begins at the first record. So where it has committed nothing, all are before it.
            fresh = {
                place for group, some in committed.items() for place in places[group] if place not in some
            }
            firsts = await self._firsts_of(fresh)
        for group, some in committed.items():
            for place in places[group]:
                self._show(group, place, some, ends, firsts)
        return self._seconds

    async def _firsts_of(self, fresh: Set[TopicPartition]) -> Places:
        if time.monotonic() > self._firsts_until:
            self._firsts, self._firsts_until = {}, time.monotonic() + FIRSTS_SECONDS_MAX
        if unknown := fresh - self._firsts.keys():
            self._firsts |= await self._offsets.at(FIRST, unknown)
        return self._firsts

    def _show(
        self, group: str, place: TopicPartition, committed: Places, ends: Places, firsts: Places
    ) -> None:
        if place not in ends:
            return
        lag, offset = self._gauges(group, place)
        goes_on_at = committed.get(place, firsts.get(place, 0))
        lag.set(max(0, ends[place] - goes_on_at))
        offset.set(goes_on_at)

    def _gauges(self, group: str, place: TopicPartition) -> tuple[Measurement, Measurement]:
        found = self._shown.get((group, place))
        if found is None:
            labels = place.topic, group, str(place.partition)
            for gauge in (metrics.LAG, metrics.COMMITTED_OFFSET):
                gauge.begin(*[[label] for label in labels])
            found = self._shown[group, place] = (
                Measurement(metrics.LAG.labels(*labels), seconds_max=MEASURED_SECONDS),
                Measurement(metrics.COMMITTED_OFFSET.labels(*labels), seconds_max=MEASURED_SECONDS),
            )
        return found
