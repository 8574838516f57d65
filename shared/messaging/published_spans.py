"""The spans of records that were written to Kafka."""

import time
from collections.abc import Iterable

from shared.contracts.envelope import Headers
from shared.contracts.traces import read_traceparent
from shared.runtime.tracing import Kind, Recorder, Span, child_of, is_recorded, span_id


def record_published(
    recorder: Recorder,
    records: Iterable[tuple[str, bytes | None, bytes | None, Headers]],
    began_ns: int,
    *,
    step: str = "publish",
) -> None:
    """
    Record one span for each record, in the trace that it carries. It follows from the step that made it.

    Args:
        step: `publish`, or `relay` for the time in the outbox.
    """
    # Dead letters of other systems' records may have null headers.
    ended_ns = time.time_ns()
    for topic, _, _, headers in records:
        found = dict(headers)
        own = read_traceparent((found.get("traceparent") or b"").decode("latin-1"))
        if own is None or not is_recorded(own):
            continue
        attributes = {
            "messaging.system": "kafka",
            "messaging.destination.name": topic,
            "messaging.message.id": (found.get("ce_id") or b"").decode(errors="replace"),
            "kepu.correlation_id": (found.get("ce_correlationid") or b"").decode(errors="replace"),
        }
        kind: Kind = "producer" if step == "publish" else "internal"
        recorder.record(
            Span(f"{step} {topic}", kind, child_of(own), span_id(own), began_ns, ended_ns, attributes)
        )
