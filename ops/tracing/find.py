"""Finds the records of an id in the log."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from ops.deployment.settle import ends_and_commits
from ops.deployment.whole_topics import records_since
from ops.errors import CommandError
from ops.tracing.chain import Reach, Reaches, Seen, seen
from shared.contracts import topics
from shared.messaging.connection import Kafka

# More records are not shown: the id is not that of one thing.
FOUND_MAX = 2_000
ID_CHARS = (4, 128)
# How many offsets are read between two words about the progress.
TOLD_RECORDS = 1_000
# The fields that say whose an event is. Other events of the same person are no part of one another's chain.
_OF_A_PERSON = ("participant_id", "recipient_id")

Told = Callable[[int, int], None]
"""Gets how many offsets were read, and of how many."""


class IdUnclear(CommandError):
    """What was asked for is no id."""


@dataclass(frozen=True, slots=True)
class Found:
    """
    What the log says about an id.

    Attributes:
        more: there are more records than these.
        reaches: how far the groups have read the partitions of these records.
    """

    records: Sequence[Seen]
    more: bool
    reaches: Reaches


def find(kafka: Kafka, id_: str, since: datetime, told: Told = lambda *_: None) -> Found:
    """
    Everything about an id: the records that name it, and what has the same correlation id.

    Of an id of a participant these are only the records that name it: one request of an organiser may concern
    thousands of people.

    Raises:
        IdUnclear: no id looks like this.
        TopicsUnreadable: Kafka does not answer.
    """
    least, most = ID_CHARS
    if not (least <= len(id_) <= most and id_.isprintable() and id_.isascii()) or {*id_} & {'"', "\\", " "}:
        raise IdUnclear(
            f"an id has {least} to {most} letters, digits and signs, and no blank: {id_!r} is none"
        )
    wanted = id_.encode()
    quoted = b'"' + wanted + b'"'
    correlated: set[str] = set()
    found: dict[str, Seen] = {}
    names = [topic.name for topic in topics.with_optional(topics.OPTIONAL)]
    for message in _read(kafka, names, since, told):
        headers: list[tuple[str, bytes | None]] = message.headers() or []
        value = message.value() or b""
        is_named = wanted == message.key() or any(content == wanted for _, content in headers)
        if not is_named and quoted not in value:
            continue
        one = seen(message)
        found[one.place] = one
        if one.correlation_id and one.correlation_id != id_ and not _is_of_person(value, id_):
            correlated.add(one.correlation_id)
        if len(found) > FOUND_MAX:
            break
    if correlated and len(found) <= FOUND_MAX:
        _add_correlated(kafka, names, since, correlated, found, told)
    records = list(found.values())
    return Found(records[:FOUND_MAX], len(records) > FOUND_MAX, _reaches(kafka, records))


def _add_correlated(
    kafka: Kafka,
    names: Sequence[str],
    since: datetime,
    correlated: Collection[str],
    found: dict[str, Seen],
    told: Told,
) -> None:
    ids = {one.encode() for one in correlated}
    for message in _read(kafka, names, since, told):
        headers: list[tuple[str, bytes | None]] = message.headers() or []
        if any(name == "ce_correlationid" and content in ids for name, content in headers):
            one = seen(message)
            found[one.place] = one
            if len(found) > FOUND_MAX:
                return


def _read(kafka: Kafka, names: Sequence[str], since: datetime, told: Told) -> Iterator[Any]:
    total = 0

    def begins(offsets: int) -> None:
        nonlocal total
        total = offsets

    for read, message in enumerate(records_since(kafka, names, since, begins), 1):
        yield message
        if not read % TOLD_RECORDS:
            told(read, total)
    told(total, total)


def _is_of_person(value: bytes, id_: str) -> bool:
    try:
        said = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(said, dict) and any(said.get(field) == id_ for field in _OF_A_PERSON)


def _reaches(kafka: Kafka, records: Sequence[Seen]) -> Reaches:
    groups_of = {topic.name: topic.groups for topic in topics.LIVE}
    places = {(one.topic, one.partition) for one in records if groups_of.get(one.topic)}
    if not places:
        return {}
    groups = sorted({group for topic, _ in places for group in groups_of[topic]})
    lows, ends, commits = ends_and_commits(kafka, sorted(places), groups)
    return {
        (group, *place): Reach(commits[group].get(place, lows[place]), ends[place])
        for place in places
        for group in groups_of[place[0]]
    }
