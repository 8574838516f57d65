"""Letting all groups read the log again from a moment on."""

import time
from datetime import datetime

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from ops.errors import CommandError
from shared.contracts import topics

ANSWER_SECONDS_MAX = 30.0
READY_SECONDS_MAX = 90.0


class NotRewound(CommandError):
    """Kafka does not let us set the places of a group."""


def rewind(kafka: str, since: datetime) -> None:
    """
    Set each group's place in each of its topics to the first record appended since then.

    No member of a group may run. A group that has not yet come so far keeps its place.
    """
    groups = {group for topic in topics.LIVE for group in topic.groups}
    deadline = time.monotonic() + READY_SECONDS_MAX
    for group in sorted(groups):
        while True:
            try:
                _rewind(kafka, group, round(since.timestamp() * 1000))
            except KafkaException as error:
                # A broker that has just started does not know all groups yet, and members that were killed
                # stay until their session ends.
                if time.monotonic() > deadline:
                    raise NotRewound(f"the places of {group} cannot be set: {error.args[0].str()}") from error
                time.sleep(1)
            else:
                break


def _rewind(kafka: str, group: str, since_ms: int) -> None:
    places = [
        TopicPartition(topic.name, number)
        for topic in topics.LIVE
        if group in topic.groups
        for number in range(topic.partitions)
    ]
    consumer = Consumer(
        {"bootstrap.servers": kafka, "group.id": group, "enable.auto.commit": False, "log_level": 2}
    )
    try:
        committed = consumer.committed(places, timeout=ANSWER_SECONDS_MAX)
        asked = [TopicPartition(place.topic, place.partition, since_ms) for place in places]
        first = consumer.offsets_for_times(asked, timeout=ANSWER_SECONDS_MAX)
    finally:
        consumer.close()
    earlier = [
        TopicPartition(then.topic, then.partition, then.offset)
        for now, then in zip(committed, first, strict=True)
        if 0 <= then.offset < now.offset
    ]
    if earlier:
        admin = AdminClient({"bootstrap.servers": kafka, "log_level": 2})
        asked_of = [ConsumerGroupTopicPartitions(group, earlier)]
        done = admin.alter_consumer_group_offsets(asked_of)[group].result(ANSWER_SECONDS_MAX)
        # A refusal, such as that members still run, stands with each place.
        for place in done.topic_partitions:
            if place.error:
                raise KafkaException(place.error)
