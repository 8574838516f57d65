"""What one client may use of a process, and what all may use together."""

import asyncio
import json
import resource
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

import pytest
import uvicorn
from fastapi import Body, FastAPI, Request
from prometheus_client import REGISTRY
from pydantic import SecretStr
from starlette.responses import PlainTextResponse, Response

from shared.runtime.settings import Settings
from shared.web.app import create_app
from shared.web.edge.hot_protocol import HotProtocol
from shared.web.edge.limits import FILES_KEPT, Limits, connections_that_fit
from shared.web.health import Check
from shared.web.hot import HotRequest, HotRoute
from shared.web.identity import AsOrganiser
from shared.web.tokens import new_key_pair
from tests.support.waiting import eventually

PUBLIC = new_key_pair()[1]
KEY = "a-key-of-the-organisers"
SHORT = Limits(
    head_seconds_max=0.3,
    body_seconds_max=0.3,
    body_bytes_per_second_min=1_000_000,
    idle_seconds_max=0.3,
    stalled_seconds_max=0.3,
    linger_seconds=0.3,
    sweep_seconds=0.05,
)
HOT, FRAMEWORK = "/hot/a", "/framework/a"
BOTH = pytest.mark.parametrize("path", [HOT, FRAMEWORK], ids=["hot", "framework"])


@dataclass
class Served:
    port: int
    app: FastAPI
    open: asyncio.Event = field(default_factory=asyncio.Event)
    read: list[int] = field(default_factory=list)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ends_with(self, *pieces: bytes) -> bytes:
        """All that a connection brings until the other side ends it."""
        reader, writer = await self.connect()
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        return answer


