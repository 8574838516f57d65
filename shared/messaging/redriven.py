"""
Records that operators have sent again: they count as of the time at which they were first appended.

`kepu dead redrive` writes a dead letter's record to its topic again, and the header `redriven_from` says
where it was first. The broker's time of that place counts, if the very same record is there. So nobody can
forge an earlier time, whatever the header says (docs/decisions/0088-dead-letters.md).
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.messaging.connection import Kafka, client_arguments
from shared.messaging.dead_letters import named
from shared.messaging.received import Raw, Received
from shared.runtime.errors import Unavailable

log = logging.getLogger(__name__)

READ_SECONDS_MAX = 30.0
POLL_MS = 500
# Partition and offset are numbers of at most this many digits.
DIGITS_MAX = 18

Place: TypeAlias = tuple[TopicPartition, int]


class FirstPlaces:
    """Finds where records were first."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka

    async def restore(self, events: Sequence[Received[Any]]) -> Sequence[Received[Any]]:
        """
        The events, those sent again with the time of their first place.

        A record that is not at the place that it names keeps its own time.

        Raises:
            Unavailable: Kafka does not answer.
        """
        again = {
            index: place
            for index, event in enumerate(events)
            if event.context.redriven_from is not None and (place := _place(event)) is not None
        }
        if not again:
            return events
        first = await self._read(set(again.values()))
        restored = list(events)
        for index, place in again.items():
            record = events[index].record
            found = first.get(place)
            if found is not None and (found.key, found.value) == (record.key, record.value):
                restored[index] = replace(restored[index], record=replace(record, timestamp=found.timestamp))
            else:
                log.warning("a record is not where it says that it was first", extra=named(record))
        return restored

    async def _read(self, places: set[Place]) -> dict[Place, Raw]:
        # Without a group, all partitions of these topics are assigned; only those at hand are fetched.
        consumer: Any = AIOKafkaConsumer(
            *{place.topic for place, _ in places}, **client_arguments(self._kafka), enable_auto_commit=False
        )
        try:
            async with asyncio.timeout(READ_SECONDS_MAX):
                await consumer.start()
                consumer.pause(*consumer.assignment())
                by_partition: dict[TopicPartition, list[int]] = defaultdict(list)
                for place, offset in places:
                    by_partition[place].append(offset)
                found: dict[Place, Raw] = {}
                for place in by_partition.keys() & consumer.assignment():
                    found |= await _records_at(consumer, place, sorted(by_partition[place]))
                return found
        except (KafkaError, TimeoutError) as error:
            raise Unavailable(f"Kafka does not give first places: {type(error).__name__}") from error
        finally:
            await consumer.stop()


async def _records_at(consumer: Any, place: TopicPartition, offsets: Sequence[int]) -> dict[Place, Raw]:
    """What is at these offsets of a partition, and around them."""
    [begins] = (await consumer.beginning_offsets([place])).values()
    [end] = (await consumer.end_offsets([place])).values()
    found: dict[Place, Raw] = {}
    read_to = 0
    consumer.resume(place)
    for offset in offsets:
        # It is not kept any more, or the last reading has found it too.
        if not begins <= offset < end or offset < read_to:
            continue
        consumer.seek(place, offset)
        while read_to <= offset:
            records = (await consumer.getmany(place, timeout_ms=POLL_MS)).get(place, [])
            found |= {(place, record.offset): record for record in records}
            read_to = await consumer.position(place)
    consumer.pause(place)
    return found


def _place(event: Received[Any]) -> Place | None:
    partition, _, offset = (event.context.redriven_from or "").partition("/")
    if all(part.isascii() and part.isdigit() and len(part) <= DIGITS_MAX for part in (partition, offset)):
        return TopicPartition(event.record.topic, int(partition)), int(offset)
    return None
