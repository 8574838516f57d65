"""Requests behind one another on one connection, and clients that leave."""

import asyncio
import logging
import socket
import struct
import time

import pytest
import uvloop

from shared.web.edge.limits import Limits
from tests.shared.web.edge.held import BOTH, FRAMEWORK, HOT, SHORT, post, refusal, served
from tests.support.waiting import eventually


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


@BOTH
def test_a_client_that_pipelines_and_resets_leaves_no_trace(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def reset() -> None:
        async with served() as at:
            at.open.clear()
            _, writer = await at.connect()
            writer.write(post(path, body=b"a") + post(FRAMEWORK, body=b"b") + post(FRAMEWORK, body=b"c"))
            await eventually(lambda: at.read)
            # An end that is no orderly one: the system sends a reset.
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            writer.transport.abort()
            await asyncio.sleep(0.05)
            at.open.set()
            await eventually(lambda: not at.app.state.connections.open)
            await eventually(lambda: not at.app.state.bodies.bytes)
            await asyncio.sleep(0.05)
            # What waited behind is not begun for nobody.
            assert len(at.read) == 1

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(reset())
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
