"""
Every ASGI request passes here: it is admitted, timed, bounded, correlated and answered.

This code runs before the framework, so that hot routes and all others share it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.contracts.traces import new_traceparent
from shared.runtime import logs
from shared.runtime.acting import ActLog
from shared.runtime.errors import KepuError, Overloaded
from shared.runtime.life import Life
from shared.runtime.tracing import Trace, traced
from shared.web.edge.acts import READING_METHODS, act_of, logged
from shared.web.edge.connections import Bodies
from shared.web.edge.gate import Entry, Gate, method_not_allowed
from shared.web.edge.limits import Limits
from shared.web.edge.places import Turn
from shared.web.edge.request_body import OF_POSTED, Body, Carried, read
from shared.web.edge.shedding import Shedding
from shared.web.edge.streams import HEAD_ONLY, STREAM_TYPE
from shared.web.edge.turns import FIRST, OTHERS, Turns
from shared.web.edge.waiting import BY_ORGANISER
from shared.web.hot import JSON, HotRequest, HotRoute, overloaded
from shared.web.observing import (
    FAILED,
    UNMATCHED,
    WATCHED,
    correlation_from,
    count_problem,
    observe,
    trace_from,
)
from shared.web.pages.posted import is_posted
from shared.web.pages.reader import VARY, wants_page
from shared.web.pages.templates import refusal as page_of_refusal
from shared.web.problems import (
    ALWAYS,
    REFUSED_AFTER_SECONDS,
    Internal,
    no_room,
    problem_of,
)
from shared.web.senders import address_of, sender_of
from shared.web.wording import language_of

ROUTE = "kepu.route"
"""The key of a scope that has the route's pattern."""
PAGES = "kepu.pages"
"""The key of a scope that says whether the route shows pages."""
CODES = "kepu.codes"
"""The key of a scope that has a list for the code of the refusal."""

_ALWAYS = [(name.encode(), value.encode()) for name, value in ALWAYS]


class _Answering:
    """Sends an answer with the headers that all answers have, and remembers the status."""

    def __init__(self, send: Send, correlation: str, turn: Turn, life: Life, *, head_only: bool) -> None:
        self._send = send
        self._life = life
        self._turn = turn
        self._correlation = correlation.encode()
        self._head_only = head_only
        self.more: list[tuple[bytes, bytes]] = []
        self.status: int | None = None
        # Since when it streams: that time is not the time of an answer.
        self.streams_since: float | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            # From here on it may wait for its client.
            self._turn.end_work()
            if (b"content-type", STREAM_TYPE) in message["headers"]:
                self.streams_since = time.perf_counter()
            correlation = (b"x-correlation-id", self._correlation)
            message["headers"] = [*message["headers"], *_ALWAYS, correlation, *self.more]
            if self._life.drains:
                message["headers"].append((b"connection", b"close"))
        elif self._head_only:
            message = {**message, "body": b""}
        await self._send(message)


def refusal_of(error: KepuError, scope: Scope, headers: Mapping[bytes, bytes]) -> Response:
    """The answer to one of our errors: a page for a person, if the route shows pages; else a problem."""
    language = language_of(headers.get(b"accept-language", b""))
    if scope.get(PAGES) and wants_page(headers.get(b"accept", b"")):
        return page_of_refusal(error, language)
    return problem_of(error, language)


