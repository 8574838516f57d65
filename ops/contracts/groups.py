"""The groups that read a topic at a real broker, also those of other systems."""

from dataclasses import dataclass

from confluent_kafka import KafkaException

from ops.deployment.settle import ANSWER_SECONDS_MAX, admin_of, committed_of
from ops.deployment.whole_topics import bounds_of
from ops.errors import CommandError
from shared.messaging.connection import Kafka


class GroupsUnknown(CommandError):
    """Kafka does not say which groups there are."""


@dataclass(frozen=True, slots=True)
class ReadingGroup:
    """A group that has committed offsets in a topic. `unread`: records that it has not committed yet."""

    name: str
    unread: int


def groups_at(kafka: Kafka, topic: str) -> list[ReadingGroup]:
    """
    The groups that read this topic, by name. A group that never commits is not seen.

    Raises:
        GroupsUnknown: Kafka does not answer, or does not let this user ask.
        TopicsUnreadable: there is no such topic, or Kafka does not answer.
    """
    bounds = {number: ends for (name, number), ends in bounds_of(kafka, [topic]).items() if name == topic}
    admin = admin_of(kafka)
    try:
        listed = admin.list_consumer_groups(request_timeout=ANSWER_SECONDS_MAX).result(ANSWER_SECONDS_MAX)
        found = []
        for name in sorted(group.group_id for group in listed.valid):
            committed = committed_of(admin, name)
            if any(place == topic for place, _ in committed):
                unread = sum(
                    high - max(committed.get((topic, number), 0), low)
                    for number, (low, high) in bounds.items()
                )
                found.append(ReadingGroup(name, unread))
    except (KafkaException, TimeoutError) as error:
        raise GroupsUnknown(f"Kafka at {kafka} does not name its groups: {error}") from error
    return found
