"""Hot routes over real connections: whatever way a request comes, it is answered once and in order."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn
from prometheus_client import REGISTRY

from shared.runtime.errors import Overloaded, Unavailable
from shared.web.edge.hot_protocol import HotProtocol
from shared.web.edge.limits import Limits
from shared.web.edge.shedding import Shedding
from shared.web.hot import Begun, HotRequest, HotRoute
from shared.web.problems import REFUSED_AFTER_SECONDS
from tests.support.waiting import eventually
from tests.support.web import BOTH_WAYS, bare_app, port_of, serving

BODY_BYTES_MAX = 1_000_000
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass
class Echo:
    """Answers with what it was sent, once `open` is set."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[str] = field(default_factory=list)
    by_parser: int = 0
    full: bool = False
    lost: bool = False

    async def answer(self, request: HotRequest) -> tuple[int, bytes]:
        if self.full:
            raise Overloaded("full")
        self.begun.append(request.id)
        await self.open.wait()
        return 202, json.dumps([request.id, request.body.decode()]).encode()

    def begin(self, request: HotRequest) -> Begun | None:
        if self.full:
            return None
        self.begun.append(request.id)
        opened = asyncio.ensure_future(self.open.wait())

        def answer() -> tuple[int, bytes]:
            opened.result()
            if self.lost:
                raise Unavailable("lost")
            return 202, json.dumps([request.id, request.body.decode()]).encode()

        return Begun(opened, answer)


