"""Letting all groups read the log again from a moment on, as `kepu replay` does for one group."""

import time
from collections.abc import Callable
from datetime import datetime

from ops.replaying.offsets import bounds_for, committed_by, move, wait_until_empty
from ops.replaying.plan import ReplayUnclear, planned
from shared.contracts import topics
from shared.messaging.connection import Kafka

# A broker that was killed and has just started does not know all groups yet.
READY_SECONDS_MAX = 60.0


def rewind(kafka: Kafka, since: datetime, tell: Callable[[str], None]) -> None:
    """
    Set each group's place in each of its topics to the first record that was appended since then.

    A group that has not yet come so far keeps its place. No process of a group may run.

    Raises:
        CommandError: Kafka does not answer, or a group has members.
    """
    deadline = time.monotonic() + READY_SECONDS_MAX
    for group in sorted({group for topic in topics.LIVE for group in topic.groups}):
        while True:
            try:
                _rewind(kafka, group, since, tell)
            except ReplayUnclear:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)
            else:
                break


def _rewind(kafka: Kafka, group: str, since: datetime, tell: Callable[[str], None]) -> None:
    read = [topic.name for topic in topics.LIVE if group in topic.groups]
    wait_until_empty(kafka, group, tell)
    bounds, since_then = bounds_for(kafka, read, (), since)
    plan = planned(bounds, committed_by(kafka, group), since_then)
    if back := [one for one in plan if one.repeated]:
        move(kafka, group, back)
