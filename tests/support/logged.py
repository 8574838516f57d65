"""Records as they are in Kafka, for the audit."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from aiokafka import ConsumerRecord

from ops.audit.log import Entry, entry_of
from shared.contracts import topics
from shared.contracts.envelope import Envelope, to_headers
from shared.messaging.publisher import Record
from shared.messaging.received import Raw

NOW = datetime(2026, 5, 20, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


def raw(
    topic: str,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
    *,
    partition: int = 0,
    offset: int = 0,
) -> Raw:
    return ConsumerRecord(
        topic,
        partition,
        offset,
        NOW_MS,
        1,
        key,
        value,
        None,
        0,
        0,
        tuple(headers),
    )


def logged(one: Envelope[Any], offset: int = 0, *, partition: int = 0) -> Entry:
    """An event as the audit reads it."""
    value = one.event.model_dump_json().encode()
    headers = to_headers(one.context)
    key = one.event.key.encode()
    return entry_of(raw(one.event.topic, key, value, headers, partition=partition, offset=offset), {})


def entries(records: Sequence[Record], at: datetime = NOW, first: int = 0) -> list[Entry]:
    """
    What a service has published, as the audit reads it.

    Args:
        at: when it came into the log.
        first: the offset of the first record.
    """
    found = [
        entry_of(raw(topic, key, value, headers, offset=offset), {})
        for offset, (topic, key, value, headers) in enumerate(records, first)
    ]
    return [replace(one, time_ms=int(at.timestamp() * 1000)) for one in found]


def dead(of: Entry, group: str) -> Entry:
    """The dead letter of this record."""
    headers = [
        ("dead_topic", of.topic),
        ("dead_partition", str(of.partition)),
        ("dead_offset", str(of.offset)),
    ]
    topic = topics.dead_letters(of.topic, group)
    return entry_of(raw(topic, None, of.value, [(name, text.encode()) for name, text in headers]), {})