@dataclass
class Served:
    port: int
    echo: Echo
    server: uvicorn.Server

    async def send(self, data: bytes, *, end: bool = False) -> bytes:
        """Everything that comes back within a moment after the first of it, or until the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        await writer.drain()
        answer = await reader.read() if end else await _until_quiet(reader)
        writer.close()
        return answer


async def _until_quiet(reader: asyncio.StreamReader) -> bytes:
    answer = await reader.read(65_536)
    while True:
        try:
            async with asyncio.timeout(0.1):
                more = await reader.read(65_536)
        except TimeoutError:
            return answer
        if not more:
            return answer
        answer += more


@asynccontextmanager
async def served(
    limits: Limits | None = None, shedding: Shedding | None = None, *, begins: bool = False
) -> AsyncIterator[Served]:
    echo = Echo()
    echo.open.set()

    class Counted(HotProtocol):
        def _begin(self, *args: object) -> None:
            echo.by_parser += 1
            super()._begin(*args)  # type: ignore[arg-type]

    begin = echo.begin if begins else None
    app = bare_app(
        HotRoute("POST", "/echo/{id}/hot", echo.answer, body_bytes_max=BODY_BYTES_MAX, begins=begin),
        HotRoute("GET", "/echo/{id}/hot", echo.answer),
        limits=limits,
    )
    app.state.shedding = shedding or app.state.shedding
    async with serving(app, Counted) as server:
        try:
            yield Served(port_of(server), echo, server)
        finally:
            echo.open.set()


def post(id_: str, body: bytes = b"", *more: bytes, version: bytes = b"1.1") -> bytes:
    head = b"POST /echo/%b/hot HTTP/%b\r\nHost: x\r\n" % (id_.encode(), version)
    lines = b"".join(line + b"\r\n" for line in (*more, b"Content-Length: %d" % len(body)))
    return head + lines + b"\r\n" + body


def bodies(answer: bytes) -> list[list[str]]:
    """The JSON bodies of the answers, in order."""
    return [json.loads(part[: part.index(b"]") + 1]) for part in answer.split(b"\r\n\r\n")[1:]]


def refusals_timed() -> float:
    labels = {"method": "POST", "route": "/echo/{id}/hot", "status": "503"}
    return REGISTRY.get_sample_value("kepu_http_request_seconds_count", labels) or 0.0


@BOTH_WAYS
async def test_requests_of_one_connection_are_answered_by_the_parser(begins: bool) -> None:
    async with served(begins=begins) as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        for number in range(3):
            writer.write(post(f"n{number}", b"hello", b"X-Correlation-Id: a-request"))
            answer = await reader.readuntil(b"]")
            assert answer.startswith(b"HTTP/1.1 202 Accepted\r\n")
            assert b"x-correlation-id: a-request\r\n" in answer
            assert b"date: " in answer
            assert bodies(answer) == [[f"n{number}", "hello"]]
        writer.write(b"GET /echo/last/hot HTTP/1.1\r\nHost: x\r\n\r\n")
        assert bodies(await reader.readuntil(b"]")) == [["last", ""]]
        writer.close()
        assert at.echo.by_parser == 4


@pytest.mark.parametrize("size", [1, 70_000, 1_000_000])
async def test_a_body_in_pieces_is_put_together(size: int) -> None:
    async with served() as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port, limit=2 * size + 65_536)
        whole = post("a", b"x" * size)
        for start in range(0, len(whole), 40_000):
            writer.write(whole[start : start + 40_000])
            await writer.drain()
            await asyncio.sleep(0)
        assert bodies(await reader.readuntil(b"]")) == [["a", "x" * size]]
        writer.close()


@BOTH_WAYS
async def test_pipelined_requests_are_answered_in_order(begins: bool) -> None:
    async with served(begins=begins) as at:
        health = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
        answer = await at.send(post("a", b"1") + post("b", b"2") + health + post("c", b"3"))
    places = [answer.index(text) for text in (b'["a", "1"]', b'["b", "2"]', b'"status":"ok"', b'["c", "3"]')]
    assert places == sorted(places)
    assert answer.count(b"HTTP/1.1 20") == 4


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /echo/a/hot HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"POST /echo/%61/hot HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
        post("a", b"hi", b"Expect: 100-continue"),
        post("a", b"hi", b"Connection: close"),
        post("a", b"hi", version=b"1.0"),
    ],
    ids=["chunked", "escaped", "expects", "close", "http-1.0"],
)
async def test_unusual_requests_are_answered_the_same_by_way_of_asgi(request_: bytes) -> None:
    async with served() as at:
        answer = await at.send(request_)
        assert (at.echo.begun, at.echo.by_parser) == (["a"], 0)
    assert b" 202 Accepted\r\n" in answer
    assert answer.endswith(b'["a", "hi"]')


async def test_a_body_beyond_the_bound_is_refused_unread() -> None:
    async with served() as at:
        head = b"POST /echo/a/hot HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (BODY_BYTES_MAX + 1)
        answer = await at.send(head + b"x" * (BODY_BYTES_MAX + 1))
        assert at.echo.begun == []
    assert answer.startswith(b"HTTP/1.1 413 ")


@BOTH_WAYS
async def test_whoever_leaves_disturbs_nobody(begins: bool) -> None:
    async with served(begins=begins) as at:
        at.echo.open.clear()
        _, half = await asyncio.open_connection("127.0.0.1", at.port)
        half.write(post("half", b"hello")[:-2])
        _, gone = await asyncio.open_connection("127.0.0.1", at.port)
        gone.write(post("gone", b"hello"))
        staying = asyncio.create_task(at.send(post("stays", b"hello")))
        await eventually(lambda: len(at.echo.begun) == 2)
        half.close()
        gone.close()
        await asyncio.sleep(0.05)
        at.echo.open.set()
        assert bodies(await staying) == [["stays", "hello"]]
        assert sorted(at.echo.begun) == ["gone", "stays"]
        await eventually(lambda: not at.server.server_state.tasks)


@BOTH_WAYS
async def test_beyond_the_bound_requests_are_refused_at_once_and_those_within_it_answered(
    begins: bool,
) -> None:
    async with served(Limits(under_way_max=2), begins=begins) as at:
        at.echo.open.clear()
        within = [asyncio.create_task(at.send(post(name, b"hello"))) for name in ("a", "b")]
        await eventually(lambda: len(at.echo.begun) == 2)
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        writer.write(post("c", b"hello"))
        refused = await reader.readuntil(b"}")
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: " in refused
        assert b'"code":"overloaded"' in refused
        assert sorted(at.echo.begun) == ["a", "b"]
        at.echo.open.set()
        assert [bodies(answer) for answer in await asyncio.gather(*within)] == [
            [["a", "hello"]],
            [["b", "hello"]],
        ]
        # The same connection, a moment later.
        writer.write(post("c", b"hello"))
        assert bodies(await reader.readuntil(b"]")) == [["c", "hello"]]
        writer.close()


class Full(Shedding):
    """Takes nobody on while it is full."""

    full = True

    def takes_on(self) -> bool:
        return not self.full


@pytest.mark.parametrize("more", [b"X-Plain: yes", b"Expect: 100-continue"], ids=["parser", "asgi"])
async def test_a_process_that_is_late_refuses_before_anything_is_done(more: bytes) -> None:
    shedding = Full()
    async with served(shedding=shedding) as at:
        before = refusals_timed()
        began_at = time.monotonic()
        refused = await at.send(post("a", b"hello", more))
        # Told at once, it would come back at once.
        assert time.monotonic() - began_at >= REFUSED_AFTER_SECONDS
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: " in refused
        assert at.echo.begun == []
        assert refusals_timed() == before + 1
        shedding.full = False
        assert bodies((await at.send(post("a", b"hello", more))).replace(CONTINUE, b"")) == [["a", "hello"]]


@BOTH_WAYS
async def test_who_finds_a_bound_reached_is_not_told_at_once(begins: bool) -> None:
    async with served(begins=begins) as at:
        at.echo.full = True
        began_at = time.monotonic()
        refused = await at.send(post("a", b"hello"))
        assert time.monotonic() - began_at >= REFUSED_AFTER_SECONDS
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b'"code":"overloaded"' in refused
        # Nobody else waits for that.
        at.echo.full = False
        async with asyncio.timeout(REFUSED_AFTER_SECONDS / 2):
            assert bodies(await at.send(post("b", b"hello"))) == [["b", "hello"]]


@pytest.mark.parametrize("path", ["/echo/a/hot", "/health"], ids=["parser", "asgi"])
async def test_a_connection_is_closed_when_it_was_idle_for_long_and_only_then(path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    async with served(Limits(idle_seconds_max=0.5, sweep_seconds=0.1)) as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        for _ in range(4):
            writer.write(request)
            assert (await _until_quiet(reader)).startswith(b"HTTP/1.1 20")
            await asyncio.sleep(0.3)
        # Slow to answer is not idle.
        at.echo.open.clear()
        writer.write(post("slow", b"hello"))
        await asyncio.sleep(1.0)
        at.echo.open.set()
        assert bodies(await reader.readuntil(b"]")) == [["slow", "hello"]]
        answered_at = time.monotonic()
        assert await reader.read() == b""
        assert 0.3 < time.monotonic() - answered_at < 5
        writer.close()


@BOTH_WAYS
async def test_requests_under_way_are_answered_before_the_server_ends(begins: bool) -> None:
    async with served(begins=begins) as at:
        at.echo.open.clear()
        asking = asyncio.create_task(at.send(post("a", b"hello"), end=True))
        await eventually(lambda: at.echo.begun)
        at.server.should_exit = True
        await asyncio.sleep(0.2)
        at.echo.open.set()
        answer = await asking
    assert b"connection: close\r\n" in answer
    assert bodies(answer) == [["a", "hello"]]


async def test_what_goes_wrong_after_the_beginning_is_a_problem_of_this_request_only() -> None:
    async with served(begins=True) as at:
        at.echo.lost = True
        refused = await at.send(post("a", b"hello", b"X-Correlation-Id: a-request"))
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b'"code":"unavailable"' in refused
        assert b"x-correlation-id: a-request\r\n" in refused
        at.echo.lost = False
        assert bodies(await at.send(post("b", b"hello"))) == [["b", "hello"]]
        assert not at.server.server_state.tasks


async def test_a_begun_answer_waits_for_a_client_that_does_not_read() -> None:
    async with served(begins=True) as at:
        body, sent = b"x" * BODY_BYTES_MAX, 0
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port, limit=65_536)
        # Until the buffers between the two are full, and an answer waits.
        while not at.server.server_state.tasks:
            assert sent < 50
            writer.write(post("a", body))
            sent += 1
            await eventually(lambda: len(at.echo.begun), lambda many: many == sent)  # noqa: B023 (awaited here)
            await asyncio.sleep(0.05)
        for _ in range(sent):
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 202 ")
            assert json.loads(await reader.readexactly(BODY_BYTES_MAX + len('["a", ""]')))[0] == "a"
        await eventually(lambda: not at.server.server_state.tasks)
        writer.close()


@BOTH_WAYS
async def test_the_server_ends_at_last_though_nothing_answers(begins: bool) -> None:
    async with served(begins=begins) as at:
        at.server.config.timeout_graceful_shutdown = 1
        at.echo.open.clear()
        _, writer = await asyncio.open_connection("127.0.0.1", at.port)
        writer.write(post("a", b"hello"))
        await eventually(lambda: at.echo.begun)
        assert at.server.server_state.tasks
        at.server.should_exit = True
        await eventually(lambda: not at.server.server_state.tasks, seconds=10)
        writer.close()


@pytest.mark.parametrize(
    "odd", [b"", b"X-Odd: 1\r\nX-Odd: 2\r\n"], ids=["by the parser", "by the middleware"]
)
@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("127.0.0.1", b"", "127.0.0.1"),
        ("127.0.0.1", b"X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n", "10.0.0.2"),
        ("127.0.0.2", b"X-Forwarded-For: 10.0.0.1\r\n", "127.0.0.2"),
    ],
    ids=["itself", "through a trusted proxy", "as somebody says who is not trusted"],
)
async def test_a_request_comes_from_where_a_trusted_proxy_says(
    odd: bytes, peer: str, forwarded: bytes, expected: str
) -> None:
    async def where(request: HotRequest) -> tuple[int, bytes]:
        return 200, json.dumps([request.address]).encode()

    # uvicorn trusts 127.0.0.1 unless it is told otherwise.
    async with serving(bare_app(HotRoute("GET", "/where", where))) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server), local_addr=(peer, 0))
        writer.write(b"GET /where HTTP/1.1\r\nHost: x\r\n%b%b\r\n" % (odd, forwarded))
        assert bodies(await reader.readuntil(b"]")) == [[expected]]
        writer.close()
