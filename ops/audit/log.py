"""Kafka's log: every record of every topic of Kepu Week, from the beginning to the end as it is now."""

import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar, cast

import msgspec
from aiokafka import ConsumerRecord
from confluent_kafka import Message

from ops.audit.ours import COMPACTED, OF_OTHERS, Keyed, malformed
from ops.deployment.whole_topics import records_of
from shared.contracts import topics
from shared.contracts.envelope import REDRIVEN_FROM, Event
from shared.contracts.events import DeadLetterDecided
from shared.messaging.connection import Kafka
from shared.messaging.decoding import Rule
from shared.messaging.received import Raw
from shared.runtime.errors import Rejected

# The headers that the audit looks at. A peak hour leaves millions of records, so other headers are not kept.
KEPT = frozenset(
    {
        "ce_id",
        "ce_source",
        "dead_topic",
        "dead_partition",
        "dead_offset",
        REDRIVEN_FROM,
    }
)
# The topics that other systems write to. A record that consumers refuse is no event for the audit either.
RULES: Mapping[str, Rule] = {contract.topic: Rule(contract) for contract in OF_OTHERS}
# For these topics the time is kept too, to put outcomes in order. These topics have fewer records.
TIMED = "registration."

ALL = tuple(topic.name for topic in topics.ALL)