class Edge:
    """Answers every request of an app, by a hot route or by the framework."""

    def __init__(
        self,
        framework: ASGIApp,
        gate: Gate,
        *,
        acts: Callable[[], ActLog | None],
        organiser_of: Callable[[bytes], str],
        participant_of: Callable[[bytes], str],
        shedding: Shedding,
        turns: Turns,
        bodies: Bodies,
        limits: Limits,
    ) -> None:
        self._framework = framework
        self._gate = gate
        self._acts = acts
        self._organiser_of = organiser_of
        self._participant_of = participant_of
        self._shedding = shedding
        self._bodies = bodies
        self._limits = limits
        self._turns = turns
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._framework(scope, receive, send)
            return
        headers = dict(scope["headers"])
        organiser = self._organiser_of(headers.get(b"x-organiser-key", b""))
        rank = FIRST if organiser or self._goes_first(scope) else OTHERS
        who = organiser or (self._participant_of(headers.get(b"authorization", b"")) if rank != FIRST else "")
        turn = self._turns.turn(rank, sender_of(scope, who))
        await self._turns.by_turns(turn, self._answer(scope, headers, receive, send, turn))

    def _goes_first(self, scope: Scope) -> bool:
        return scope["path"] in WATCHED or self._gate.is_hot(scope["method"], scope["path"])

    async def _answer(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, send: Send, turn: Turn
    ) -> None:
        started = time.perf_counter()
        correlation = correlation_from(headers.get(b"x-correlation-id", b""))
        scope[ROUTE] = UNMATCHED
        answering = _Answering(send, correlation, turn, self._gate.life, head_only=scope["method"] == "HEAD")
        trace = trace_from(headers) or Trace(new_traceparent())
        scope[CODES] = codes = []
        unexpected: Exception | None = None
        with logs.correlated(correlation), traced(trace):
            try:
                await self._admit(scope, headers, receive, answering, turn)
            except ClientDisconnect:
                # The client is gone.
                return
            except Exception as error:
                if isinstance(error, Carried):
                    error = error.error
                if not isinstance(error, KepuError):
                    unexpected, error = error, Internal()
                count_problem(scope[ROUTE], error.code)
                codes.append(error.code)
                if answering.status is not None:
                    observe(
                        scope["method"],
                        scope[ROUTE],
                        FAILED,
                        started,
                        correlation,
                        trace,
                        error.code,
                        unexpected,
                    )
                    raise
                await refusal_of(error, scope, headers)(scope, receive, answering)
        if answering.streams_since is not None:
            started += time.perf_counter() - answering.streams_since
        observe(
            scope["method"],
            scope[ROUTE],
            answering.status or FAILED,
            started,
            correlation,
            trace,
            codes[-1] if codes else None,
            unexpected,
        )
        # Its traceback holds this frame, and a cycle of references would wait for the garbage collector.
        unexpected = None

    async def _admit(
        self,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        receive: Receive,
        send: _Answering,
        turn: Turn,
    ) -> None:
        found = self._gate.find(scope)
        scope[ROUTE] = found.path
        if found.entry is not None and found.entry.shows_pages:
            scope[PAGES] = True
            send.more.append(VARY)
        if found.entry is None:
            if scope["method"] != "OPTIONS":
                raise method_not_allowed(found.allowed)
            allow = ", ".join(found.allowed).encode()
            await send({"type": "http.response.start", "status": 204, "headers": [(b"allow", allow)]})
            await send({"type": "http.response.body", "body": b""})
            return
        self._gate.check(found.entry, scope, headers)
        body = Body(receive, found.entry.body_bytes_max, self._bodies)
        try:
            if found.entry.hot is not None:
                await self._hot(found.entry.hot, scope, headers, body, send)
            else:
                await self._by_framework(found.entry, scope, body, send, turn)
        finally:
            body.release()

    async def _by_framework(
        self, entry: Entry, scope: Scope, body: Body, send: _Answering, turn: Turn
    ) -> None:
        is_watched = entry.path in WATCHED
        if not is_watched:
            turn.check_room()
        received: Receive = body
        if entry.read_body:
            posted = entry.takes_posted and is_posted(dict(scope["headers"]).get(b"content-type"))
            received = await read(body, entry.read_body, posted=posted)
            if posted:
                kept = [line for line in scope["headers"] if line[0] not in OF_POSTED]
                scope = {**scope, "headers": kept}
        if not is_watched:
            # Only when the request is complete: an unfinished body takes no place from others.
            turn.let_in()
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        asked = {**scope, "method": method, HEAD_ONLY: method != scope["method"]}
        organiser, acts = scope.get(BY_ORGANISER), self._acts()
        if not is_watched:
            await turn.begin_work()
        if body.client_is_gone:
            raise ClientDisconnect
        if organiser is None or acts is None or method in READING_METHODS:
            await self._framework(asked, received, send)
        else:
            act = act_of(organiser, method, entry, scope["path"])
            await logged(acts, act, self._framework, asked, received, send)

    def _check_hot(self) -> None:
        if self._under_way >= self._limits.under_way_max:
            overloaded.inc()
            raise no_room()

    async def _hot(
        self,
        route: HotRoute,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        body: Body,
        send: _Answering,
    ) -> None:
        self._check_hot()
        if not self._shedding.takes_on():
            overloaded.inc()
            await asyncio.sleep(REFUSED_AFTER_SECONDS)
            raise no_room()
        request = HotRequest(
            route.id_in(route.method, scope["path"]) or "",
            headers.get(b"authorization", b""),
            headers.get(b"idempotency-key", b""),
            await body.whole(),
            address=address_of(scope),
        )
        # Counted when the request is complete, as above.
        self._check_hot()
        self._under_way += 1
        self._turns.hot_under_way += 1
        try:
            status, said = await route.answer(request)
        except Overloaded:
            # If they were told immediately, thousands would be back immediately.
            await asyncio.sleep(REFUSED_AFTER_SECONDS)
            raise
        finally:
            self._under_way -= 1
            self._turns.hot_under_way -= 1
        lines = [(b"content-type", JSON), (b"content-length", b"%d" % len(said))]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": said})
