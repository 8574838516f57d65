"""Records the time, the refusal and the correlation id of every request."""

import itertools
import logging
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from prometheus_client import Counter, Histogram

from shared.contracts.traces import continued, new_traceparent
from shared.runtime import metrics, tracing
from shared.runtime.few_lines import FewLines
from shared.runtime.tracing import Recorder, Span, Trace, is_recorded

log = logging.getLogger(__name__)

UNMATCHED = "unmatched"
_CORRELATION = re.compile(rb"[A-Za-z0-9-]{1,64}\Z")
# A process counts up from a random number. That is unique enough for a log, and needs no system call for each
# request.
_correlations = itertools.count(secrets.randbits(63))
FAILED = 500
# Asked every few seconds: their spans and lines would hide the others. Answered even when the process is
# full, or when it has no parts yet, so that monitoring still works.
WATCHED = frozenset({"/health", "/livez", "/metrics", "/readyz"})
_lines = FewLines(log)
_timers: dict[tuple[str, str, int], Histogram] = {}


@dataclass(slots=True)
class Slow:
    """From which time on a request of this process is slow. `create_app` sets it."""

    seconds: float = 1.0


slow = Slow()


def correlation_from(brought: bytes) -> str:
    """The correlation id that a request brought, or a new one if that is empty or malformed."""
    return brought.decode() if brought and _CORRELATION.match(brought) else f"{next(_correlations):016x}"


def trace_from(headers: Mapping[bytes, bytes]) -> Trace | None:
    """The trace that a request brought, with a span of its own; else a new one, if spans are recorded."""
    brought = headers.get(b"traceparent")
    if brought is not None and (trace := continued(brought.decode("latin-1"))) is not None:
        return trace
    return None if tracing.recorder is None else Trace(new_traceparent())


def observe(
    method: str,
    route: str,
    status: int,
    started: float,
    correlation: str,
    trace: Trace | None = None,
    code: str | None = None,
    error: BaseException | None = None,
) -> None:
    """
    Put a request into the metrics, and into the log if it failed or was slow.

    Args:
        route: the route's pattern, never the path: paths contain ids, so their number has no limit.
        started: `time.perf_counter()` at its beginning.
        code: of the problem that was the answer.
        error: an unexpected one, whose traceback is logged.
    """
    key = method, route, status
    timer = _timers.get(key)
    if timer is None:
        timer = metrics.HTTP_SECONDS.labels(method, route, str(status))
        if method in metrics.METHODS:
            _timers[key] = timer
    seconds = time.perf_counter() - started
    timer.observe(seconds)
    if trace is not None and tracing.recorder is not None:
        _record(tracing.recorder, key, seconds, correlation, trace, code)
    # A bad answer to a question of health is a good answer to the request.
    failed = status >= FAILED and (code is not None or route not in WATCHED)
    if failed or seconds > slow.seconds:
        message = "request failed" if failed else "request was slow"
        named = method if method in metrics.METHODS else "other"
        kind = ("method", named), ("route", route), ("status", status), ("code", code)
        # Thousands may fail at once, and a line costs as much as an answer.
        if _lines.admit(message, kind):
            _write(message, {**dict(kind), "seconds": round(seconds, 3)}, correlation, trace, error)


def _record(
    recorder: Recorder,
    request: tuple[str, str, int],
    seconds: float,
    correlation: str,
    trace: Trace,
    code: str | None,
) -> None:
    method, route, status = request
    if not is_recorded(trace.own) or (trace.parent is None and route in WATCHED):
        return
    method = method if method in metrics.METHODS else "other"
    ended_ns = time.time_ns()
    attributes: dict[str, str | int] = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
        "kepu.correlation_id": correlation,
    }
    if code is not None:
        attributes["error.type"] = code
    began_ns = ended_ns - int(seconds * 1e9)
    failed = (code or str(status)) if status >= FAILED else None
    name = f"{method} {route}"
    recorder.record(
        Span(name, "server", trace.own, trace.parent, began_ns, ended_ns, attributes, failed=failed)
    )


def _write(
    message: str,
    fields: dict[str, str | int | float | None],
    correlation: str,
    trace: Trace | None,
    error: BaseException | None,
) -> None:
    # Explicit: the answer to a request of the hot protocol may end outside of its context.
    fields["correlation_id"] = correlation
    if trace is not None:
        fields["trace_id"] = trace.id
    log.log(logging.WARNING if error is None else logging.ERROR, message, exc_info=error, extra=fields)


def count_problem(route: str, code: str) -> None:
    """Count a request that was refused."""
    _problems(route, code).inc()


@lru_cache(maxsize=1_024)
def _problems(route: str, code: str) -> Counter:
    return metrics.PROBLEMS.labels(route, code)
