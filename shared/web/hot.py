"""
Hot routes: the few that come by the thousand, answered without the framework.

Its routing, dependencies and response objects cost several times what the work of a
submission does (docs/performance.md). A hot route is as timed, bounded and correlated
as any other, and its errors are the same problems.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from prometheus_client import Counter
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.runtime import logs, metrics
from shared.runtime.errors import KepuError, NotAuthenticated, Overloaded
from shared.web.middleware import (
    bounded_body,
    correlation_from,
    correlation_of,
    internal_problem,
    observe,
    too_large,
)
from shared.web.problems import problem_of
from shared.web.shedding import REFUSED_AFTER_SECONDS, Shedding

log = logging.getLogger(__name__)

JSON = b"application/json"
# Requests of a process that are not answered yet; beyond it 503 at once, for the memory's sake.
UNDER_WAY_MAX = 16_000
_PLACEHOLDER = re.compile(r"\{\w+\}")

Headers: TypeAlias = list[tuple[bytes, bytes]]


class HotRequest(NamedTuple):
    """What a hot route may look at; headers are empty where there are none."""

    id: str
    authorization: bytes
    idempotency_key: bytes
    body: bytes


Answer: TypeAlias = Callable[[HotRequest], Awaitable[tuple[int, bytes]]]
"""Answers a request with a status and JSON."""


class HotAnswer(NamedTuple):
    """What is sent back."""

    status: int
    content_type: bytes
    correlation: bytes
    body: bytes
    retry_after: bytes = b""

    @property
    def headers(self) -> Headers:
        """As ASGI wants them."""
        headers = [
            (b"content-type", self.content_type),
            (b"content-length", b"%d" % len(self.body)),
            (b"x-correlation-id", self.correlation),
        ]
        return [*headers, (b"retry-after", self.retry_after)] if self.retry_after else headers


def _written(response: Response, correlation: str) -> HotAnswer:
    retry_after = response.headers.get("retry-after", "").encode()
    content_type = response.headers["content-type"].encode()
    body = bytes(response.body)
    return HotAnswer(response.status_code, content_type, correlation.encode(), body, retry_after)


# Made and looked up once: a flood of refusals must leave time for the others.
_NO_ROOM = _written(problem_of(Overloaded("too many requests are under way; try again in a few seconds")), "")
_overloaded = metrics.OVERLOADED.labels("hot")


@lru_cache(maxsize=256)
def _problems(route: str, code: str) -> Counter:
    return metrics.PROBLEMS.labels(route, code)


@dataclass(frozen=True, slots=True)
class HotRoute:
    """
    A route with one id in its path or none, answered with JSON or a problem.

    Args:
        path: the pattern, such as /attempts/{attempt_id}/submission.
    """

    method: str
    path: str
    answer: Answer
    _before: str = field(init=False)
    _after: str | None = field(init=False)

    def __post_init__(self) -> None:
        before, *after = _PLACEHOLDER.split(self.path)
        object.__setattr__(self, "_before", before)
        object.__setattr__(self, "_after", after[0] if after else None)

    def id_in(self, method: str, path: str) -> str | None:
        """The id that a request names ("" where the path has none), or None if it is not this route's."""
        if method != self.method:
            return None
        if self._after is None:
            return "" if path == self.path else None
        if not (path.startswith(self._before) and path.endswith(self._after)):
            return None
        id_ = path[len(self._before) : len(path) - len(self._after)]
        return id_ if id_ and "/" not in id_ else None

    async def respond(self, id_: str, headers: Headers, body: bytes) -> HotAnswer:
        """The answer to a request, a problem where it cannot be answered as it wishes."""
        started = time.perf_counter()
        found = dict(headers)
        correlation = correlation_from(found.get(b"x-correlation-id", b""))
        before = logs.correlation_id.set(correlation)
        request = HotRequest(id_, found.get(b"authorization", b""), found.get(b"idempotency-key", b""), body)
        try:
            status, said = await self.answer(request)
            answer = HotAnswer(status, JSON, correlation.encode(), said)
        except KepuError as error:
            if isinstance(error, Overloaded):
                # Told at once, thousands would be there again at once (docs/decisions/0013-shedding.md).
                await asyncio.sleep(REFUSED_AFTER_SECONDS)
            _problems(self.path, error.code).inc()
            answer = _written(problem_of(error), correlation)
        except Exception:
            log.exception("request failed", extra={"route": self.path})
            answer = _written(internal_problem(), correlation)
        finally:
            logs.correlation_id.reset(before)
        observe(self.method, self.path, answer.status, started)
        return answer

    def refuse(self, headers: Headers) -> HotAnswer:
        """The answer to a request for which there is no room, before anything is done for it."""
        _overloaded.inc()
        self._count(_NO_ROOM.status, Overloaded.code)
        return _NO_ROOM._replace(correlation=correlation_of(headers).encode())

    def refuse_large(self, headers: Headers) -> HotAnswer:
        """The answer to a request whose body is beyond the bound."""
        answer = _written(too_large(), correlation_of(headers))
        self._count(answer.status, "too_large")
        return answer

    def _count(self, status: int, code: str) -> None:
        _problems(self.path, code).inc()
        observe(self.method, self.path, status, time.perf_counter())


def hot_route(routes: Sequence[HotRoute], method: str, path: str) -> tuple[HotRoute, str] | None:
    """The route that answers this request, and the id in its path."""
    for route in routes:
        if (id_ := route.id_in(method, path)) is not None:
            return route, id_
    return None


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


class HotRoutes:
    """Answers hot routes as ASGI, and leaves all else to the framework; `routes` may be filled later."""

    def __init__(self, framework: ASGIApp, routes: Sequence[HotRoute], shedding: Shedding) -> None:
        self._framework = framework
        self._routes = routes
        self._shedding = shedding
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hot = hot_route(self._routes, scope["method"], scope["path"]) if scope["type"] == "http" else None
        if hot is None:
            await self._framework(scope, receive, send)
            return
        route, id_ = hot
        self._under_way += 1
        try:
            answer = await self._answer(route, id_, scope, receive)
        finally:
            self._under_way -= 1
        if answer is not None:
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, route: HotRoute, id_: str, scope: Scope, receive: Receive) -> HotAnswer | None:
        if self._under_way > UNDER_WAY_MAX:
            return route.refuse(scope["headers"])
        if not self._shedding.takes_on():
            await asyncio.sleep(REFUSED_AFTER_SECONDS)
            return route.refuse(scope["headers"])
        try:
            body = await _body(bounded_body(receive))
        except ClientDisconnect:
            return None
        except HTTPException:
            return route.refuse_large(scope["headers"])
        return await route.respond(id_, scope["headers"], body)


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
