"""
uvicorn's protocol within bounds: bytes of a head, time for each part of a request, connections.

Bytes are counted when they arrive, before they are parsed. A request that breaks a bound, or is no HTTP, is
answered with a problem (raw_problems.py), and its connection ends. This code uses private parts of uvicorn.
For that reason pyproject.toml bounds the version.
"""

import math
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.runtime.errors import KepuError
from shared.web.edge.connections import IDLES, NEVER_ASKED, UNFINISHED, UNREAD, Connections
from shared.web.edge.raw_problems import Stop, bad_request, head_too_large, problem_answer, timed_out
from shared.web.edge.stand_ins import DROPPED, UPGRADE_UNREAD, Lingering
from shared.web.edge.streams import CONNECTION
from shared.web.edge.waiting import BY_ORGANISER
from shared.web.observing import UNMATCHED, count_problem
from shared.web.problems import no_room

# The stages of a connection: it waits for a request, receives a head, receives a body, waits for the answer,
# or was refused and is drained.
IDLE, HEAD, BODY, ANSWER, DRAIN = range(5)

# Python's objects of a request that is not complete, besides its bytes: a hot one, and one of the framework
# with its task.
HOT_REQUEST_BYTES = 1_024
FRAMEWORK_REQUEST_BYTES = 16_384


