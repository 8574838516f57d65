"""Wait until a deployment is at rest: no event unread, none unpublished, no mail due."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from confluent_kafka import Consumer, KafkaException, TopicPartition

from ops.deployment.databases import Databases
from ops.errors import CommandError
from shared.contracts import topics
from shared.runtime import clock

LOOK_SECONDS = 0.5
# What is still waited for is said at once, and then as often as this.
TOLD_SECONDS = 5.0
SETTLE_SECONDS_MAX = 240.0
ANSWER_SECONDS_MAX = 20.0
# A consumer's last commit may fill an outbox a moment later, so one check without work is not enough.
QUIET_LOOKS = 3
GROUPS = frozenset(group for topic in topics.LIVE for group in topic.groups)


class NotAtRest(CommandError):
    """Some work is still in progress after the given time, or Kafka does not answer."""


@dataclass(frozen=True, slots=True)
class Unrest:
    """The work that is left: events not yet committed or published, mails due and not yet delivered."""

    unread: int
    unpublished: int
    undelivered: int

    @property
    def total(self) -> int:
        """The sum: 0 at rest."""
        return self.unread + self.unpublished + self.undelivered


async def wait_until_settled(
    kafka: str,
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
    deadline, quiet, unrest = time.monotonic() + seconds, 0, Unrest(0, 0, 0)
    until = clock.now() + timedelta(seconds=seconds)
    while quiet < QUIET_LOOKS:
        unread = lag(kafka, groups)
        unrest = Unrest(
            sum(unread.values()), await databases.unpublished(), await databases.undelivered(until)
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
                f"{unrest.undelivered} mails to deliver"
            )

    return tell


def words_of(put_off: Mapping[str, int]) -> str:
    """What `wait_until_settled` returns, for people; empty if no mail waits."""
    if not put_off:
        return ""
    reasons = ", ".join(f"{mails} {reason}" for reason, mails in put_off.items())
    return f"{sum(put_off.values())} mails wait for later, as they should: {reasons}"


def lag(kafka: str, groups: Collection[str] = GROUPS) -> dict[str, int]:
    """The number of events that each group has not committed yet, by "topic of group"."""
    found: dict[str, int] = {}
    for group in sorted(groups):
        consumer = Consumer({"bootstrap.servers": kafka, "group.id": group, "enable.auto.commit": False})
        try:
            for topic in topics.LIVE:
                if group in topic.groups:
                    found[f"{topic.name} of {group}"] = _lag_of(consumer, topic)
        except KafkaException as error:
            raise NotAtRest(f"Kafka at {kafka} does not answer ({error}): start the week first") from error
        finally:
            consumer.close()
    return found


def _lag_of(consumer: Consumer, topic: topics.Topic) -> int:
    places: Sequence[TopicPartition] = [TopicPartition(topic.name, n) for n in range(topic.partitions)]
    behind = 0
    for place in consumer.committed(list(places), timeout=ANSWER_SECONDS_MAX):
        low, high = consumer.get_watermark_offsets(place, timeout=ANSWER_SECONDS_MAX)
        behind += high - max(place.offset, low)
    return behind
