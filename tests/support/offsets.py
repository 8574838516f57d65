"""
Lets the consumer groups of a service read only new records.

The tests of a service read the declared topics in turn. The unread records of one test name quizzes and
people that are in no database any more. For the next test they are poison records, and many of them stop a
consumer.
"""

import time
from collections.abc import Iterable
from functools import cache

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined] # (its types forget one)

from shared.contracts.topics import LIVE, Topic

# A member that was killed counts as one until its session ends. The first group of a broker waits for the
# topic of all groups' offsets.
EMPTY_SECONDS_MAX = 45.0
ANSWER_SECONDS_MAX = 10.0
# On a busy machine it takes some time from the creation of a partition to its first answer.
LED_SECONDS_MAX = 30.0
NOT_LED_YET = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
)
POLL_SECONDS = 0.1
HAS_MEMBERS = (KafkaError.UNKNOWN_MEMBER_ID, KafkaError.NON_EMPTY_GROUP, KafkaError.REBALANCE_IN_PROGRESS)


def groups_of(service: str) -> frozenset[str]:
    """The groups of a service: named like it, or after it and a dash."""
    every = {group for topic in LIVE for group in topic.groups}
    return frozenset(group for group in every if group.partition("-")[0] == service)


def skip_to_end(kafka: str, groups: Iterable[str]) -> None:
    """
    Set the groups to the end of each of their topics that exist.

    Raises:
        KafkaException: a group still has members after `EMPTY_SECONDS_MAX`, or a partition no leader after
            `LED_SECONDS_MAX`.
    """
    there = admin(kafka).list_topics(timeout=ANSWER_SECONDS_MAX).topics
    for group in groups:
        read = [topic for topic in LIVE if group in topic.groups and topic.name in there]
        if read:
            _set(kafka, group, _ends(kafka, read))


@cache
def admin(bootstrap_servers: str) -> AdminClient:
    # Silent: it would log that the servers are gone at the end of the run.
    return AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})


def _ends(kafka: str, topics: Iterable[Topic]) -> list[TopicPartition]:
    deadline = time.monotonic() + LED_SECONDS_MAX
    while True:
        try:
            return _ends_now(kafka, topics)
        except KafkaException as error:
            if error.args[0].code() not in NOT_LED_YET or time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


def _ends_now(kafka: str, topics: Iterable[Topic]) -> list[TopicPartition]:
    places = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
    latest: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    asked = admin(kafka).list_offsets(dict.fromkeys(places, latest))
    return [
        TopicPartition(place.topic, place.partition, answer.result(ANSWER_SECONDS_MAX).offset)
        for place, answer in asked.items()
    ]


def _set(kafka: str, group: str, ends: list[TopicPartition]) -> None:
    deadline = time.monotonic() + EMPTY_SECONDS_MAX
    while True:
        [done] = (
            admin(kafka).alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, ends)]).values()
        )
        try:
            done.result(ANSWER_SECONDS_MAX)
        except TimeoutError:
            # On a busy machine a client may wait for ever for a coordinator that was not there at first.
            admin.cache_clear()
            if time.monotonic() > deadline:
                raise
        except KafkaException as error:
            if error.args[0].code() not in HAS_MEMBERS or time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
        else:
            return
