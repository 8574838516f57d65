"""What one client may use of a process, and what all may use together."""

import asyncio
import resource
import time

import pytest

from shared.web.edge.bounded_protocol import HOT_REQUEST_BYTES
from shared.web.edge.limits import FILES_KEPT, Limits, connections_that_fit
from tests.shared.web.edge.held import BOTH, HOT, SHORT, counted, post, refusal, served
from tests.support.waiting import eventually


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
        for _, writer in held:
            # Half of a body each: who has asked for nothing would give way.
            writer.write(post(HOT, body=b"hello")[:-1])
        await eventually(lambda: at.app.state.connections.unfinished.bytes > 3 * HOT_REQUEST_BYTES)
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
