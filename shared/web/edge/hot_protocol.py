"""
Hot routes straight from the parser: uvicorn's protocol without ASGI.

ASGI's scope, channels and messages cost as much as all the rest of a hot request. Only plain requests are
answered here: HTTP/1.1, a body of known length, no header twice, and no other request under way on the
connection. All others go on to uvicorn unchanged, and `shared.web.edge.middleware.Edge` answers them in the
same way.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any, ClassVar

from shared.runtime.errors import KepuError
from shared.runtime.life import Life
from shared.web.edge.bounded_protocol import (
    ANSWER,
    BODY,
    HOT_REQUEST_BYTES,
    IDLE,
    BoundedProtocol,
)
from shared.web.edge.connections import Bodies
from shared.web.edge.gate import is_host
from shared.web.edge.raw_problems import ALWAYS_LINES, STATUS_LINES, Stop
from shared.web.edge.shedding import Shedding
from shared.web.edge.turns import Turns
from shared.web.hot import HotAnswer, HotRoute, UnderWay, Who, hot_route
from shared.web.problems import REFUSED_AFTER_SECONDS, no_room

# The usual spellings. The gate judges others.
_JSON = frozenset(
    f"application/json{charset}".encode()
    for charset in ("", ";charset=utf-8", "; charset=utf-8", ";charset=UTF-8", "; charset=UTF-8")
)


class _NobodyWaits:
    def set(self) -> None:
        """Do nothing: uvicorn wakes a cycle by this, and an exchange does not wait."""


_NOBODY_WAITS = _NobodyWaits()


class _Exchange:
    """One hot request and its answer. uvicorn sees it as one of its request-response cycles."""

    __slots__ = (
        "body",
        "disconnected",
        "headers",
        "id",
        "keep_alive",
        "response_complete",
        "route",
        "task",
        "who",
    )

    message_event = _NOBODY_WAITS

    def __init__(self, route: HotRoute, id_: str, headers: Mapping[bytes, bytes]) -> None:
        self.route = route
        self.id = id_
        self.headers = headers
        self.body = b""
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False
        self.task: asyncio.Task[None] | None = None
        self.who: object = None


async def _made(answer: HotAnswer) -> HotAnswer:
    """An answer that is there already, for `_wait_for`."""
    return answer


class HotProtocol(BoundedProtocol):
    """Serves the `state.hot_routes` of an app within its `state.shedding`."""

    # All connections share these.
    _default_headers: ClassVar[list[tuple[bytes, bytes]] | None] = None
    _default_text: ClassVar[bytes] = b""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._hot_routes: list[HotRoute] = config.app.state.hot_routes
        self._shedding: Shedding = config.app.state.shedding
        self._turns: Turns = config.app.state.turns
        self._bodies: Bodies = config.app.state.bodies
        self._life: Life = config.app.state.life
        # uvicorn believes the proxies that are trusted, but only in what goes through ASGI.
        self._trusted: Any = getattr(self.app, "trusted_hosts", None)
        self._address = ""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""

    def connection_lost(self, exc: Exception | None) -> None:
        if self._stage == BODY:
            self._abandon()
        super().connection_lost(exc)

    def _abandon(self) -> None:
        # For a complete request this is done by its task, or by the refusal.
        if isinstance(self.cycle, _Exchange):
            self._release(self.cycle)
        super()._abandon()

    def on_headers_complete(self) -> None:
        exchange: Any = self._hot()
        if exchange is None:
            super().on_headers_complete()
        else:
            self.cycle = exchange
            self._stage, self._since, self._head_left = BODY, self._connections.now, self._head_bytes_max

    def on_body(self, body: bytes) -> None:
        exchange = self.cycle
        if isinstance(exchange, _Exchange):
            if exchange.response_complete:
                # Refused already: the rest is dropped.
                return
            exchange.body += body
            bodies = self._bodies
            bodies.bytes += len(body)
            if bodies.bytes > bodies.bytes_max and not bodies.make_room(stays=self):
                raise Stop(no_room())
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        exchange = self.cycle
        if not isinstance(exchange, _Exchange):
            super().on_message_complete()
            return
        if exchange.response_complete:
            self._stage, self._since = IDLE, self._connections.now
            return
        self._stage = ANSWER
        if len(self.tasks) >= self._limits.under_way_max:
            if self.flow.write_paused:
                # A client that sends and reads no answers gets no more memory.
                self._release(exchange)
                self.transport.close()
                return
            # A cheap refusal, so that many of them do not delay the requests within the bound.
            self._refuse_hot(exchange)
        elif not self._shedding.takes_on():
            self.loop.call_later(REFUSED_AFTER_SECONDS, self._refuse_hot, exchange)
        else:
            self._begin(exchange)

    def _body_received(self) -> int:
        # Counted only when the sweep asks: most bodies come in one piece.
        return len(self.cycle.body) if isinstance(self.cycle, _Exchange) else super()._body_received()

    def _count_waiting(self) -> None:
        exchange = self.cycle
        if (
            self._stage == BODY
            and isinstance(exchange, _Exchange)
            and exchange.route.who is not None
            and exchange.who is None
            and not exchange.response_complete
        ):
            self._check_token(exchange, exchange.route.who)
        super()._count_waiting()

    def _check_token(self, exchange: _Exchange, who: Who) -> None:
        """Refuse a wrong token before the rest of the body comes."""
        try:
            exchange.who = who(exchange.id, exchange.headers.get(b"authorization", b""))
        except KepuError as error:
            self._release(exchange)
            self._write(exchange, exchange.route.refuse_early(error, exchange.headers))

    def _request_bytes(self) -> int:
        if not isinstance(self.cycle, _Exchange):
            return super()._request_bytes()
        headers = self.cycle.headers
        return HOT_REQUEST_BYTES + sum(map(len, headers)) + sum(map(len, headers.values()))

    def _hot(self) -> _Exchange | None:
        idle = self.cycle is None or self.cycle.response_complete
        if not idle or self.config.limit_concurrency is not None:
            return None
        url, parser = self.url, self.parser
        method = parser.get_method()
        hot = hot_route(self._hot_routes, method.decode("ascii"), url.decode("latin-1"))
        if hot is None or b"%" in url or b"?" in url or b"#" in url or not url.isascii():
            return None
        headers = dict(self.headers)
        if len(headers) < len(self.headers):
            return None
        if b"transfer-encoding" in headers or b"content-encoding" in headers or b"expect" in headers:
            return None
        if b"host" not in headers or not is_host(headers[b"host"]):
            return None
        if len(headers) > self._limits.headers_max or not parser.should_keep_alive():
            return None
        # Without this header only HTTP/1.1 keeps a connection, and nothing can be upgraded.
        if b"connection" in headers and (parser.get_http_version() != "1.1" or parser.should_upgrade()):
            return None
        if headers.get(b"content-type", b"application/json") not in _JSON:
            return None
        length = headers.get(b"content-length", b"0" if method == b"GET" else b"")
        route, id_ = hot
        if not length.isdigit() or int(length) > route.body_bytes_max:
            return None
        return _Exchange(route, id_, headers)

    def _begin(self, exchange: _Exchange) -> None:
        route = exchange.route
        address = self._address if self._trusted is None else self._forwarded(exchange.headers)
        under_way = route.begin(exchange.id, exchange.headers, exchange.body, exchange.who, address)
        if under_way is None:
            answer = route.respond(exchange.id, exchange.headers, exchange.body, exchange.who, address)
            self._wait_for(exchange, answer)
        else:
            self._turns.hot_under_way += 1
            done = under_way.begun.done
            # uvicorn waits for these when it stops, and at last cancels them. A future can be cancelled too.
            self.tasks.add(done)  # type: ignore[arg-type]
            done.add_done_callback(partial(self._end, exchange, under_way))

    def _end(self, exchange: _Exchange, under_way: UnderWay, done: asyncio.Future[Any]) -> None:
        self._turns.hot_under_way -= 1
        self.tasks.discard(done)
        route = exchange.route
        try:
            answer = route.end(under_way)
        except Exception as error:  # noqa: BLE001 (it becomes a problem)
            self._wait_for(exchange, route.end_with_problem(under_way, error, exchange.headers))
            return
        except asyncio.CancelledError:
            # The server stops, and waits for nobody any more.
            self._release(exchange)
            return
        if self.flow.write_paused and not exchange.disconnected:
            self._wait_for(exchange, _made(answer))
        else:
            self._release(exchange)
            self._write(exchange, answer)

    def _wait_for(self, exchange: _Exchange, answer: Coroutine[Any, Any, HotAnswer]) -> None:
        exchange.task = self.loop.create_task(self._answer(exchange, answer))
        self.tasks.add(exchange.task)

    async def _answer(self, exchange: _Exchange, answer: Coroutine[Any, Any, HotAnswer]) -> None:
        self._turns.hot_under_way += 1
        try:
            answered = await answer
            if self.flow.write_paused and not exchange.disconnected:
                await self.flow.drain()
            self._write(exchange, answered)
        finally:
            self._turns.hot_under_way -= 1
            self._release(exchange)
            # Cheaper than a callback, which would cost a turn of the event loop.
            self.tasks.discard(exchange.task)

    def _forwarded(self, headers: Mapping[bytes, bytes]) -> str:
        """Where a request comes from, as a trusted proxy says; by the same rule as for the framework."""
        if self._address not in self._trusted:
            return self._address
        named = headers.get(b"x-forwarded-for", b"").decode("latin-1")
        address: str = self._trusted.get_trusted_client_address(named)[0]
        return address or self._address

    def _refuse_hot(self, exchange: _Exchange) -> None:
        self._release(exchange)
        self._write(exchange, exchange.route.refuse(exchange.headers))

    def _release(self, exchange: _Exchange) -> None:
        self._bodies.bytes -= len(exchange.body)
        exchange.body = b""

    def _default_lines(self) -> bytes:
        """The lines that all answers have, such as the date. uvicorn makes a new list each second."""
        headers = self.server_state.default_headers
        if headers is not HotProtocol._default_headers:
            lines = b"".join(b"%b: %b\r\n" % header for header in headers)
            HotProtocol._default_headers, HotProtocol._default_text = headers, lines + ALWAYS_LINES
        return HotProtocol._default_text

    def _write(self, exchange: _Exchange, answer: HotAnswer) -> None:
        if exchange.disconnected or self.transport.is_closing():
            return
        more = self._default_lines()
        for header in answer.more:
            more += b"%b: %b\r\n" % header
        ends = self._life.drains or not exchange.keep_alive
        if ends:
            more += b"connection: close\r\n"
        self.transport.write(
            b"%bcontent-type: %b\r\ncontent-length: %d\r\nx-correlation-id: %b\r\n%b\r\n%b"
            % (
                STATUS_LINES[answer.status],
                answer.content_type,
                len(answer.body),
                answer.correlation,
                more,
                answer.body,
            )
        )
        exchange.response_complete = True
        if ends:
            self.close_softly()
        self.on_response_complete()
