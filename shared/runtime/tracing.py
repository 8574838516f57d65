"""
The trace of the request at hand, and spans, which are recorded only if operators want them.

`traceparent` is what the events of a request carry: its trace and its span. Outside of requests it is None.

A span is recorded when it has ended, by one call: what carries the trace says all that is needed. While
nobody records (`recorder` is None), that is the only thing to ask on a hot path. OpenTelemetry's own API
costs 3 to 6 us a span then, a tenth of a submission (docs/decisions/0093-traces.md).
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, NamedTuple, Protocol

Kind = Literal["client", "consumer", "internal", "producer", "server"]
Value = str | int | float

# The flags of a trace that is recorded, and of one that is not.
RECORDED, UNRECORDED = "01", "00"
# The last digits of a trace id are random in all ways to make one (W3C Trace Context 2, 3.2.2.3.2).
_DECIDING_DIGITS = 14

traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


class Trace(NamedTuple):
    """
    The trace of one request.

    Attributes:
        own: what its events carry, a W3C `traceparent` with the span of the request.
        parent: the span that the request brought, if it brought one.
    """

    own: str
    parent: str | None = None

    @property
    def id(self) -> str:
        """The trace id."""
        return trace_id(self.own)


class Span(NamedTuple):
    """
    One step that has ended.

    Attributes:
        own: its trace and its span, as a W3C `traceparent`.
        parent: the span that it follows from.
        attributes: no personal data.
        links: what it belongs to besides, as `traceparent`.
        failed: the code, if it has failed.
    """

    name: str
    kind: Kind
    own: str
    parent: str | None
    began_ns: int
    ended_ns: int
    attributes: Mapping[str, Value]
    links: Sequence[str] = ()
    failed: str | None = None


class Recorder(Protocol):
    """Records spans."""

    @property
    def ratio(self) -> float:
        """The part of the traces begun here that is recorded, 0 to 1."""

    def record(self, span: Span) -> None:
        """Keep a span, or count it as dropped. It never waits and never fails."""


recorder: Recorder | None = None


def flags_of(id_: str) -> str:
    """The flags of a trace that begins here. If this process records nothing, others decide."""
    if recorder is None:
        return RECORDED
    number: int = int(id_[-_DECIDING_DIGITS:], 16)
    return RECORDED if number < recorder.ratio * 16**_DECIDING_DIGITS else UNRECORDED


def is_recorded(own: str) -> bool:
    """Whether the spans of this trace are recorded; `own` is a well-formed `traceparent`."""
    return own.endswith(RECORDED)


def trace_id(own: str) -> str:
    """The trace id in a well-formed `traceparent`."""
    return own[3:35]


def span_id(own: str) -> str:
    """The span in a well-formed `traceparent`."""
    return own[36:52]


def child_of(own: str) -> str:
    """A new span in the trace of a well-formed `traceparent`."""
    return f"{own[:36]}{random.getrandbits(64) or 1:016x}{own[52:]}"


@contextmanager
def traced(trace: Trace) -> Iterator[None]:
    """All events of requests that are made inside carry this trace."""
    token = traceparent.set(trace.own)
    try:
        yield
    finally:
        traceparent.reset(token)
