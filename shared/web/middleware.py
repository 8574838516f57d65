"""What happens to every request: timed, bounded, and with a correlation id on its lines and its answer."""

import itertools
import logging
import re
import secrets
import time
from collections.abc import Iterable

from prometheus_client import Histogram
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime import logs, metrics
from shared.web.problems import problem

log = logging.getLogger(__name__)

BODY_BYTES_MAX = 4_194_304
_CORRELATION = re.compile(rb"[A-Za-z0-9-]{1,64}\Z")
# A process counts on from a random place: unique enough for a log, without a system call a request.
_correlations = itertools.count(secrets.randbits(63))
_timers: dict[tuple[str, str, int], Histogram] = {}


class _Answering:
    """Sends an answer, with the correlation id on it, and remembers its status."""

    __slots__ = ("_correlation", "_send", "status")

    def __init__(self, send: Send, correlation: bytes) -> None:
        self._send = send
        self._correlation = correlation
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (b"x-correlation-id", self._correlation)]
        await self._send(message)


class Observed:
    """Times and bounds every request of an app, and gives it its correlation id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        correlation = correlation_of(scope["headers"])
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        answering = _Answering(send, correlation.encode())
        with logs.correlated(correlation):
            try:
                if int(length) > BODY_BYTES_MAX:
                    await too_large()(scope, receive, answering)
                else:
                    await self._app(scope, bounded_body(receive), answering)
            except ClientDisconnect:
                # Nobody is there to be told anything.
                return
            except Exception:
                # Here and not in an exception handler: the line and the answer carry the correlation id.
                log.exception("request failed", extra={"route": route_of(scope)})
                if answering.status is not None:
                    raise
                await internal_problem()(scope, receive, answering)
        observe(scope["method"], route_of(scope), answering.status or 500, started)


def correlation_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The correlation id that a request brings, or a new one."""
    return correlation_from(next((value for name, value in headers if name == b"x-correlation-id"), b""))


def correlation_from(brought: bytes) -> str:
    """The correlation id of a request that brings this one: a new one where it is empty or unsound."""
    return brought.decode() if brought and _CORRELATION.match(brought) else f"{next(_correlations):016x}"


def observe(method: str, route: str, status: int, started: float) -> None:
    """Put a request that began at this `time.perf_counter()` into the metrics."""
    key = method, route, status
    if key not in _timers:
        _timers[key] = metrics.HTTP_SECONDS.labels(*key)
    _timers[key].observe(time.perf_counter() - started)


def internal_problem() -> Response:
    """The answer to an error that nobody expected."""
    return problem(500, "internal", "an unexpected error; the log has it under the correlation id")


def too_large() -> Response:
    """The answer to a body beyond the bound."""
    return problem(413, "too_large", f"a body may have {BODY_BYTES_MAX} bytes")


def bounded_body(receive: Receive) -> Receive:
    read = 0

    async def bounded() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > BODY_BYTES_MAX:
            # A chunked body names no length beforehand.
            raise HTTPException(413, f"a body may have {BODY_BYTES_MAX} bytes")
        return message

    return bounded


def route_of(scope: Scope) -> str:
    """The route's pattern, never the path: a path holds ids, and any number of them."""
    route = scope.get("route")
    if route is None and (endpoint := scope.get("endpoint")):
        # FastAPI doesn't say which of Starlette's own routes it took.
        route = next((own for own in scope["app"].routes if getattr(own, "endpoint", None) is endpoint), None)
    return getattr(route, "path", "unmatched")
