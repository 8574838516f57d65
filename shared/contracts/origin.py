"""What an event follows from, and events with their origin in the envelope."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.envelope import Context, Envelope, Event, enclose
from shared.contracts.traces import new_traceparent, trace_id_in
from shared.runtime import logs
from shared.runtime.tracing import traceparent

Fields = Mapping[str, object]
# Other systems choose the ids of their events.
LOGGED_CHARS_MAX = 128


@dataclass(frozen=True, slots=True)
class Origin:
    """
    What an event follows from: another event (`parent`), or a request (`correlation_id`, `traceparent`).

    All events that follow from one request have the same trace.
    """

    parent: Context | None = None
    correlation_id: str | None = None
    traceparent: str | None = None

    @classmethod
    def of_request(cls) -> "Origin":
        """The HTTP request that is being answered."""
        return cls(
            correlation_id=logs.correlation_id.get(), traceparent=traceparent.get() or new_traceparent()
        )


UNKNOWN_ORIGIN = Origin()
"""Of an event that a background loop made: it has a correlation id and a trace of its own."""


def enclosed(
    contract: type[Event], fields: Fields, cause: str, origin: Origin, now: datetime, *, source: str
) -> Envelope[Event]:
    """An event in its envelope, made of fields that its contract checks."""
    return enclose(
        contract.model_validate(fields),
        source=source,
        cause=cause,
        now=now,
        parent=origin.parent,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )


def ids_of(context: Context) -> dict[str, str]:
    """The ids that a log line about an event has: its own, its correlation id, and that of its trace."""
    ids = {
        "event_id": context.id[:LOGGED_CHARS_MAX],
        "correlation_id": context.correlation_id[:LOGGED_CHARS_MAX],
    }
    trace_id = trace_id_in(context.traceparent or "")
    return ids if trace_id is None else ids | {"trace_id": trace_id}
