"""
The trace of the request at hand.

`traceparent` is what the events of this request carry: the trace, and the span of this request. Outside of
requests it is None.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


@contextmanager
def traced(own: str) -> Iterator[None]:
    """All events of requests that are made inside carry this trace context."""
    token = traceparent.set(own)
    try:
        yield
    finally:
        traceparent.reset(token)
