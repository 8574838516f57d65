"""Records the time, the refusal and the correlation id of every request."""

import itertools
import re
import secrets
import time
from collections.abc import Mapping
from functools import lru_cache

from prometheus_client import Counter, Histogram

from shared.contracts.traces import continued
from shared.runtime import metrics

# The values of a label. Anybody can invent a method, so all others count as "other".
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
UNMATCHED = "unmatched"
_CORRELATION = re.compile(rb"[A-Za-z0-9-]{1,64}\Z")
# A process counts up from a random number. That is unique enough for a log, and needs no system call for each
# request.
_correlations = itertools.count(secrets.randbits(63))
_timers: dict[tuple[str, str, int], Histogram] = {}


def correlation_from(brought: bytes) -> str:
    """The correlation id that a request brought, or a new one if that is empty or malformed."""
    return brought.decode() if brought and _CORRELATION.match(brought) else f"{next(_correlations):016x}"


def trace_from(headers: Mapping[bytes, bytes]) -> str | None:
    """The trace that a request brought, with a span of its own; None if it brought no well-formed one."""
    brought = headers.get(b"traceparent")
    return None if brought is None else continued(brought.decode("latin-1"))


def observe(method: str, route: str, status: int, started: float) -> None:
    """
    Put a request into the metrics.

    Args:
        route: the route's pattern, never the path: paths contain ids, so their number has no limit.
        started: `time.perf_counter()` at its beginning.
    """
    key = method, route, status
    timer = _timers.get(key)
    if timer is None:
        labels = (method if method in METHODS else "other", route, status)
        timer = metrics.HTTP_SECONDS.labels(*labels)
        if method in METHODS:
            _timers[key] = timer
    timer.observe(time.perf_counter() - started)


def count_problem(route: str, code: str) -> None:
    """Count a request that was refused."""
    _problems(route, code).inc()


@lru_cache(maxsize=1_024)
def _problems(route: str, code: str) -> Counter:
    return metrics.PROBLEMS.labels(route, code)
