"""The spans of a batch that a group has handled: one of the batch, and one of each of its events."""

import time
from collections.abc import Sequence
from typing import Any

from shared.contracts.traces import new_traceparent, read_traceparent
from shared.messaging.received import Dead, Raw, Received
from shared.runtime.tracing import Recorder, Span, Value, child_of, is_recorded, span_id

# Of a batch's span. Collectors cut more than this.
LINKS_MAX = 128


def record_handled(
    recorder: Recorder, group: str, events: Sequence[Received[Any]], dead: Sequence[Dead], began_ns: int
) -> None:
    """
    Record the spans of a batch, once it is committed.

    The span of an event is in the event's trace, and what followed from the event carries it already
    (`shared.contracts.traces.Step`). The span of the batch is in a trace of its own, with links to those of
    its events: a batch has no one cause.
    """
    ended_ns = time.time_ns()
    codes = {id(one.record): one.why.code for one in dead}
    # The record, its step, and the context that it brought.
    steps: list[tuple[Raw, str, str | None]] = []
    for one in events:
        own = one.context.traceparent
        if own is not None and is_recorded(own):
            steps.append((one.record, own, _brought(one.record)))
    decoded = {id(one.record) for one in events}
    for letter in dead:
        # A record that could not be decoded has no context.
        brought = None if id(letter.record) in decoded else _brought(letter.record)
        if brought is not None and is_recorded(brought):
            steps.append((letter.record, child_of(brought), brought))
    if not steps:
        return
    batch = f"{new_traceparent()[:53]}{steps[0][1][53:]}"
    for record, own, brought in steps:
        parent = None if brought is None else span_id(brought)
        code = codes.get(id(record))
        recorder.record(
            Span(
                f"handle {record.topic}",
                "consumer",
                own,
                parent,
                began_ns,
                ended_ns,
                _attributes(group, record),
                links=[batch],
                failed=code,
            )
        )
    of_batch: dict[str, Value] = {
        "messaging.system": "kafka",
        "messaging.consumer.group.name": group,
        "messaging.batch.message_count": len(events) + len(codes.keys() - decoded),
    }
    links = [own for _, own, _ in steps[:LINKS_MAX]]
    recorder.record(
        Span(f"handle batch {group}", "consumer", batch, None, began_ns, ended_ns, of_batch, links)
    )


def _brought(record: Raw) -> str | None:
    header = next((value for name, value in record.headers if name == "traceparent"), None)
    return None if header is None else read_traceparent(header.decode("latin-1"))


def _attributes(group: str, record: Raw) -> dict[str, Value]:
    found = dict(record.headers)
    return {
        "messaging.system": "kafka",
        "messaging.consumer.group.name": group,
        "messaging.destination.name": record.topic,
        "messaging.destination.partition.id": str(record.partition),
        "messaging.kafka.offset": record.offset,
        "messaging.message.id": (found.get("ce_id") or b"").decode(errors="replace"),
        "kepu.correlation_id": (found.get("ce_correlationid") or b"").decode(errors="replace"),
    }
