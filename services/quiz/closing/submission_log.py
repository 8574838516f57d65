"""Where the logs of submissions and of saved answers end, and up to where they are handled."""

from collections.abc import Mapping
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.contracts.events import QuizAnswersSaved, QuizSubmitted
from shared.contracts.topics import QUIZ_GRADING, QUIZ_SAVING
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


async def read_log_states(kafka: str) -> LogStates:
    """
    Where the two logs end now, and up to where they are handled.

    Raises:
        Unavailable: Kafka does not answer.
    """
    try:
        return await _read(kafka)
    except KafkaError as error:
        raise Unavailable(f"Kafka does not answer: {type(error).__name__}") from error


async def _read(kafka: str) -> LogStates:
    # Without a group: it gets the topics' metadata and takes no partition from the workers.
    consumer = AIOKafkaConsumer(
        QuizSubmitted.topic,
        QuizAnswersSaved.topic,
        bootstrap_servers=kafka,
        isolation_level="read_committed",
    )
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await consumer.start()
        await admin.start()
        submitted = await _state(consumer, admin, QuizSubmitted.topic, QUIZ_GRADING)
        saved = await _state(consumer, admin, QuizAnswersSaved.topic, QUIZ_SAVING)
    finally:
        await consumer.stop()
        await admin.close()
    return LogStates(submitted, saved)


async def _state(consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient, topic: str, group: str) -> LogState:
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise Unavailable(f"topic {topic} does not exist")
    partitions = [TopicPartition(topic, number) for number in numbers]
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
    consumer.seek(partition, offset)
    if await consumer.getmany(partition, timeout_ms=MARKER_WAIT_MS, max_records=1):
        return offset
    position: int = await consumer.position(partition)
    return position
