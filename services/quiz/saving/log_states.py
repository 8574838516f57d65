"""Where the logs of submissions and of saved answers end, and up to where they are handled."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.contracts.events import QuizAnswersSaved, QuizSubmitted
from shared.contracts.topics import QUIZ_GRADING, QUIZ_SAVING
from shared.messaging.connection import Kafka, client_arguments
from shared.runtime.errors import Unavailable

MARKER_WAIT_MS = 500


class LogState(NamedTuple):
    """
    Offsets of each partition with records.

    Attributes:
        ends: where the partition ends now.
        handled: our group has committed everything before it.
    """

    ends: Mapping[TopicPartition, int]
    handled: Mapping[TopicPartition, int]

    def has_reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        """True if everything before these ends is handled."""
        # A partition without records: those before its end are already deleted.
        return all(self.handled.get(partition, end) >= end for partition, end in ends.items())


class LogStates(NamedTuple):
    """The log of submissions, which are graded, and of saved answers, which are kept."""

    submitted: LogState
    saved: LogState


_GROUPS = {QuizSubmitted.topic: QUIZ_GRADING, QuizAnswersSaved.topic: QUIZ_SAVING}


class KeptSaves:
    """
    Up to which moment all saves in the log are kept in the database, by the clock of this process.

    After an outage, or in a rush, the workers that keep saves are behind. Then a stored sheet may be older
    than the one that was acknowledged.
    """

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._until = datetime.min.replace(tzinfo=UTC)
        # A moment, and where the log ended then. We wait for this end and not for the present one: new saves
        # come all the time.
        self._awaited: tuple[datetime, Mapping[TopicPartition, int]] | None = None

    async def until(self, now: datetime) -> datetime:
        """
        The moment: everything that was in the log then is kept. It is `now` if no save has to be waited for.

        Raises:
            Unavailable: Kafka does not answer.
        """
        [saved] = await _read_or_unavailable(self._kafka, QuizAnswersSaved.topic)
        if self._awaited is not None:
            at, ends = self._awaited
            if not saved.has_reached(ends):
                return self._until
            self._until, self._awaited = at, None
        if saved.has_reached(saved.ends):
            self._until = now
        else:
            self._awaited = now, saved.ends
        return self._until


async def read_log_states(kafka: Kafka) -> LogStates:
    """
    Where the two logs end now, and up to where they are handled.

    Raises:
        Unavailable: Kafka does not answer.
    """
    return LogStates(*await _read_or_unavailable(kafka, QuizSubmitted.topic, QuizAnswersSaved.topic))


async def _read_or_unavailable(kafka: Kafka, *topics: str) -> list[LogState]:
    try:
        return await _read(kafka, topics)
    except KafkaError as error:
        raise Unavailable(f"Kafka does not answer: {type(error).__name__}") from error


async def _read(kafka: Kafka, topics: Sequence[str]) -> list[LogState]:
    # Without a group: it takes no partition from the workers. Without topics: a fetch that waits for records
    # would keep every other question waiting for half a second.
    consumer = AIOKafkaConsumer(**client_arguments(kafka), isolation_level="read_committed")
    admin = AIOKafkaAdminClient(**client_arguments(kafka))
    try:
        await consumer.start()
        await admin.start()
        return [await _state(consumer, admin, topic, _GROUPS[topic]) for topic in topics]
    finally:
        await consumer.stop()
        await admin.close()


async def _state(consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient, topic: str, group: str) -> LogState:
    [found] = await admin.describe_topics([topic])
    partitions = [TopicPartition(topic, one["partition"]) for one in found["partitions"]]
    if not partitions:
        raise Unavailable(f"topic {topic} does not exist")
    begins = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    committed = await admin.list_consumer_group_offsets(group, partitions=partitions)
    filled = {partition: end for partition, end in ends.items() if end > begins[partition]}
    handled = {partition: max(begins[partition], committed[partition].offset) for partition in filled}
    for partition, end in filled.items():
        if handled[partition] < end:
            handled[partition] = await _skip_markers(consumer, partition, handled[partition])
    return LogState(filled, handled)


async def _skip_markers(consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> int:
    """
    The offset of the next record from this one on, or of the log's end.

    Our groups commit what they have read. Another system's transaction ends with a marker. The marker has an
    offset, but nobody reads it. So after such a transaction the end of the log is higher than the
    committed offset.
    """
    consumer.assign([partition])
    consumer.seek(partition, offset)
    if await consumer.getmany(partition, timeout_ms=MARKER_WAIT_MS, max_records=1):
        return offset
    position: int = await consumer.position(partition)
    return position
