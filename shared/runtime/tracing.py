"""
The trace of the request at hand.

`traceparent` is what the events of this request carry: the trace, and the span of this request. Outside of
requests it is None.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

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


def trace_id(well_formed: str) -> str:
    """The trace id in a well-formed `traceparent`."""
    return well_formed[3:35]


@contextmanager
def traced(trace: Trace) -> Iterator[None]:
    """All events of requests that are made inside carry this trace."""
    token = traceparent.set(trace.own)
    try:
        yield
    finally:
        traceparent.reset(token)
