"""
Hot routes straight from the parser: uvicorn's protocol without ASGI in between.

A scope, a task's two channels and their messages cost as much as all the rest of a hot
request. Only the plain case is taken here: HTTP/1.1, a body of known length, nothing
under way on the connection. Everything else goes on to uvicorn as it came, and
`shared.web.hot.HotRoutes` answers it there in the same way.
"""

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.web.hot import UNDER_WAY_MAX, HotAnswer, HotRoute, hot_route
from shared.web.shedding import REFUSED_AFTER_SECONDS, Shedding

# What is larger goes by way of ASGI, where bodies are read with care for the memory.
HOT_BODY_BYTES_MAX = 262_144
_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


class _NobodyWaits:
    def set(self) -> None:
        """What uvicorn wakes up waits for nothing here."""


_NOBODY_WAITS = _NobodyWaits()


class _Exchange:
    """One hot request and its answer, to uvicorn a request-response cycle like any other."""

    __slots__ = ("body", "disconnected", "hot", "keep_alive", "message_event", "response_complete", "task")

    def __init__(self, hot: tuple[HotRoute, str]) -> None:
        self.hot = hot
        self.body = b""
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False
        self.message_event = _NOBODY_WAITS
        self.task: asyncio.Task[None] | None = None


class HotProtocol(HttpToolsProtocol):
    """Serves an app whose `state.hot_routes` lists `HotRoute`s, and whose `state.shedding` bounds them."""

    under_way_max = UNDER_WAY_MAX
    # Of all connections, since they are the same for all.
    _default_headers: ClassVar[list[tuple[bytes, bytes]] | None] = None
    _default_text: ClassVar[bytes] = b""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._hot_routes: list[HotRoute] = config.app.state.hot_routes
        self._shedding: Shedding = config.app.state.shedding
        self._idle_since: float | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        super()._unset_keepalive_if_required()

    # uvicorn arms a timer after each answer and cancels it before each request. Here one goes on, and
    # looks at its end how long the connection has been idle.

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left_seconds = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left_seconds > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left_seconds, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def on_message_begin(self) -> None:
        # The scope is made when it is known to be needed.
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        hot = self._hot()
        if hot is None:
            url, headers, expects = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()
            self.url, self.expect_100_continue = url, expects
            self.headers += headers
            super().on_headers_complete()
        else:
            exchange: Any = _Exchange(hot)
            self.cycle = exchange

    def on_body(self, body: bytes) -> None:
        if isinstance(self.cycle, _Exchange):
            self.cycle.body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if isinstance(self.cycle, _Exchange):
            if self.cycle.response_complete:
                return
            if len(self.tasks) >= self.under_way_max:
                if self.flow.write_paused:
                    # Whoever sends and reads no answers is not worth the memory.
                    self.transport.close()
                    return
                # Cheap, so that a flood does not keep those who are within the bound from being answered.
                self._refuse(self.cycle, self.headers)
            elif not self._shedding.takes_on():
                self.loop.call_later(REFUSED_AFTER_SECONDS, self._refuse, self.cycle, self.headers)
            else:
                self.cycle.task = self.loop.create_task(self._answer(self.cycle, self.headers))
                self.tasks.add(self.cycle.task)
        else:
            super().on_message_complete()

    def _hot(self) -> tuple[HotRoute, str] | None:
        idle = self.cycle is None or self.cycle.response_complete
        if not idle or self.expect_100_continue or self.config.limit_concurrency is not None:
            return None
        method = self.parser.get_method()
        hot = hot_route(self._hot_routes, method.decode("ascii"), self.url.decode("latin-1"))
        if hot is None or b"%" in self.url or b"?" in self.url:
            return None
        plain = self.parser.get_http_version() == "1.1" and self.parser.should_keep_alive()
        if not plain or self.parser.should_upgrade():
            return None
        length = b"0" if method == b"GET" else b""
        for name, value in self.headers:
            if name == b"content-length":
                length = value
            elif name == b"transfer-encoding":
                return None
        return hot if length.isdigit() and int(length) <= HOT_BODY_BYTES_MAX else None

    async def _answer(self, exchange: _Exchange, headers: list[tuple[bytes, bytes]]) -> None:
        try:
            route, id_ = exchange.hot
            answer = await route.respond(id_, headers, exchange.body)
            if self.flow.write_paused and not exchange.disconnected:
                await self.flow.drain()
            self._write(exchange, answer)
        finally:
            # Cheaper than a callback, which is a turn of its own for each request.
            self.tasks.discard(exchange.task)

    def _refuse(self, exchange: _Exchange, headers: list[tuple[bytes, bytes]]) -> None:
        self._write(exchange, exchange.hot[0].refuse(headers))

    def _default_lines(self) -> bytes:
        """The date and whatever else uvicorn gives to every answer; it makes a new list each second."""
        headers = self.server_state.default_headers
        if headers is not HotProtocol._default_headers:
            lines = b"".join(b"%b: %b\r\n" % header for header in headers)
            HotProtocol._default_headers, HotProtocol._default_text = headers, lines
        return HotProtocol._default_text

    def _write(self, exchange: _Exchange, answer: HotAnswer) -> None:
        if exchange.disconnected or self.transport.is_closing():
            return
        more = self._default_lines()
        if answer.retry_after:
            more += b"retry-after: %b\r\n" % answer.retry_after
        if not exchange.keep_alive:
            more += b"connection: close\r\n"
        self.transport.write(
            b"%bcontent-type: %b\r\ncontent-length: %d\r\nx-correlation-id: %b\r\n%b\r\n%b"
            % (
                _STATUS_LINES[answer.status],
                answer.content_type,
                len(answer.body),
                answer.correlation,
                more,
                answer.body,
            )
        )
        exchange.response_complete = True
        if not exchange.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        busy = bool(self.pipeline)
        if busy or self.transport.is_closing() or self.timeout_keep_alive_task is None:
            super().on_response_complete()
        else:
            # What uvicorn does, but for the timer, which is under way.
            self.server_state.total_requests += 1
            self.flow.resume_reading()
        self._idle_since = None if busy else self.loop.time()
