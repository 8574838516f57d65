"""
Records that a group is to leave alone, since operators have named them (`kepu dead bury`).

The topic of the decisions is read only when a group gets no further. Otherwise nothing asks for it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.contracts.envelope import decoder
from shared.contracts.events import DeadLetterDecided
from shared.contracts.topics import declared
from shared.messaging.connection import Kafka, client_arguments
from shared.messaging.received import Received
from shared.runtime.errors import Rejected

log = logging.getLogger(__name__)

READ_SECONDS_MAX = 30.0
POLL_MS = 500

_decode = decoder(DeadLetterDecided)


class Buried:
    """Knows which records each group is to leave alone."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka

    async def among(self, group: str, events: Iterable[Received[Any]]) -> set[int]:
        """The indexes of the events that this group is to leave alone. None if Kafka does not answer."""
        try:
            async with asyncio.timeout(READ_SECONDS_MAX):
                named = await self._named(group)
        except (KafkaError, TimeoutError) as error:
            log.warning("what is to be buried is not known", extra={"group": group, "reason": str(error)})
            return set()
        return {index for index, event in enumerate(events) if _place(event) in named}

    async def _named(self, group: str) -> set[str]:
        return {
            decision.place
            async for decision in Decisions(self._kafka).until()
            if decision.decision == "bury" and decision.group == group
        }


class Decisions:
    """What operators have decided, from the topic of decisions. Each is read once."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._read_to: dict[TopicPartition, int] = {}

    async def until(
        self, ends: Mapping[TopicPartition, int] | None = None
    ) -> AsyncIterator[DeadLetterDecided]:
        """
        The decisions that were not read before.

        Args:
            ends: the ends of the topic's partitions, if they are known. Nothing is asked if nothing is new.
        """
        if ends is not None and all(self._read_to.get(place, 0) >= end for place, end in ends.items()):
            return
        topic = declared(DeadLetterDecided)
        consumer: Any = AIOKafkaConsumer(**client_arguments(self._kafka), enable_auto_commit=False)
        try:
            await consumer.start()
            if topic.name not in await consumer.topics():
                # A client that subscribes to it would wait until somebody makes it.
                return
            places = [TopicPartition(topic.name, partition) for partition in range(topic.partitions)]
            consumer.assign(places)
            await consumer.seek_to_beginning()
            for place, offset in self._read_to.items():
                consumer.seek(place, offset)
            ends = await consumer.end_offsets(places)
            while any([await consumer.position(place) < end for place, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                    for record in records:
                        if decision := _decision(record.value):
                            yield decision
            self._read_to = {place: await consumer.position(place) for place in places}
        finally:
            await consumer.stop()


def _decision(value: bytes | None) -> DeadLetterDecided | None:
    try:
        [decision] = _decode([value or b""])
    except Rejected:
        return None
    return decision


def _place(event: Received[Any]) -> str:
    record = event.record
    return f"{record.topic}/{record.partition}/{record.offset}"