E = TypeVar("E", bound=Event)
Alike: TypeAlias = dict[tuple[tuple[str, bytes], ...], Mapping[str, str]]
Keep: TypeAlias = Callable[[str, bytes, bytes], bool]
"""Whether to keep a record, by its topic, key and value."""


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One record.

    `event_id` is the header `ce_id`. `alike` contains the other headers of `KEPT`: records with the same
    headers share one object. `refused`: the code with which consumers refuse its headers, size or time, if it
    is of a topic that others may write to.
    """

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None
    event_id: str | None
    alike: Mapping[str, str]
    refused: str | None
    time_ms: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers that are kept."""
        return {**self.alike} if self.event_id is None else {**self.alike, "ce_id": self.event_id}

    @property
    def identity(self) -> Hashable:
        """Records that have this in common are one event. Two systems may give the same id."""
        return (self.alike.get("ce_source"), self.id) if self.topic in RULES else self.id

    @property
    def id(self) -> str:
        """The event's id, or the record's place if it has no id."""
        return self.event_id or self.place

    @property
    def place(self) -> str:
        """The record's place in the log."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def body(self) -> dict[str, Any]:
        """The event's data, decoded at each call. Empty if the value is not a JSON object."""
        try:
            decoded = msgspec.json.decode(self.value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return {}
        return decoded if isinstance(decoded, dict) else {}

    def text(self, field: str) -> str | None:
        """A field of the data; None if there is none or it is no text, as in a record that was refused."""
        found = self.body.get(field)
        return found if isinstance(found, str) else None


def conforms(entry: Entry, contract: type[Event]) -> bool:
    """True if consumers take a record as an event of this contract."""
    return read_as(entry, contract) is not None


def read_as(entry: Entry, contract: type[E]) -> E | None:
    """
    The record as an event of this contract, or None if every consumer refuses it, by the consumers' own rule.
    """
    if entry.refused is not None:
        return None
    try:
        [event] = RULES[contract.topic].events([Keyed(entry.key.encode(), entry.value)])
    except Rejected:
        return None
    return cast(E, event)


class Log:
    """All records by topic, in the order of each partition."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_topic: dict[str, list[Entry]] = defaultdict(list)
        self._events: dict[str, list[Entry]] = {}
        self._malformed: dict[str, list[Entry]] = {}
        again: set[str] = set()
        for entry in entries:
            self._by_topic[entry.topic].append(entry)
            if REDRIVEN_FROM in entry.alike and entry.topic in RULES:
                again.add(entry.topic)
        for topic in again:
            self._by_topic[topic] = _with_first_times(self._by_topic[topic])

    def records(self, topic: str) -> list[Entry]:
        """Every record."""
        return self._by_topic[topic]

    def events(self, topic: str) -> list[Entry]:
        """
        Each event once: a record that repeats an event's id is a redelivery, not a second event.

        Records that consumers refuse are there too, unless an event has the same id; but those of our own
        topics are not (`malformed`).
        """
        if topic not in self._events:
            records = self._by_topic[topic]
            if wrong := {id(entry) for entry in self.malformed(topic)}:
                records = [entry for entry in records if id(entry) not in wrong]
            if topic in COMPACTED:
                records = [entry for entry in records if entry.value is not None]
            first: dict[Hashable, Entry] = {}
            for entry in records:
                known = first.setdefault(entry.identity, entry)
                if known is not entry and not _is_taken(known):
                    first[entry.identity] = entry
            self._events[topic] = records if len(first) == len(records) else list(first.values())
        return self._events[topic]

    def malformed(self, topic: str) -> list[Entry]:
        """The records of one of our own topics that no consumer takes."""
        if topic not in self._malformed:
            self._malformed[topic] = malformed(topic, self._by_topic[topic])
        return self._malformed[topic]

    def no_events(self, topic: str) -> list[Entry]:
        """The records that are no events: malformed ones, and those that delete a key."""
        deleting = [entry for entry in self._by_topic[topic] if entry.value is None]
        return [*self.malformed(topic), *(deleting if topic in COMPACTED else [])]

    def redelivered(self) -> int:
        """The number of records that repeat an earlier event of the log."""
        return sum(
            len(self.records(name)) - len(self.no_events(name)) - len(self.events(name))
            for name in (topic.name for topic in topics.LIVE)
        )

    def contradictions(self) -> list[str]:
        """The ids of events whose records differ."""
        found = []
        for topic in topics.LIVE:
            events = self.events(topic.name)
            if events is self.records(topic.name):
                # No event comes twice.
                continue
            said = {entry.identity: entry.value for entry in events}
            found += [
                entry.id
                for entry in self.records(topic.name)
                if entry.event_id is not None
                and said.get(entry.identity, entry.value) != entry.value
                and _is_taken(entry)
            ]
        return found

    def dead(self, topic: str, group: str) -> list[Entry]:
        """The dead letters of one group's reading of one topic."""
        return self._by_topic[topics.dead_letters(topic, group)]

    def given_up(self, topic: str, group: str, refused: Collection[str]) -> set[str]:
        """
        The places of the records that a group has dead-lettered, but for those on which it failed and which
        operators have sent again since.

        Args:
            refused: the places of records that the group has to refuse, also when they come again.
        """
        parts = ("dead_topic", "dead_partition", "dead_offset")
        dead = {"/".join(entry.alike[part] for part in parts) for entry in self.dead(topic, group)}
        again = {
            str(decided.body.get("place"))
            for decided in self._by_topic[DeadLetterDecided.topic]
            if decided.body.get("group") == group and decided.body.get("decision") == "redriven"
        }
        return dead - (again - {*refused})


def read(kafka: Kafka, names: Collection[str] = ALL, keep: Keep = lambda *_: True) -> Log:
    """
    Read everything, or only some topics and the records that `keep` wants.

    Raises:
        TopicsUnreadable: a topic is missing, or Kafka does not answer in time.
    """
    alike: Alike = {}
    return Log(
        _entry(message, alike)
        for message in records_of(kafka, names)
        if keep(message.topic() or "", message.key() or b"", message.value() or b"")
    )


def _with_first_times(records: list[Entry]) -> list[Entry]:
    """What operators have sent again counts as of its first place, if the same record is there."""
    named = {_first_place(one) for one in records}
    first = {one.place: one for one in records if one.place in named}

    def timed(one: Entry) -> Entry:
        found = first.get(_first_place(one) or "")
        is_same = found is not None and (found.key, found.value) == (one.key, one.value)
        return replace(one, time_ms=found.time_ms) if found and is_same else one

    return [timed(one) if REDRIVEN_FROM in one.alike else one for one in records]


def _first_place(one: Entry) -> str | None:
    return f"{one.topic}/{one.alike[REDRIVEN_FROM]}" if REDRIVEN_FROM in one.alike else None


def _entry(message: Message, alike: Alike) -> Entry:
    # The library's types allow a dict too; a message's headers are always pairs.
    headers: Any = message.headers() or []
    return entry_of(
        ConsumerRecord(
            sys.intern(message.topic() or ""),
            message.partition() or 0,
            message.offset() or 0,
            message.timestamp()[1],
            0,
            message.key(),
            message.value(),
            None,
            0,
            0,
            headers,
        ),
        alike,
    )


def entry_of(record: Raw, alike: Alike) -> Entry:
    """The parts of a record that the audit looks at. Records with the same headers share them in `alike`."""
    topic, event_id = record.topic, None
    others: list[tuple[str, bytes]] = []
    for name, value in record.headers:
        # Nearly all headers are ASCII, and this check is much faster than decoding them.
        if value is None or not (value.isascii() or _is_text(value)):
            continue
        if name == "ce_id":
            event_id = value.decode()
        elif name in KEPT or (name == "ce_time" and topic.startswith(TIMED)):
            others.append((name, value))
    kinds = tuple(others)
    if kinds not in alike:
        alike[kinds] = {name: value.decode() for name, value in others}
    return Entry(
        topic,
        record.partition,
        record.offset,
        (record.key or b"").decode(errors="replace"),
        record.value,
        event_id,
        alike[kinds],
        _refused(record),
        record.timestamp,
    )


def _refused(record: Raw) -> str | None:
    if record.topic in RULES:
        try:
            RULES[record.topic].context(record)
        except Rejected as why:
            return why.code
    return None


def _is_taken(entry: Entry) -> bool:
    """False if every consumer refuses this record."""
    return entry.topic not in RULES or conforms(entry, RULES[entry.topic].contract)


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