@asynccontextmanager
async def served(limits: Limits | None = None) -> AsyncIterator[Served]:
    async def hot(request: HotRequest) -> tuple[int, bytes]:
        at.read.append(len(request.body))
        await at.open.wait()
        return 202, b"{}"

    async def lifespan(app: FastAPI, stack: AsyncExitStack) -> dict[str, Check]:
        app.state.hot_routes.append(HotRoute("POST", "/hot/{name}", hot, body_bytes_max=1_000_000))
        return {}

    settings = Settings(organiser_key=SecretStr(KEY), token_public_key=PUBLIC, role="api")
    app = create_app("test", title="T", description="T.", settings=settings, lifespan=lifespan, limits=limits)

    async def framework(request: Request) -> Response:
        body = await request.body()
        at.read.append(len(body))
        await at.open.wait()
        return PlainTextResponse("ok", 202)

    app.post("/framework/{name}", max_body_size=1_000_000, status_code=202)(framework)

    @app.put("/organisers", dependencies=[AsOrganiser], max_body_size=4_194_304)
    async def put(body: Annotated[list[str], Body()]) -> int:
        return len(body)

    @app.get("/large")
    async def large() -> str:
        return "x" * 4_000_000

    config = uvicorn.Config(app, host="127.0.0.1", port=0, http=HotProtocol, ws="none", log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    at = Served(server.servers[0].sockets[0].getsockname()[1], app)
    at.open.set()
    try:
        yield at
    finally:
        at.open.set()
        server.should_exit = True
        await running


def post(path: str, *lines: bytes, body: bytes = b"") -> bytes:
    told = b"".join(line + b"\r\n" for line in (*lines, b"Content-Length: %d" % len(body)))
    return b"POST %b HTTP/1.1\r\nHost: x\r\n%b\r\n%b" % (path.encode(), told, body)


def refusal(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["code"]


def counted(code: str, route: str = "unmatched") -> float:
    return REGISTRY.get_sample_value("kepu_http_problems_total", {"route": route, "code": code}) or 0.0


async def test_a_head_is_refused_before_more_of_it_is_read_than_the_bound() -> None:
    async with served() as at:
        before = counted("head_too_large")
        for piece in (b"X-Long: " + b"a" * 5_000_000, b"X: a\r\n" * 500_000, b"a" * 5_000_000):
            head = b"GET /health HTTP/1.1\r\nHost: x\r\n" + piece
            began = time.monotonic()
            answer = await at.ends_with(
                *[head[start : start + 9_999] for start in range(0, len(head), 9_999)]
            )
            assert refusal(answer) == (431, "head_too_large")
            assert b"connection: close" in answer
            assert time.monotonic() - began < 5
        assert counted("head_too_large") == before + 3


async def test_a_head_that_does_not_come_to_its_end_is_timed_out() -> None:
    async with served(SHORT) as at:
        before = counted("request_timeout")
        for started in (b"G", b"GET /health HTTP/1.1\r\nHost: x\r\n"):
            assert refusal(await at.ends_with(started)) == (408, "request_timeout")
        assert counted("request_timeout") == before + 2


async def test_a_head_that_trickles_is_timed_out() -> None:
    async with served(SHORT) as at:
        reader, writer = await at.connect()
        began = time.monotonic()
        answer = asyncio.create_task(reader.read())
        writer.write(b"GET /health HTTP/1.1\r\n")
        while not answer.done() and time.monotonic() - began < 5:
            writer.write(b"X")
            await asyncio.sleep(0.02)
        assert refusal(await answer) == (408, "request_timeout")
        writer.close()


@BOTH
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_half_sent_body_is_timed_out(path: str, chunked: bool) -> None:
    length = b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel" if chunked else b"Content-Length: 5\r\n\r\nhel"
    async with served(SHORT) as at:
        answer = await at.ends_with(b"POST %b HTTP/1.1\r\nHost: x\r\n%b" % (path.encode(), length))
        assert refusal(answer) == (408, "request_timeout")
        assert at.read == []
        await eventually(lambda: at.app.state.bodies.bytes == 0)


@BOTH
async def test_a_large_body_may_take_longer(path: str) -> None:
    async with served(SHORT) as at:
        reader, writer = await at.connect()
        whole = post(path, body=b"x" * 900_000)
        for start in range(0, len(whole), 100_000):
            writer.write(whole[start : start + 100_000])
            await asyncio.sleep(0.07)
        assert (await reader.read(12)) == b"HTTP/1.1 202"
        assert at.read == [900_000]
        writer.close()


async def test_silent_and_idle_connections_end_without_a_word() -> None:
    async with served(SHORT) as at:
        assert await at.ends_with() == b""
        answer = await at.ends_with(post(HOT))
        assert answer.startswith(b"HTTP/1.1 202 ")
        assert answer.count(b"HTTP/1.1") == 1


async def test_whoever_does_not_read_the_answer_is_cut_off() -> None:
    async with served(SHORT) as at:
        reader, writer = await at.connect()
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n" * 4)
        await eventually(lambda: not at.app.state.connections.open)
        writer.close()
        del reader


async def test_connections_beyond_the_bound_are_told_and_closed() -> None:
    async with served(Limits(connections_max=3)) as at:
        held = [await at.connect() for _ in range(3)]
        await eventually(lambda: len(at.app.state.connections.open) == 3)
        assert refusal(await at.ends_with(post(HOT))) == (503, "overloaded")
        held[0][1].close()
        await eventually(lambda: len(at.app.state.connections.open) == 2)
        held[0] = await at.connect()
        held[0][1].write(post(HOT))
        assert (await held[0][0].read(12)) == b"HTTP/1.1 202"
        for _, writer in held:
            writer.close()


def test_connections_leave_room_among_the_open_files() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert connections_that_fit(10) == 10
    assert connections_that_fit(soft + 1) == soft - FILES_KEPT


@BOTH
async def test_beyond_the_bound_requests_are_refused_and_the_health_is_told(path: str) -> None:
    async with served(Limits(under_way_max=1, framework_under_way_max=1)) as at:
        at.open.clear()
        held = asyncio.create_task(at.ends_with(post(path, b"Connection: close")))
        await eventually(lambda: at.read)
        assert refusal(await at.ends_with(post(path, b"Connection: close"))) == (503, "overloaded")
        watched = await at.ends_with(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert watched.startswith(b"HTTP/1.1 200 ")
        at.open.set()
        assert (await held).startswith(b"HTTP/1.1 202 ")


@BOTH
async def test_bodies_of_all_requests_together_are_bounded(path: str) -> None:
    async with served(Limits(bodies_bytes_max=1_000_000)) as at:
        at.open.clear()
        request = post(path, body=b"x" * 300_000)
        held = [await at.connect() for _ in range(3)]
        for _, writer in held:
            writer.write(request)
        await eventually(lambda: len(at.read) == 3)
        reader, writer = await at.connect()
        writer.write(request)
        answer = await reader.readuntil(b"}")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b'"code":"overloaded"' in answer
        writer.close()
        at.open.set()
        for reader, writer in held:
            assert (await reader.read(12)) == b"HTTP/1.1 202"
            writer.close()
        await eventually(lambda: at.app.state.bodies.bytes == 0)


async def test_the_key_is_checked_before_the_body_is_read() -> None:
    async with served() as at:
        head = b"PUT /organisers HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n"
        for key, expected in (
            (b"", (401, "organiser_key_missing")),
            (b"guess", (403, "organiser_key_wrong")),
        ):
            reader, writer = await at.connect()
            line = b"X-Organiser-Key: " + key + b"\r\n" if key else b""
            writer.write(head + line + b"\r\n")
            # Not a byte of the body was sent.
            answer = await reader.readuntil(b"}")
            assert refusal(answer) == expected
            assert (b'www-authenticate: OrganiserKey realm="kepu"' in answer) == (not key)
            writer.close()


async def test_pipelined_requests_beyond_the_bound_are_not_even_parsed() -> None:
    async with served(Limits(pipelined_max=5)) as at:
        answer = await at.ends_with(post(HOT) * 5_000)
        assert 1 <= answer.count(b"HTTP/1.1 202") <= 7
        assert answer.rstrip().endswith(b"{}")
        assert answer.count(b"connection: close") == 1


HALVES = {
    "head": b"GET /health HTTP/1.1\r\nHost",
    "nonsense": b"hello\r\n\r\n",
    "half a body": post("/framework/b", body=b"hello")[:-2],
    "a chunk that is none": b"POST /hot/b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a large body": post("/framework/b", body=b"x" * 900_000),
}


@BOTH
@pytest.mark.parametrize("half", HALVES.values(), ids=list(HALVES))
async def test_a_request_is_answered_though_what_follows_on_it_is_refused(path: str, half: bytes) -> None:
    async with served(SHORT) as at:
        at.open.clear()
        ended = asyncio.create_task(at.ends_with(post(path), half))
        await eventually(lambda: at.read)
        # Longer than any of the deadlines.
        await asyncio.sleep(1)
        assert not ended.done()
        at.open.set()
        answer = await ended
        assert answer.startswith(b"HTTP/1.1 202 ")
        assert answer.count(b"HTTP/1.1") == 1
        assert at.read == [0]


async def test_a_closed_connection_whose_rest_nobody_reads_is_cut_off() -> None:
    class Unread:
        aborted = closing = False

        def abort(self) -> None:
            self.aborted = True

        def is_closing(self) -> bool:
            return self.closing

    async with served(SHORT) as at:
        _, writer = await at.connect()
        await eventually(lambda: at.app.state.connections.open)
        [connection] = at.app.state.connections.open
        real, connection.transport = connection.transport, Unread()
        now = time.monotonic()
        connection.transport.closing = True
        connection.expire(now)
        assert not connection.transport.aborted
        connection.expire(now + SHORT.stalled_seconds_max + 1)
        assert connection.transport.aborted
        connection.transport = real
        writer.close()


async def test_trailers_without_end_are_refused() -> None:
    async with served() as at:
        head = b"POST /framework/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
        answer = await at.ends_with(head, *[b"X-Y: " + b"a" * 10_000 + b"\r\n"] * 100)
        assert refusal(answer) == (431, "head_too_large")


async def test_whoever_leaves_gives_everything_back() -> None:
    async with served() as at:
        for path in (HOT, FRAMEWORK):
            whole = post(path, body=b"x" * 200_000)
            for size in (10, 100, 150_000):
                _, writer = await at.connect()
                writer.write(whole[:size])
                await writer.drain()
                writer.close()
        await eventually(lambda: not at.app.state.connections.open)
        await eventually(lambda: at.app.state.bodies.bytes == 0)
