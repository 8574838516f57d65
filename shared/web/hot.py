"""
Hot routes: the few that get thousands of requests a second, answered without the framework.

The framework's routing, dependencies and responses cost several times the work of a submission
(docs/performance.md). A hot route has the same metrics, bounds, correlation ids and problems as any other.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from shared.runtime import logs, metrics
from shared.runtime.errors import KepuError, Overloaded
from shared.runtime.tracing import Trace, traceparent
from shared.web.forms import BODY_BYTES_MAX
from shared.web.observing import correlation_from, count_problem, observe, trace_from
from shared.web.problems import PROBLEM, REFUSED_AFTER_SECONDS, Internal, encoded, no_room
from shared.web.wording import Language, language_of

JSON = b"application/json"
_PROBLEM = PROBLEM.encode()
_PLACEHOLDER = re.compile(r"\{\w+\}")
overloaded = metrics.OVERLOADED.labels("hot")


class HotRequest(NamedTuple):
    """
    The parts of a request that a hot route may look at. A header that is missing is empty.

    Attributes:
        who: what the route's `who` found in the token, if the body came later than the head; else None.
        address: where it comes from; behind a proxy that is not trusted it is the proxy's address.
    """

    id: str
    authorization: bytes
    idempotency_key: bytes
    body: bytes
    who: object = None
    address: str = ""


Who: TypeAlias = Callable[[str, bytes], object]
"""
Checks the token of a request by its head: the id in the path and the header Authorization.

Raises NotAuthenticated or Forbidden.
"""

Answer: TypeAlias = Callable[[HotRequest], Awaitable[tuple[int, bytes]]]
"""Answers a request with a status and JSON."""


class Begun(NamedTuple):
    """
    An answer that is under way.

    Attributes:
        done: the future that it waits for.
        answer: the answer as `Answer` returns it, once `done` is done; it raises what went wrong.
    """

    done: asyncio.Future[Any]
    answer: Callable[[], tuple[int, bytes]]


Begin: TypeAlias = Callable[[HotRequest], Begun | None]
"""
Begins an answer that waits for one future and for nothing else. So it needs no task, which is a tenth of
what a submission costs (docs/decisions/0074-answers-without-tasks.md).

