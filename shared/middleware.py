"""
What happens to every request: timed, bounded, and with a correlation id on its lines and its answer.

Hot routes are answered here, before the framework: its routing, dependencies and response
objects cost several times what the work of a submission does (docs/performance.md).
"""

import itertools
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from prometheus_client import Histogram
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import logs, metrics
from shared.errors import KepuError, NotAuthenticated
from shared.problems import problem, problem_of

log = logging.getLogger(__name__)

BODY_BYTES_MAX = 4_194_304
_PLACEHOLDER = re.compile(r"(\{\w+\})")
_CORRELATION = re.compile(rb"[A-Za-z0-9-]{1,64}\Z")
# A process counts on from a random place: unique enough for a log, without a system call a request.
_correlations = itertools.count(secrets.randbits(63))

Answer: TypeAlias = Callable[[str, bytes, bytes], Awaitable[bytes]]
"""Answers a hot request, given the id in its path, its Authorization header and its body; returns JSON."""


@dataclass(frozen=True, slots=True)
class HotRoute:
    """
    A route with one id in its path, answered with JSON and always the same status, or with a problem.

    Args:
        path: the pattern, such as /attempts/{attempt_id}/submission.
    """

    method: str
    path: str
    status: int
    answer: Answer
    _before: str = field(init=False)
    _after: str = field(init=False)

    def __post_init__(self) -> None:
        before, _, after = _PLACEHOLDER.split(self.path)
        object.__setattr__(self, "_before", before)
        object.__setattr__(self, "_after", after)

    def id_in(self, path: str) -> str | None:
        """The id that a path names, if the path is this route's."""
        if not (path.startswith(self._before) and path.endswith(self._after)):
            return None
        id_ = path[len(self._before) : len(path) - len(self._after)]
        return id_ if id_ and "/" not in id_ else None

    async def respond(self, scope: Scope, body: bytes) -> tuple[int, bytes]:
        """The status and the JSON that a request is answered with."""
        authorization = _header(scope, b"authorization") or b""
        return self.status, await self.answer(scope["hot_id"], authorization, body)


KeyedAnswer: TypeAlias = Callable[[bytes | None, bytes, bytes], Awaitable[tuple[int, bytes]]]
"""Answers a request, given its Idempotency-Key, its Authorization and its body; the status, and JSON."""


@dataclass(frozen=True, slots=True)
class KeyedRoute:
    """A hot route without an id in its path, to which the same request may come again under its key."""

    method: str
    path: str
    answer: KeyedAnswer

    def id_in(self, path: str) -> str | None:
        """The path itself, if it is this route's."""
        return path if path == self.path else None

    async def respond(self, scope: Scope, body: bytes) -> tuple[int, bytes]:
        """The status and the JSON that a request is answered with."""
        key = _header(scope, b"idempotency-key")
        return await self.answer(key, _header(scope, b"authorization") or b"", body)


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for own, value in scope["headers"] if own == name), None)


def bearer(authorization: bytes, *, missing: str, code: str) -> str:
    """
    The token of an Authorization header.

    Raises:
        NotAuthenticated: there is none; with this message and code.
    """
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated(missing, code=code)
    return token.strip()


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
        self._timers: dict[tuple[str, str, int], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        correlation, length = b"", b"0"
        for name, value in scope["headers"]:
            if name == b"x-correlation-id":
                correlation = value
            elif name == b"content-length":
                length = value
        if not _CORRELATION.match(correlation):
            correlation = b"%016x" % next(_correlations)
        answering = _Answering(send, correlation)
        before = logs.correlation_id.set(correlation.decode())
        try:
            if int(length) > BODY_BYTES_MAX:
                await _too_large(scope, receive, answering)
            else:
                await self._app(scope, _bounded(receive), answering)
        except ClientDisconnect:
            # Nobody is there to be told anything.
            return
        except Exception:
            # Here and not in an exception handler: the line and the answer carry the correlation id.
            log.exception("request failed", extra={"route": route_of(scope)})
            if answering.status is not None:
                raise
            failed = problem(500, "internal", "an unexpected error; the log has it under the correlation id")
            await failed(scope, receive, answering)
        finally:
            logs.correlation_id.reset(before)
        self._observe(scope["method"], route_of(scope), answering.status or 500, started)

    def _observe(self, method: str, route: str, status: int, started: float) -> None:
        key = method, route, status
        if key not in self._timers:
            self._timers[key] = metrics.HTTP_SECONDS.labels(*key)
        self._timers[key].observe(time.perf_counter() - started)


class HotRoutes:
    """Answers hot routes, and leaves all else to the framework; `routes` may be filled at the start."""

    def __init__(self, framework: ASGIApp, routes: Sequence[HotRoute | KeyedRoute]) -> None:
        self._framework = framework
        self._routes = routes
        self._observed = Observed(_answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route in self._routes:
                if route.method == scope["method"] and (id_ := route.id_in(scope["path"])):
                    scope["route"], scope["hot_id"] = route, id_
                    await self._observed(scope, receive, send)
                    return
        await self._framework(scope, receive, send)


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    route: HotRoute | KeyedRoute = scope["route"]
    try:
        status, answer = await route.respond(scope, await _body(receive))
    except KepuError as error:
        metrics.PROBLEMS.labels(route.path, error.code).inc()
        await problem_of(error)(scope, receive, send)
    except HTTPException:
        await _too_large(scope, receive, send)
    else:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        body: bytes = message.get("body", b"")
        if not message.get("more_body"):
            return b"".join([*parts, body]) if parts else body
        parts.append(body)


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    await problem(413, "too_large", f"a body may have {BODY_BYTES_MAX} bytes")(scope, receive, send)


def _bounded(receive: Receive) -> Receive:
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
