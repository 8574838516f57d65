"""The metrics of consumers: does each one work, and how far is it behind?"""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.messaging.connection import Kafka, client_arguments
from shared.messaging.consumer import Consumer
from shared.runtime import metrics
from shared.runtime.background import each
from shared.runtime.errors import Unavailable
from shared.runtime.measurement import Measurement

LOOP = "consumers observed"
# A lag that was not measured for so long is unknown.
MEASURED_SECONDS = 15.0


class Observation:
    """Looks at all consumers of a process."""

    def __init__(self, kafka: Kafka, consumers: Sequence[Consumer], *, seconds: float) -> None:
        self._kafka = kafka
        self._consumers = consumers
        self._seconds = seconds
        self._lags: dict[tuple[str, TopicPartition], Measurement] = {}
        # By group: the partitions that have a time series now. A halted consumer keeps its last partitions.
        self._shown: dict[str, frozenset[TopicPartition]] = {}

    async def turn(self) -> float:
        """Look once at each consumer; returns the seconds until the next look."""
        for consumer in self._consumers:
            metrics.CONSUMER_RUNNING.labels(consumer.group).set(0 if consumer.problem() else 1)
        await each(LOOP, self._consumers, self._observe)
        return self._seconds

    async def _observe(self, consumer: Consumer) -> None:
        try:
            if consumer.halted:
                await self._observe_halted(consumer)
            elif (kafka_consumer := consumer.kafka_consumer) is not None:
                await self._observe_running(consumer, kafka_consumer)
        except KafkaError as error:
            raise Unavailable(f"Kafka does not report the lag: {type(error).__name__}") from error

    async def _observe_running(self, consumer: Consumer, kafka_consumer: Any) -> None:
        assigned: frozenset[TopicPartition] = frozenset(kafka_consumer.assignment())
        committed = consumer.committed
        for place in self._shown.get(consumer.group, frozenset()) - assigned:
            # Another member reports this partition now. If the last value stayed, it would look like lag for
            # ever.
            committed.pop(place, None)
            if self._lags.pop((consumer.group, place), None):
                metrics.LAG.remove(place.topic, consumer.group, str(place.partition))
        self._shown[consumer.group] = assigned
        for place in assigned - committed.keys():
            offset = await kafka_consumer.committed(place) or 0
            committed.setdefault(place, offset)
        # A rebalance may have come in between. We can ask for the end only of partitions that are still
        # ours.
        for place in assigned & kafka_consumer.assignment():
            if (end := kafka_consumer.highwater(place)) is not None:
                self._show(consumer.group, place, end - committed.get(place, end))

    async def _observe_halted(self, consumer: Consumer) -> None:
        """People need the lag of a halted group most. A client outside the group asks for it."""
        group = consumer.group
        asking: Any = AIOKafkaConsumer(
            **client_arguments(self._kafka), group_id=group, enable_auto_commit=False
        )
        await asking.start()
        try:
            # It may have halted before anybody looked at its partitions. Then show all of its topics.
            places = self._shown.get(group) or await _all_places(asking, consumer.topics)
            self._shown[group] = places
            for place, end in (await asking.end_offsets(sorted(places))).items():
                self._show(group, place, end - (await asking.committed(place) or 0))
        finally:
            await asking.stop()

    def _show(self, group: str, place: TopicPartition, lag: int) -> None:
        key = group, place
        if key not in self._lags:
            gauge = metrics.LAG.labels(place.topic, group, str(place.partition))
            self._lags[key] = Measurement(gauge, seconds_max=MEASURED_SECONDS)
        self._lags[key].set(max(0, lag))


async def _all_places(asking: Any, topics: Sequence[str]) -> frozenset[TopicPartition]:
    """All partitions of these topics that exist."""
    cluster = await asking._client.fetch_all_metadata()  # noqa: SLF001 (no public name gives partitions without joining)
    return frozenset(
        TopicPartition(topic, number)
        for topic in topics
        for number in cluster.partitions_for_topic(topic) or ()
    )
