"""Asks Kafka about a group, and tells it where the group goes on."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition

from ops.deployment.settle import ANSWER_SECONDS_MAX, admin_of, committed_of
from ops.deployment.whole_topics import bounds_and_times
from ops.errors import CommandError
from ops.replaying.plan import Partition, Place, ReplayUnclear, chosen
from shared.messaging.connection import Kafka

# A process that was just stopped or killed counts as a member for 10 s.
MEMBERS_SECONDS_MAX = 15.0
LOOK_SECONDS = 1.0
# After this time without progress, it is said what may be the reason.
STILL_SECONDS = 20.0


class GroupRuns(CommandError):
    """The group has members, so Kafka does not let anybody else move it."""


def bounds_for(
    kafka: Kafka, topics: Sequence[str], numbers: Collection[int], at: datetime | None
) -> tuple[dict[Place, tuple[int, int]], dict[Place, int]]:
    """
    The bounds of the partitions that are meant, and of each the first offset since a time (None: of all).

    Raises:
        ReplayUnclear: there is no such topic or partition.
        TopicsUnreadable: Kafka does not answer.
    """
    return bounds_and_times(kafka, lambda there: chosen(there, topics, numbers), at)


def committed_by(kafka: Kafka, group: str) -> dict[Place, int]:
    """
    Where a group goes on, in each partition of which it has committed an offset.

    Raises:
        ReplayUnclear: Kafka does not answer.
    """
    try:
        return committed_of(admin_of(kafka), group)
    except (KafkaException, TimeoutError) as error:
        raise ReplayUnclear(f"Kafka at {kafka} does not say where {group} is: {error}") from error


def wait_until_empty(
    kafka: Kafka, group: str, tell: Callable[[str], None], seconds: float = MEMBERS_SECONDS_MAX
) -> None:
    """
    Wait a little until a group has no members.

    Raises:
        GroupRuns: it has some after the time.
    """
    deadline, told = time.monotonic() + seconds, False
    while members := _members(kafka, group):
        if time.monotonic() > deadline:
            raise GroupRuns(
                f"{group} has {len(members)} members ({', '.join(members[:5])}): stop every process with role"
                f" worker or all of its service, and try again. Afterwards start them: they read what is"
                " replayed"
            )
        if not told:
            tell(f"waiting for up to {seconds:.0f} s until {len(members)} members of {group} have gone …")
            told = True
        time.sleep(LOOK_SECONDS)


def _members(kafka: Kafka, group: str) -> list[str]:
    # It has a name, since a client that nobody holds any more never answers.
    admin = admin_of(kafka)
    try:
        asked = admin.describe_consumer_groups([group], request_timeout=ANSWER_SECONDS_MAX)
        found = asked[group].result(ANSWER_SECONDS_MAX)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
            return []
        raise ReplayUnclear(f"Kafka at {kafka} does not describe {group}: {error.args[0].str()}") from error
    return [member.group_instance_id or member.client_id or member.host for member in found.members]


def move(kafka: Kafka, group: str, plan: Sequence[Partition]) -> None:
    """
    Let the group go on where the plan says.

    Raises:
        GroupRuns: a member has come in between.
        ReplayUnclear: Kafka refuses.
    """
    places = [TopicPartition(one.topic, one.number, one.target) for one in plan]
    admin = admin_of(kafka)
    try:
        asked = admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, places)])
        moved = asked[group].result(ANSWER_SECONDS_MAX)
    except KafkaException as error:
        if error.args[0].code() in (KafkaError.UNKNOWN_MEMBER_ID, KafkaError.NON_EMPTY_GROUP):
            raise GroupRuns(f"a process of {group} has started in between: stop it, and try again") from error
        raise ReplayUnclear(f"Kafka does not move {group}: {error.args[0].str()}") from error
    wrong = [place for place in moved.topic_partitions if place.error]
    if wrong:
        raise ReplayUnclear(f"Kafka does not move {group} in {wrong[0].topic}: {wrong[0].error.str()}")


def follow(
    look: Callable[[], Mapping[Place, int]],
    plan: Sequence[Partition],
    advance: Callable[[int], None],
    tell: Callable[[str], None],
) -> None:
    """
    Show the progress of a group, until it is where the partitions ended.

    Args:
        look: where the group is.
        advance: is called with the number of offsets that were read since the call before.
    """
    done, moved_at, still_told = 0, time.monotonic(), False
    total = sum(one.to_read for one in plan)
    while done < total:
        time.sleep(LOOK_SECONDS)
        at = look()
        now = sum(
            min(one.end, max(one.target, at.get((one.topic, one.number), one.target))) - one.target
            for one in plan
        )
        if now > done:
            advance(now - done)
            done, moved_at, still_told = now, time.monotonic(), False
        elif time.monotonic() - moved_at > STILL_SECONDS and not still_told:
            still_told = True
            tell("nothing was read for a while: has a process of the group started? If so, /health says why")