None, or an error: nothing was done, and `Answer` is asked.
"""


class HotAnswer(NamedTuple):
    """
    The answer, without the headers that all answers have.

    Attributes:
        more: headers of this answer only.
    """

    status: int
    content_type: bytes
    correlation: bytes
    body: bytes
    more: tuple[tuple[bytes, bytes], ...] = ()


class UnderWay(NamedTuple):
    """A request whose answer was begun by the `begin` of its route."""

    begun: Begun
    correlation: str
    started: float
    trace: Trace | None


@dataclass(frozen=True, slots=True)
class HotRoute:
    """
    A route with one id in its path or none, answered with JSON or a problem.

    Args:
        path: the pattern, such as /attempts/{attempt_id}/submission.
        body_bytes_max: a larger body is refused with 413, as by a route's `max_body_size`.
        who: checks the token before the rest of a body is waited for. A request that comes in one piece goes
            to `answer` at once, which checks the token itself.
        begins: asked before `answer`.
    """

    method: str
    path: str
    answer: Answer
    body_bytes_max: int = BODY_BYTES_MAX
    who: Who | None = None
    begins: Begin | None = None
    pattern: re.Pattern[str] = field(init=False)
    _before: str = field(init=False)
    _after: str | None = field(init=False)

    def __post_init__(self) -> None:
        before, *after = _PLACEHOLDER.split(self.path)
        object.__setattr__(self, "_before", before)
        object.__setattr__(self, "_after", after[0] if after else None)
        object.__setattr__(self, "pattern", re.compile("[^/]+".join(map(re.escape, [before, *after]))))

    def id_in(self, method: str, path: str) -> str | None:
        """The id in the request's path ("" if the pattern has none), or None if it is not this route's."""
        if method != self.method:
            return None
        if self._after is None:
            return "" if path == self.path else None
        if not (path.startswith(self._before) and path.endswith(self._after)):
            return None
        id_ = path[len(self._before) : len(path) - len(self._after)]
        return id_ if id_ and "/" not in id_ else None

    def begin(
        self, id_: str, headers: Mapping[bytes, bytes], body: bytes, who: object = None, address: str = ""
    ) -> UnderWay | None:
        """
        Begin the answer to a request that comes straight from the parser; None: call `respond`.

        When the future is done, call `end`.
        """
        if self.begins is None:
            return None
        started = time.perf_counter()
        correlation = correlation_from(headers.get(b"x-correlation-id", b""))
        before = logs.correlation_id.set(correlation)
        trace = trace_from(headers)
        traced_before = traceparent.set(trace.own if trace else None)
        try:
            begun = self.begins(_request(id_, headers, body, who, address))
        except Exception:  # noqa: BLE001 (`respond` raises it again, and makes it a problem)
            return None
        finally:
            logs.correlation_id.reset(before)
            traceparent.reset(traced_before)
        return None if begun is None else UnderWay(begun, correlation, started, trace)

    def end(self, under_way: UnderWay) -> HotAnswer:
        """
        The answer that was begun, once its future is done; timed and correlated.

        Raises:
            Exception: pass it to `end_with_problem`.
        """
        status, said = under_way.begun.answer()
        observe(self.method, self.path, status, under_way.started, under_way.correlation, under_way.trace)
        return HotAnswer(status, JSON, under_way.correlation.encode(), said)

    async def end_with_problem(
        self, under_way: UnderWay, error: Exception, headers: Mapping[bytes, bytes]
    ) -> HotAnswer:
        """The answer if `end` has raised this error."""
        begun = under_way
        return await self._problem(error, headers, begun.started, begun.correlation, begun.trace)

    async def respond(
        self,
        id_: str,
        headers: Mapping[bytes, bytes],
        body: bytes,
        who: object = None,
        address: str = "",
    ) -> HotAnswer:
        """The answer to a request that comes straight from the parser; timed and correlated."""
        started = time.perf_counter()
        correlation = correlation_from(headers.get(b"x-correlation-id", b""))
        before = logs.correlation_id.set(correlation)
        trace = trace_from(headers)
        traced_before = traceparent.set(trace.own if trace else None)
        try:
            status, said = await self.answer(_request(id_, headers, body, who, address))
        except Exception as error:  # noqa: BLE001 (each becomes a problem)
            return await self._problem(error, headers, started, correlation, trace)
        finally:
            logs.correlation_id.reset(before)
            traceparent.reset(traced_before)
        observe(self.method, self.path, status, started, correlation, trace)
        return HotAnswer(status, JSON, correlation.encode(), said)

    async def _problem(
        self,
        error: Exception,
        headers: Mapping[bytes, bytes],
        started: float,
        correlation: str,
        trace: Trace | None,
    ) -> HotAnswer:
        unexpected: Exception | None = None
        if isinstance(error, Overloaded):
            # Clients that get a 503 immediately send again immediately, thousands of them.
            await asyncio.sleep(REFUSED_AFTER_SECONDS)
        elif not isinstance(error, KepuError):
            unexpected, error = error, Internal()
        count_problem(self.path, error.code)
        answer = _answer_of(error, language_of(headers.get(b"accept-language", b"")), correlation.encode())
        observe(self.method, self.path, answer.status, started, correlation, trace, error.code, unexpected)
        return answer

    def refuse_early(self, error: KepuError, headers: Mapping[bytes, bytes]) -> HotAnswer:
        """The answer to a request that `who` refuses."""
        correlation = correlation_from(headers.get(b"x-correlation-id", b""))
        count_problem(self.path, error.code)
        answer = _answer_of(error, language_of(headers.get(b"accept-language", b"")), correlation.encode())
        observe(self.method, self.path, answer.status, time.perf_counter(), correlation, None, error.code)
        return answer

    def refuse(self, headers: Mapping[bytes, bytes]) -> HotAnswer:
        """Refuse a request because there is no room. Nothing else is done for it."""
        overloaded.inc()
        count_problem(self.path, Overloaded.code)
        correlation = correlation_from(headers.get(b"x-correlation-id", b""))
        observe(self.method, self.path, 503, time.perf_counter(), correlation, None, Overloaded.code)
        answer = _no_room(language_of(headers.get(b"accept-language", b"")))
        return answer._replace(correlation=correlation.encode())


def _request(id_: str, headers: Mapping[bytes, bytes], body: bytes, who: object, address: str) -> HotRequest:
    get = headers.get
    return HotRequest(id_, get(b"authorization", b""), get(b"idempotency-key", b""), body, who, address)


def _answer_of(error: KepuError, language: Language, correlation: bytes) -> HotAnswer:
    status, more, body = encoded(error, language)
    headers = tuple((name.encode(), value.encode()) for name, value in more)
    return HotAnswer(status, _PROBLEM, correlation, body, headers)


# Made once: many refusals must leave time for the other requests.
@lru_cache(maxsize=2)
def _no_room(language: Language) -> HotAnswer:
    return _answer_of(no_room(), language, b"")


def hot_route(routes: Sequence[HotRoute], method: str, path: str) -> tuple[HotRoute, str] | None:
    """The route that answers this request, and the id in its path."""
    for route in routes:
        if (id_ := route.id_in(method, path)) is not None:
            return route, id_
    return None
