"""
The records that have to do with an id, and what should follow from them and does not. All functions are pure.

No content of a record is kept: only its place, its ids, and why a group gave it up.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from ops.audit.notifications import CHANNELS
from ops.deployment.whole_topics import time_of
from shared.contracts import topics
from shared.contracts.topics import NOTIFICATIONS, QUIZ_GRADING, REGISTRATION_REQUESTS

# A record that is younger may still be on its way.
WAIT = timedelta(seconds=10)
HEADER_CHARS_MAX = 128

Place: TypeAlias = tuple[str, int]
"""A topic, and the number of one of its partitions."""


@dataclass(frozen=True, slots=True)
class Seen:
    """
    A record of the log that has to do with the id.

    Attributes:
        cause: the id of the event that it follows from.
        given_up: of a dead letter: the group, the code and the reason.
        origin: of a dead letter: the place of its record.
    """

    at: datetime
    topic: str
    partition: int
    offset: int
    type: str
    id: str
    key: str
    source: str
    cause: str
    correlation_id: str
    redriven_times: str = ""
    given_up: tuple[str, str, str] | None = None
    origin: str = ""

    @property
    def place(self) -> str:
        """The record's place in the log."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class Reach(NamedTuple):
    """How far a group has read a partition, and where the partition ends."""

    committed: int
    end: int


Reaches: TypeAlias = Mapping[tuple[str, str, int], Reach]
"""By group, topic and partition."""


class Follows(NamedTuple):
    """
    What follows from the events of a topic.

    Attributes:
        group: handles them.
        others: what else may be the reason, if none of these topics has an event that follows.
    """

    topics: tuple[str, ...]
    group: str
    others: str


_MESSAGE = Follows(
    ("notification.delivered", "notification.failed"),
    NOTIFICATIONS,
    "the mail waits for its turn, a contact or a later try (GET /deliveries), the recipient has no contact,"
    " or was erased",
)
FOLLOWS: Mapping[str, tuple[Follows, ...]] = {
    **dict.fromkeys((*CHANNELS, "notification.requested"), (_MESSAGE,)),
    "registration.requested": (
        Follows(
            ("registration.confirmed", "registration.waitlisted", "registration.rejected"),
            REGISTRATION_REQUESTS,
            "registration has published nothing: look at its outbox",
        ),
    ),
    "quiz.submitted": (
        Follows(
            ("quiz.completed",),
            QUIZ_GRADING,
            "it waits for participant.joined of its participant, the quiz shows scores at the close,"
            " another submission of the attempt counts, or the participant was erased",
        ),
    ),
}


def seen(message: Any) -> Seen:
    """A record as it may be shown: no content."""
    headers = {name: _shown(value) for name, value in message.headers() or []}
    given_up, origin = None, ""
    if "dead_group" in headers:
        given_up = tuple(headers.get(name, "") for name in ("dead_group", "dead_code", "dead_reason"))
        origin = "/".join(headers.get(name, "") for name in ("dead_topic", "dead_partition", "dead_offset"))
    return Seen(
        time_of(message),
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        headers.get("ce_type", ""),
        headers.get("ce_id", ""),
        _shown(message.key()),
        headers.get("ce_source", ""),
        headers.get("ce_causationid", ""),
        headers.get("ce_correlationid", ""),
        headers.get("redriven_times", ""),
        given_up,  # type: ignore[arg-type] # (three texts, by the line above)
        origin,
    )


def in_order(records: Iterable[Seen]) -> list[Seen]:
    """The records in the order of time. Of one moment, causes come before what follows from them."""
    found = sorted(records, key=lambda one: (one.at, one.topic, one.partition, one.offset))
    by_id = {one.id: one for one in found if not one.given_up}

    def depth(one: Seen) -> int:
        steps, cause = 0, by_id.get(one.cause)
        while cause is not None and steps < len(found):
            steps, cause = steps + 1, by_id.get(cause.cause)
        return steps

    return sorted(found, key=lambda one: (one.at, bool(one.given_up), depth(one)))


def missing(records: Sequence[Seen], reaches: Reaches, now: datetime) -> Iterator[str]:
    """
    What should have followed and did not, each with the place to look at.

    Args:
        reaches: of the groups that read the records.
    """
    dead = {(one.given_up[0], one.origin) for one in records if one.given_up}
    groups_of = {topic.name: topic.groups for topic in topics.LIVE}
    by_key: dict[tuple[str, str], set[str]] = {}
    for one in records:
        by_key.setdefault((one.topic, one.key), set()).add(one.id)
    caused = {(one.topic, one.cause) for one in records}
    again = {one.id for one in records if one.redriven_times and not one.given_up}
    for one in records:
        if one.given_up and one.id not in again:
            group, code, reason = one.given_up
            yield f"{one.origin} was given up by {group} ({code}: {reason}): kepu dead show {one.place}"
        if one.topic not in groups_of or now - one.at < WAIT:
            continue
        unread: set[str] = set()
        for group in groups_of[one.topic]:
            reach = reaches.get((group, one.topic, one.partition))
            if reach and one.offset >= reach.committed:
                unread.add(group)
                yield (
                    f"{one.topic} is at {one.place}, and {group} has not read it: it is at offset"
                    f" {reach.committed} of {reach.end}, lag {reach.end - reach.committed}. Look at that"
                    " group"
                )
        for follows in FOLLOWS.get(one.topic, ()):
            if follows.group in unread or (follows.group, one.place) in dead:
                continue
            causes = by_key[one.topic, one.key] if one.topic == "quiz.submitted" else {one.id}
            if not any((topic, cause) in caused for topic in follows.topics for cause in causes):
                yield (
                    f"{one.topic} is at {one.place}, and there is no {' or '.join(follows.topics)}, although"
                    f" {follows.group} has read it: {follows.others}"
                )


def _shown(value: bytes | None) -> str:
    """A header or a key that a stranger may have written, safe for a terminal."""
    text = (value or b"")[: 4 * HEADER_CHARS_MAX].decode(errors="replace")[:HEADER_CHARS_MAX]
    return "".join(one if one.isprintable() else "?" for one in text)
