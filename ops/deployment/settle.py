"""Wait until a deployment is at rest: nothing unread or unpublished, no mail due, nothing to grade again."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined] # (its types forget one)

from ops.deployment.clients import confluent_arguments
from ops.deployment.databases import Databases
from ops.errors import CommandError
from shared.contracts import topics
from shared.messaging.connection import Kafka
from shared.runtime import clock

LOOK_SECONDS = 0.5
# What is still waited for is said at once, and then as often as this.
TOLD_SECONDS = 5.0
SETTLE_SECONDS_MAX = 240.0
ANSWER_SECONDS_MAX = 20.0
# A consumer's last commit may fill an outbox a moment later, so one check without work is not enough.
QUIET_LOOKS = 3
Place: TypeAlias = tuple[str, int]
"""A topic, and the number of one of its partitions."""
GROUPS = frozenset(group for topic in topics.LIVE for group in topic.groups)


class NotAtRest(CommandError):
    """Some work is still in progress after the given time, or Kafka does not answer."""


@dataclass(frozen=True, slots=True)
class Unrest:
    """The work that is left: events to commit or publish, mails to deliver, quizzes to grade again."""

    unread: int
    unpublished: int
    undelivered: int
    correcting: int

    @property
    def total(self) -> int:
        """The sum: 0 at rest."""
        return self.unread + self.unpublished + self.undelivered + self.correcting


async def wait_until_settled(
    kafka: Kafka,
    databases: Databases,
    tell: Callable[[Unrest], None] = lambda _: None,
    seconds: float = SETTLE_SECONDS_MAX,
    groups: Collection[str] = GROUPS,
) -> dict[str, int]:
    """
    Wait until three checks in a row find no work.

    A mail that is put off is no work: one that the mail server or a limit has deferred, one that is due only
    after `seconds`, or one that waits for a contact. It may wait for days. Of hundreds of deferred mails some
    are tried in every second, so waiting for them would not end.

    Returns: how many mails wait like that, by the reason.

    Args:
        groups: the consumer groups to wait for. Name fewer where only some services run.

    Raises:
        NotAtRest: work is left after the time; the message says which.
    """
    deadline, quiet, unrest = time.monotonic() + seconds, 0, Unrest(0, 0, 0, 0)
    until = clock.now() + timedelta(seconds=seconds)
    while quiet < QUIET_LOOKS:
        unread = lag(kafka, groups)
        unrest = Unrest(
            sum(unread.values()),
            await databases.unpublished(),
            await databases.undelivered(until),
            await databases.correcting(),
        )
        tell(unrest)
        quiet = quiet + 1 if unrest.total == 0 else 0
        if time.monotonic() > deadline:
            behind = {name: lag for name, lag in unread.items() if lag}
            raise NotAtRest(
                f"the week is not at rest after {seconds:.0f} s: {unrest}, unread {behind}; "
                "look in the services' logs, or wait and try again"
            )
        await asyncio.sleep(LOOK_SECONDS)
    return await databases.put_off(until)


def told_now_and_then(say: Callable[[str], None]) -> Callable[[Unrest], None]:
    """A `tell` for `wait_until_settled`: says at once what is waited for, and again every `TOLD_SECONDS`."""
    tells_at = time.monotonic()

    def tell(unrest: Unrest) -> None:
        nonlocal tells_at
        if unrest.total and time.monotonic() >= tells_at:
            tells_at = time.monotonic() + TOLD_SECONDS
            say(
                f"waiting for {unrest.unread} events unread, {unrest.unpublished} unpublished, "
                f"{unrest.undelivered} mails to deliver, {unrest.correcting} quizzes to grade again"
            )

    return tell


def words_of(put_off: Mapping[str, int]) -> str:
    """What `wait_until_settled` returns, for people; empty if no mail waits."""
    if not put_off:
        return ""
    reasons = ", ".join(f"{mails} {reason}" for reason, mails in put_off.items())
    return f"{sum(put_off.values())} mails wait for later, as they should: {reasons}"


def lag(kafka: Kafka, groups: Collection[str] = GROUPS) -> dict[str, int]:
    """The number of events that each group has not committed yet, by "topic of group"."""
    read = {topic: [group for group in topic.groups if group in groups] for topic in topics.LIVE}
    places = [(topic.name, n) for topic in read if read[topic] for n in range(topic.partitions)]
    if not places:
        return {}
    lows, highs, committed = ends_and_commits(kafka, places, groups)
    return {
        f"{topic.name} of {group}": sum(
            highs[topic.name, n] - max(committed[group].get((topic.name, n), 0), lows[topic.name, n])
            for n in range(topic.partitions)
        )
        for topic, its_groups in read.items()
        for group in sorted(its_groups)
    }


def ends_and_commits(
    kafka: Kafka, places: Sequence[Place], groups: Collection[str]
) -> tuple[dict[Place, int], dict[Place, int], dict[str, dict[Place, int]]]:
    """
    The first and the next offset of each place, and by group where it goes on reading.

    Raises:
        NotAtRest: Kafka does not answer.
    """
    admin = admin_of(kafka)
    asked = [TopicPartition(*place) for place in places]
    try:
        # The places of the groups come first: what is written in the meantime counts as unread.
        committed = {group: committed_of(admin, group) for group in groups}
        lows = _offsets(admin, asked, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        highs = _offsets(admin, asked, OffsetSpec.latest())  # type: ignore[no-untyped-call]
    except (KafkaException, TimeoutError) as error:
        said = str(error) or f"nothing in {ANSWER_SECONDS_MAX:.0f} s"
        raise NotAtRest(f"Kafka at {kafka} does not answer ({said}): start the week first") from error
    return lows, highs, committed


def admin_of(kafka: Kafka) -> AdminClient:
    """A client that asks Kafka about groups and offsets."""
    return AdminClient({**confluent_arguments(kafka), "log_level": 2})


def committed_of(admin: AdminClient, group: str) -> dict[Place, int]:
    """Where the group goes on reading, in each partition of which it has committed an offset."""
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
    found = asked[group].result(ANSWER_SECONDS_MAX)
    return {(place.topic, place.partition): place.offset for place in found.topic_partitions}


def _offsets(admin: AdminClient, places: Sequence[TopicPartition], spec: OffsetSpec) -> dict[Place, int]:
    """The first or the next offset of each partition, all in one question."""
    asked = admin.list_offsets(dict.fromkeys(places, spec))
    return {
        (place.topic, place.partition): answer.result(ANSWER_SECONDS_MAX).offset
        for place, answer in asked.items()
    }
