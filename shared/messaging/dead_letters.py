"""Dead letters: each has the original record unchanged, the reason, and the record's place in the log."""

import logging
from collections import Counter
from collections.abc import Sequence

from shared.contracts.envelope import HEADER_BYTES_MAX, Headers
from shared.contracts.topics import DEAD_RECORD_BYTES_MAX, dead_letters
from shared.contracts.traces import trace_id_in
from shared.messaging.publisher import Publisher, Record
from shared.messaging.received import Dead, Raw
from shared.runtime import clock, metrics

log = logging.getLogger(__name__)

REASON_CHARS_MAX = 500
# Key, value and headers of a dead letter, without what Kafka adds to them.
DEAD_BYTES_MAX = DEAD_RECORD_BYTES_MAX - 16_384
# Bytes of dead letters in one write. The next dead letters are made after Kafka has acknowledged this write.
WRITE_BYTES_MAX = 1_048_576
# Log lines for one batch. One more line counts the other dead letters.
LINES_MAX = 20
# Headers that identify an event and show nothing of its content, with their names in the log.
_NAMES = {"ce_id": "event_id", "ce_correlationid": "correlation_id"}
_NAME_BYTES_MAX = 128


async def write_dead_letters(publisher: Publisher, dead: Sequence[Dead], group: str) -> None:
    """
    Write dead letters, count them and log them.

    Raises:
        Unavailable: Kafka did not acknowledge. The dead letters count as not written.
    """
    letters: list[Record] = []
    size_bytes = 0
    for one in dead:
        letter = dead_letter(one, group)
        letter_bytes = size_of(letter)
        if letters and size_bytes + letter_bytes > WRITE_BYTES_MAX:
            await publisher.write(letters)
            letters, size_bytes = [], 0
        letters.append(letter)
        size_bytes += letter_bytes
    await publisher.write(letters)
    for (topic, code), count in Counter((one.record.topic, one.why.code) for one in dead).items():
        metrics.DEAD_LETTERED.labels(topic, group, code).inc(count)
    for one in dead[:LINES_MAX]:
        log.warning("event dead-lettered", extra={"group": group, "code": one.why.code, **named(one.record)})
    if len(dead) > LINES_MAX:
        log.warning("more events dead-lettered", extra={"group": group, "events": len(dead) - LINES_MAX})


def named(record: Raw) -> dict[str, str | int]:
    """What a log line says about a record: its place and ids, but not its content."""
    ids = {
        _NAMES[name]: value.decode(errors="replace")
        for name, value in record.headers
        if name in _NAMES and value is not None and len(value) <= _NAME_BYTES_MAX
    }
    brought = next((value for name, value in record.headers if name == "traceparent"), None)
    if brought is not None and (trace_id := trace_id_in(brought.decode("latin-1"))) is not None:
        ids["trace_id"] = trace_id
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset, **ids}


def dead_letter(dead: Dead, group: str) -> Record:
    """The dead letter of a record."""
    record, why = dead.record, dead.why
    reasons: Headers = [
        ("dead_code", why.code.encode()),
        ("dead_reason", why.message[:REASON_CHARS_MAX].encode(errors="replace")),
        ("dead_group", group.encode()),
        ("dead_topic", record.topic.encode()),
        ("dead_partition", str(record.partition).encode()),
        ("dead_offset", str(record.offset).encode()),
        ("dead_time", clock.now().isoformat().encode()),
    ]
    topic = dead_letters(record.topic, group)
    headers = [*record.headers, *reasons]
    letter = topic, record.key, record.value, headers
    if size_of(letter) > DEAD_BYTES_MAX:
        # The record passed the broker's limit because it was compressed. No topic takes all of it, so the
        # dead letter has only its ids.
        ids = [(name, value) for name, value in record.headers if name in _NAMES and _short(value)]
        return topic, None, b"", [*ids, *reasons]
    return letter


def size_of(record: Record) -> int:
    """The bytes of a record's key, value and headers."""
    _, key, value, headers = record
    # A header may be null in a record of another system.
    header_bytes = sum(len(name.encode()) + len(content or b"") for name, content in headers)
    return len(key or b"") + len(value or b"") + header_bytes


def _short(value: bytes | None) -> bool:
    return value is not None and len(value) <= HEADER_BYTES_MAX
