"""Kafka's log as it is: every record of every topic of ours, read from the beginning to the end of now."""

import time
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

import msgspec
from confluent_kafka import Consumer, Message, TopicPartition
from pydantic import ValidationError

from ops.stack import StackError
from shared import topics
from shared.envelope import Event

READ_SECONDS_MAX = 120.0
RECORDS_A_POLL = 10_000
POLL_SECONDS = 0.2
SILENCE_SECONDS_MAX = 10.0


@dataclass(frozen=True)
class Entry:
    """A record; `sound` says that none of its headers is null or not UTF-8."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None
    headers: dict[str, str]
    sound: bool
    time_ms: int

    @property
    def id(self) -> str:
        """The event's id, or the record's place where it has none."""
        return self.headers.get("ce_id") or self.place

    @property
    def place(self) -> str:
        """Where the record stands in the log."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @cached_property
    def body(self) -> dict[str, Any]:
        """The event's data; empty where the value is no JSON object."""
        try:
            decoded = msgspec.json.decode(self.value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {}
        return decoded if isinstance(decoded, dict) else {}


def conforms(entry: Entry, contract: type[Event]) -> bool:
    """Whether a record is an event of this contract, headers and body."""
    required = ("ce_id", "ce_source", "ce_type", "ce_specversion")
    if not entry.sound or any(name not in entry.headers for name in required):
        return False
    if entry.headers["ce_type"] != contract.type or entry.headers["ce_specversion"] != "1.0":
        return False
    try:
        contract.model_validate_json(entry.value or b"")
    except ValidationError:
        return False
    return True


class Log:
    """All records by topic, in the order of each partition."""

    def __init__(self, entries: list[Entry]) -> None:
        self._by_topic: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            self._by_topic[entry.topic].append(entry)

    def records(self, topic: str) -> list[Entry]:
        """Every record."""
        return self._by_topic[topic]

    def events(self, topic: str) -> list[Entry]:
        """Each event once: a repeat of the same event (same id) is a redelivery, not a second event."""
        return list({entry.id: entry for entry in reversed(self._by_topic[topic])}.values())[::-1]

    def redelivered(self) -> int:
        """How many records repeat an event that is in the log already."""
        return sum(len(self.records(topic.name)) - len(self.events(topic.name)) for topic in topics.LIVE)

    def contradictions(self) -> list[str]:
        """Ids under which two different things are said."""
        said: dict[tuple[str, str], bytes | None] = {}
        found = []
        for topic in topics.LIVE:
            for entry in self.records(topic.name):
                if "ce_id" not in entry.headers:
                    continue
                if said.setdefault((topic.name, entry.id), entry.value) != entry.value:
                    found.append(entry.id)
        return found

    def dead(self, topic: str, group: str) -> list[Entry]:
        """The dead letters of one group's reading of one topic."""
        return self._by_topic[topics.dead_letters(topic, group)]

    def origins(self, topic: str, group: str) -> list[str]:
        """The places of the records that these dead letters came from."""
        parts = ("dead_topic", "dead_partition", "dead_offset")
        return ["/".join(entry.headers[part] for part in parts) for entry in self.dead(topic, group)]


def read(kafka: str) -> Log:
    """
    Read everything.

    Raises:
        StackError: Kafka does not answer in time.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": f"audit-{uuid4()}",
            "enable.auto.commit": False,
            "enable.partition.eof": False,
            "fetch.message.max.bytes": topics.DEAD_RECORD_BYTES_MAX,
        }
    )
    try:
        there = consumer.list_topics(timeout=READ_SECONDS_MAX).topics
        ends: dict[tuple[str, int], int] = {}
        starts: list[TopicPartition] = []
        for topic in topics.ALL:
            if topic.name not in there:
                raise StackError(f"topic {topic.name} does not exist: start the week first (kepu up)")
            for partition in there[topic.name].partitions:
                place = TopicPartition(topic.name, partition)
                low, high = consumer.get_watermark_offsets(place, timeout=READ_SECONDS_MAX)
                if high > low:
                    ends[topic.name, partition] = high
                    starts.append(TopicPartition(topic.name, partition, low))
        return Log(_read(consumer, starts, ends))
    finally:
        consumer.close()


def _read(consumer: Consumer, starts: list[TopicPartition], ends: dict[tuple[str, int], int]) -> list[Entry]:
    entries: list[Entry] = []
    if not starts:
        return entries
    consumer.assign(starts)
    left = dict(ends)
    heard_at = time.monotonic()
    while left:
        # It waits for as many as it is asked for, so not for long: the last poll never gets them.
        messages = consumer.consume(RECORDS_A_POLL, timeout=POLL_SECONDS)
        if messages:
            heard_at = time.monotonic()
        elif time.monotonic() - heard_at > SILENCE_SECONDS_MAX:
            raise StackError(
                f"Kafka gave no more records while {len(left)} partitions were not read to the end"
            )
        for message in messages:
            if message.error() is not None:
                raise StackError(f"Kafka cannot be read: {message.error()}")
            entry = _entry(message)
            entries.append(entry)
            if entry.offset + 1 >= ends[entry.topic, entry.partition]:
                left.pop((entry.topic, entry.partition), None)
    return entries


def _entry(message: Message) -> Entry:
    headers: dict[str, str] = {}
    sound = True
    # The library's types allow a dict too; a message's headers are always pairs.
    pairs: Any = message.headers() or []
    for name, value in pairs:
        try:
            headers[name] = value.decode()
        except (AttributeError, UnicodeDecodeError):
            sound = False
    return Entry(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        (message.key() or b"").decode(errors="replace"),
        message.value(),
        headers,
        sound,
        message.timestamp()[1],
    )
