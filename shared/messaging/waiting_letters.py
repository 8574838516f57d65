"""
How many dead letters of a group wait for a decision of operators.

The topic of dead letters says how many there are, and the topic of decisions says about which of them
operators have decided. Its records are read once, and then only when it has new ones.
"""

import asyncio
from collections.abc import Sequence

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.contracts.events import DeadLetterDecided
from shared.contracts.topics import dead_letters, declared
from shared.messaging.buried import READ_SECONDS_MAX, Decisions
from shared.messaging.consumer import Consumer
from shared.messaging.offsets import END, FIRST, Offsets, Places
from shared.runtime import metrics
from shared.runtime.errors import Unavailable
from shared.runtime.measurement import Measurement

LOOP = "dead letters counted"
# A number that was not measured for so long is unknown.
MEASURED_SECONDS = 90.0
DECIDED = ("redriven", "discarded")


class WaitingLetters:
    """Counts the dead letters that wait, by topic and group, for each group of this process."""

    def __init__(
        self, offsets: Offsets, decisions: Decisions, consumers: Sequence[Consumer], *, seconds: float
    ) -> None:
        self._offsets = offsets
        self._decisions = decisions
        self._seconds = seconds
        self._gauges: dict[str, Measurement] = {}
        for consumer in consumers:
            metrics.DEAD_LETTERS_WAITING.begin(consumer.topics, [consumer.group])
            for topic in consumer.topics:
                gauge = metrics.DEAD_LETTERS_WAITING.labels(topic, consumer.group)
                self._gauges[dead_letters(topic, consumer.group)] = Measurement(
                    gauge, seconds_max=MEASURED_SECONDS
                )
        # Where the letters stand that operators have decided about. Those that Kafka has deleted are
        # forgotten, so there are never more than letters.
        self._decided: dict[TopicPartition, set[int]] = {}

    async def turn(self) -> float:
        """
        Count once; returns the seconds until the next time.

        Raises:
            Unavailable: Kafka does not answer.
        """
        async with self._offsets.asked():
            places = await self._offsets.partitions(self._gauges)
            asked = await self._offsets.partitions([declared(DeadLetterDecided).name])
            firsts = await self._offsets.at(FIRST, places)
            ends = await self._offsets.at(END, [*places, *asked])
        await self._learn({place: ends[place] for place in asked})
        waiting = dict.fromkeys(self._gauges, 0)
        for place in places:
            decided = self._decided.get(place, set())
            decided -= {offset for offset in decided if offset < firsts[place]}
            waiting[place.topic] += max(0, ends[place] - firsts[place] - len(decided))
        for topic, letters in waiting.items():
            self._gauges[topic].set(letters)
        return self._seconds

    async def _learn(self, ends: Places) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS_MAX):
                async for decision in self._decisions.until(ends):
                    self._note(decision)
        except (KafkaError, TimeoutError) as error:
            raise Unavailable(f"Kafka does not give decisions: {type(error).__name__}") from error

    def _note(self, decision: DeadLetterDecided) -> None:
        topic, _, at = (decision.letter or "").partition("/")
        partition, _, offset = at.partition("/")
        if topic in self._gauges and partition.isdecimal() and offset.isdecimal():
            letters = self._decided.setdefault(TopicPartition(topic, int(partition)), set())
            (letters.add if decision.decision in DECIDED else letters.discard)(int(offset))