class BoundedProtocol(HttpToolsProtocol):
    """Serves an app whose `state.connections` holds its bounds."""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._connections: Connections = config.app.state.connections
        self._limits = self._connections.limits
        self._stage = IDLE
        self._since = self._connections.now
        self._head_bytes_max = self._head_left = self._limits.head_bytes_max
        # Bytes of the body so far, and bytes that are no body since the last of those.
        self._body_bytes = 0
        self._not_body_bytes = 0
        self._stalled_since: float | None = None
        # Whether this connection may hold memory that counts; see `_count_waiting`.
        self._counts = False
        # The cycle of the request before the one that is being received.
        self._previous: Any = None
        # The cycle that the framework is answering.
        self._answered: Any = None

    # Connections.

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._since = self._connections.now
        if not self._connections.add(self):
            self._tell(no_room())
            transport.close()
            self._stage = DRAIN

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.remove(self)
        self._connections.unread.release(self)
        self.pipeline.clear()
        self._counts_no_longer()
        if self._answered is not None:
            # uvicorn tells only the latest request of a connection. An earlier one would write its answer to
            # the closed transport.
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        # Of the whole process: the server calls this of each connection.
        self.config.app.state.listeners.end_all()  # type: ignore[union-attr]
        super().shutdown()

    def pause_writing(self) -> None:
        self._stalled_since = self._connections.now
        super().pause_writing()
        self._connections.unread.hold(self, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        self._stalled_since = None
        self._connections.unread.release(self)
        super().resume_writing()

    def on_response_complete(self) -> None:
        # uvicorn starts a timer here. The sweep checks `_since` instead.
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            self._count_waiting()
        elif self._stage == ANSWER:
            self._stage, self._since = IDLE, self._connections.now

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    # Bytes.

    def data_received(self, data: bytes) -> None:
        before, body_bytes = self._stage, self._body_bytes
        if len(data) > self._head_left or before == DRAIN:
            self._data_in_pieces(data)
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self.cycle is UPGRADE_UNREAD:
                self._read_again(data[upgrade.args[0] :])
            else:
                # CONNECT: the bytes that follow are not HTTP.
                self._end_after_answers()
            return
        except httptools.HttpParserError as error:
            # An error of our callbacks is the context of the parser's own error.
            stop = error.__context__
            self._refuse(stop.error if isinstance(stop, Stop) else bad_request())
            return
        if self._stage == HEAD:
            if before <= HEAD:
                self._head_left -= len(data)
            if self._head_left <= 0 or len(self.headers) > self._limits.headers_max:
                self._refuse(head_too_large())
        elif self._stage == BODY and self.headers is DROPPED:
            # Trailers, or extensions of a chunk: they have no other bound.
            self._not_body_bytes = self._not_body_bytes + len(data) if body_bytes == self._body_bytes else 0
            if self._not_body_bytes > self._head_bytes_max:
                self._refuse(head_too_large())
        if self._counts or self._stage == BODY or self._stage == HEAD:
            self._count_waiting()

    def _read_again(self, rest: bytes) -> None:
        """
        Read the head again without Upgrade, and then the rest.

        A server that does not upgrade ignores that header (RFC 9110, section 7.8). The parser cannot: after
        such a head it takes all that follows for another protocol.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        lines = b"".join(b"%b:%b\r\n" % line for line in self.headers if line[0] != b"upgrade")
        self.cycle, self._previous = self._previous, None
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._head_left = self._head_bytes_max
        self.data_received(b"%b %b HTTP/%b\r\n%b\r\n%b" % (method, self.url, version, lines, rest))

    # Memory that waits for the client.

    def _count_waiting(self) -> None:
        """Count what this connection holds of requests that are not complete, or that wait for others."""
        size_bytes = self._head_bytes_max - self._head_left if self._stage == HEAD else 0
        if self._stage == BODY and not self.cycle.response_complete:
            size_bytes += self._body_received() + self._request_bytes()
        for cycle, _ in self.pipeline:
            size_bytes += FRAMEWORK_REQUEST_BYTES + len(cycle.body)
        if not size_bytes or self._by_organiser():
            self._counts_no_longer()
        else:
            self._counts = True
            self._connections.unfinished.hold(self, size_bytes)

    def _counts_no_longer(self) -> None:
        if self._counts:
            self._counts = False
            self._connections.unfinished.release(self)

    def _request_bytes(self) -> int:
        headers = self.cycle.scope["headers"]
        return FRAMEWORK_REQUEST_BYTES + sum(len(name) + len(value) for name, value in headers)

    def _by_organiser(self) -> bool:
        """Whether an organiser's key has come with the request. Few have one, and quizzes are large."""
        scope = getattr(self.cycle, "scope", None)
        return self._stage == BODY and scope is not None and scope.get(BY_ORGANISER) is not None

    def evict(self) -> bool:
        """Give back the memory that this connection holds; False if it may stay."""
        if self._by_organiser():
            return False
        if self._stalled_since is not None or self._stage not in (HEAD, BODY):
            self.transport.abort()
        else:
            self._refuse(no_room())
        return True

    def waits(self) -> tuple[int, float] | None:
        """Why this connection has its place though no request is being answered, and since when."""
        if self._stalled_since is not None:
            return UNREAD, self._stalled_since
        if self._stage == BODY and not self.pipeline:
            return None if self._by_organiser() else (UNFINISHED, self._since)
        if self._stage == DRAIN and self._since < math.inf:
            return IDLES, self._since
        if self._stage in (IDLE, HEAD) and self._nothing_under_way():
            return NEVER_ASKED if self.cycle is None else IDLES, self._since
        return None

    def give_way(self) -> None:
        """End the connection, with a word to a client that has begun a request."""
        if self._stalled_since is not None:
            self.transport.abort()
            return
        if self._stage in (HEAD, BODY):
            self._refuse(no_room())
        self.transport.close()

    def _data_in_pieces(self, data: bytes) -> None:
        """Parse no more of a head than its bound."""
        start = 0
        while start < len(data) and self._stage != DRAIN and not self.transport.is_closing():
            piece = data[start : start + self._head_left]
            start += len(piece)
            self.data_received(piece)

    # The parser's callbacks.

    def on_message_begin(self) -> None:
        # uvicorn would make the scope here. A hot request needs none.
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._stage, self._since = HEAD, self._connections.now

    def on_headers_complete(self) -> None:
        if len(self.headers) > self._limits.headers_max:
            raise Stop(head_too_large())
        if len(self.pipeline) >= self._limits.pipelined_max:
            raise Stop(no_room())
        self._previous = self.cycle
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self.cycle = UPGRADE_UNREAD
            return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        # In HTTP/1.0 nothing is expected: RFC 9110, section 10.1.1.
        self.url, self.expect_100_continue = url, expects and self.parser.get_http_version() != "1.0"
        self.headers += headers
        super().on_headers_complete()
        self.cycle.scope[CONNECTION] = self  # type: ignore[literal-required]  # a key of ours
        # Not earlier: a request that fails before has no cycle yet.
        self._stage, self._since, self._head_left = BODY, self._connections.now, self._head_bytes_max
        self.cycle.transport = Lingering(self)  # type: ignore[assignment]
        self.headers = DROPPED

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)
        if self.pipeline and len(self.cycle.body) > HIGH_WATER_LIMIT:
            # Nothing counts this body until its turn comes.
            raise Stop(no_room())

    def on_message_complete(self) -> None:
        if self.cycle is UPGRADE_UNREAD:
            return
        super().on_message_complete()
        # The answer may be complete already.
        self._stage = IDLE if self.cycle.response_complete else ANSWER
        self._since = self._connections.now
        self._body_bytes = self._not_body_bytes = 0

    # Refusals.

    def expire(self, now: float) -> None:
        """End the connection if a step has taken too long. The sweep calls this."""
        limits, seconds = self._limits, now - self._since
        stalled = self._stalled_since is not None and now - self._stalled_since > limits.stalled_seconds_max
        if stalled or (self.transport.is_closing() and seconds > limits.stalled_seconds_max):
            # The client does not read the rest of the answer, closed or not.
            self.transport.abort()
        elif self._stage == IDLE and seconds > limits.idle_seconds_max + limits.sweep_seconds:
            self.transport.close()
        elif self._stage == HEAD and seconds > limits.head_seconds_max + limits.sweep_seconds:
            self._refuse(timed_out())
        elif self._stage == BODY:
            allowed = limits.body_seconds_max + self._body_received() / limits.body_bytes_per_second_min
            if seconds > allowed + limits.sweep_seconds:
                self._refuse(timed_out())
        elif self._stage == DRAIN and seconds > limits.linger_seconds:
            self.transport.close()

    def _body_received(self) -> int:
        return self._body_bytes

    def _nothing_under_way(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _unanswered(self) -> bool:
        """Whether the answer to the request that is being received has not even begun."""
        return not (self.cycle.response_complete or getattr(self.cycle, "response_started", False))

    def _refuse(self, error: KepuError) -> None:
        """Answer the current request with this problem, unless earlier ones wait for an answer, and end."""
        alone = self._stage == BODY and not self.pipeline and self._unanswered()
        if not (alone or self._nothing_under_way()):
            self._end_after_answers()
        elif self._stage == BODY and not alone:
            # It is answered already.
            self.close_softly()
        elif not self.transport.is_closing():
            if alone:
                self._abandon()
            self._tell(error)
            self.close_softly()

    def _abandon(self) -> None:
        """Give up the request that is being received."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()

    def close_softly(self) -> None:
        """End the connection after an answer. Bytes that the client still sends are read and dropped."""
        if self.transport.is_closing():
            return
        self._stage, self._since = DRAIN, self._connections.now
        self.pipeline.clear()
        self._counts_no_longer()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _end_after_answers(self) -> None:
        """Answer all requests that are complete, and read no more."""
        last = self.cycle
        if self._stage == BODY and self.pipeline and self.pipeline[0][0] is last:
            # Half a request.
            self.pipeline.popleft()
            last = self._previous
        if last is None or last.response_complete:
            self.close_softly()
        else:
            last.keep_alive = False
            # Drain until the last answer, which ends the connection.
            self._stage, self._since = DRAIN, math.inf
        self._count_waiting()

    def _tell(self, error: KepuError) -> None:
        count_problem(UNMATCHED, error.code)
        self.transport.write(problem_answer(error, self.server_state.default_headers))
