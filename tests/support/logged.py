"""Records as they are in Kafka, for the audit."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiokafka import ConsumerRecord

from ops.audit.log import Entry, entry_of
from shared.contracts import topics
from shared.contracts.envelope import Envelope, to_headers
from shared.messaging.received import Raw

NOW_MS = int(datetime(2026, 5, 20, tzinfo=UTC).timestamp() * 1000)


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


def dead(of: Entry, group: str) -> Entry:
    """The dead letter of this record."""
    headers = [
        ("dead_topic", of.topic),
        ("dead_partition", str(of.partition)),
        ("dead_offset", str(of.offset)),
    ]
    topic = topics.dead_letters(of.topic, group)
    return entry_of(raw(topic, None, of.value, [(name, text.encode()) for name, text in headers]), {})
