"""Where the log of submissions ends, and up to where it is graded."""

from collections.abc import Mapping
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.contracts.events import QuizSubmitted
from shared.contracts.topics import QUIZ_GRADING
from shared.runtime.errors import Unavailable

MARKER_WAIT_MS = 500


class LogState(NamedTuple):
    """
    Offsets of each partition with records.

    Attributes:
        ends: where the partition ends now.
        graded: the graders have committed everything before it.
    """

    ends: Mapping[TopicPartition, int]
    graded: Mapping[TopicPartition, int]


async def read_log_state(kafka: str) -> LogState:
    """
    Where the log of submissions ends now, and up to where it is graded.

    Raises:
        Unavailable: Kafka does not answer.
    """
    try:
        return await _read(kafka)
    except KafkaError as error:
        raise Unavailable(f"Kafka does not answer: {type(error).__name__}") from error


async def _read(kafka: str) -> LogState:
    # Without a group: it gets the topic's metadata and takes no partition from the graders.
    consumer = AIOKafkaConsumer(
        QuizSubmitted.topic, bootstrap_servers=kafka, isolation_level="read_committed"
    )
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await consumer.start()
        await admin.start()
        numbers = consumer.partitions_for_topic(QuizSubmitted.topic)
        if not numbers:
            raise Unavailable(f"topic {QuizSubmitted.topic} does not exist")
        partitions = [TopicPartition(QuizSubmitted.topic, number) for number in numbers]
        begins = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        committed = await admin.list_consumer_group_offsets(QUIZ_GRADING, partitions=partitions)
        filled = {partition: end for partition, end in ends.items() if end > begins[partition]}
        graded = {partition: max(begins[partition], committed[partition].offset) for partition in filled}
        for partition, end in filled.items():
            if graded[partition] < end:
                graded[partition] = await _skip_markers(consumer, partition, graded[partition])
    finally:
        await consumer.stop()
        await admin.close()
    return LogState(filled, graded)


async def _skip_markers(consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> int:
    """
    The offset of the next submission from this one on, or of the log's end.

    Graders commit what they have read. Another system's transaction ends with a marker. The marker has an
    offset, but nobody reads it. So after such a transaction the end of the log is higher than the graders'
    committed offset.
    """
    consumer.seek(partition, offset)
    if await consumer.getmany(partition, timeout_ms=MARKER_WAIT_MS, max_records=1):
        return offset
    position: int = await consumer.position(partition)
    return position
