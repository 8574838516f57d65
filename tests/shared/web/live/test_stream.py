"""Streams of a board from a real server: one reading for all, slow readers, outages, the process's end."""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator

import httpx

from shared.web.edge.bounded_protocol import BoundedProtocol
from shared.web.edge.limits import Limits
from shared.web.live.listeners import Listeners
from tests.shared.web.edge.held import SHORT, refusal
from tests.shared.web.live.boards import Heard, Shown, Streaming, streaming
from tests.support.waiting import eventually

MANY = 1_000
SHORT_SECONDS = 2.0
# A busy machine may pause once. Who waits for others does so each time.
TRIES_MAX = 3


async def test_a_listener_gets_what_is_shown_and_whatever_comes_after_it() -> None:
    async with streaming() as at:
        heard = await at.listen(path="/live/a?view=first")
        assert heard.status == 200
        for line in (
            b"content-type: text/event-stream",
            b"cache-control: no-store",
            b"x-accel-buffering: no",
        ):
            assert line in heard.head
        await heard.until(b'"number":1,')
        assert re.search(rb"retry: \d+\n\nevent: first\n.*\n\nevent: number\nid: id-1\ndata: ", heard.seen)
        at.shown = Shown(2)
        await heard.until(b'"number":2,')
        at.shown = Shown(3, ends=True)
        said = await heard.whole()
        assert re.findall(rb"id: (\S+)", said) == [b"id-1", b"id-2", b"id-3"]
        # It comes back much later, only to hear that nothing follows.
        assert int(re.findall(rb"retry: (\d+)", said)[-1]) >= 5_000
        await eventually(lambda: (len(at.boards), len(at.listeners)) == (0, 0))


async def test_a_client_of_another_library_reads_the_stream() -> None:
    async with (
        streaming() as at,
        httpx.AsyncClient() as client,
        client.stream("GET", f"http://127.0.0.1:{at.port}/live/a") as answer,
    ):
        lines = answer.aiter_lines()
        told = [line async for line in _until(lines, "data: ")]
        at.shown = Shown(2)
        told += [line async for line in _until(lines, '"number":2,')]
        assert [line for line in told if line.startswith("event: ")] == ["event: number"] * 2


async def _until(lines: AsyncIterator[str], words: str) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if words in line:
            return


async def test_who_comes_again_gets_only_what_it_has_not() -> None:
    async with streaming() as at:
        heard = await at.listen(b"Last-Event-ID: id-1")
        at.shown = Shown(2)
        assert b"id-1" not in await heard.until(b"id-2")
        other = await at.listen(b"Last-Event-ID: another")
        assert b"id-2" in await other.until(b"id-2")
        at.shown = Shown(3, ends=True)
        await heard.whole()
        again = await at.listen(b"Last-Event-ID: id-3")
        assert again.status == 204
        assert (await at.listen()).status == 200


async def test_a_thousand_listeners_cost_one_reading_a_tick_and_each_gets_every_change() -> None:
    async with streaming(tick_seconds=0.5) as at:
        heard = [await at.listen() for _ in range(MANY)]
        await asyncio.gather(*[one.until(b"id-1") for one in heard])
        reads, began = at.reads, time.monotonic()
        for number in (2, 3):
            at.shown = Shown(number)
            await asyncio.gather(*[one.until(b"id-%d" % number) for one in heard])
        assert at.reads - reads <= (time.monotonic() - began) / 0.5 + 1
        assert len(at.listeners) == MANY
        assert all(re.findall(rb"id: (\S+)", one.seen) == [b"id-1", b"id-2", b"id-3"] for one in heard)
        for one in heard:
            one.writer.close()
        await eventually(lambda: len(at.listeners) == 0)


async def test_nothing_is_read_when_nobody_listens() -> None:
    async with streaming() as at:
        heard = [await at.listen() for _ in range(2)]
        for one in heard:
            await one.until(b"id-1")
            one.writer.close()
        await eventually(lambda: len(at.boards) == 0)
        reads = at.reads
        await asyncio.sleep(0.3)
        assert at.reads == reads


async def test_changes_within_a_tick_are_told_once_and_views_are_told_apart() -> None:
    async with streaming(tick_seconds=0.5) as at:
        heard, other = await at.listen(), await at.listen(path="/live/a?view=some")
        await heard.until(b'"all"')
        await other.until(b'"some"')
        began = time.monotonic()
        for number in range(2, 200):
            at.shown = Shown(number)
            await asyncio.sleep(0.005)
        said = await heard.until(b"id-199")
        seconds = time.monotonic() - began
        assert said.count(b"event: number") <= seconds / 0.5 + 2
        assert b'"all"' not in await other.until(b"id-199")
        assert at.reads <= seconds / 0.5 + 3


async def test_a_stream_that_says_nothing_beats_and_is_not_cut_as_idle() -> None:
    async with streaming(beat_seconds=0.2, limits=SHORT) as at:
        heard = await at.listen()
        await heard.until(b"id-1")
        heard.seen = b""
        began = time.monotonic()
        await heard.until(b":\n\n")
        while time.monotonic() < began + 4 * SHORT.idle_seconds_max:
            heard.seen = b""
            assert await heard.until(b":\n\n") == b"3\r\n:\n\n\r\n"
        at.shown = Shown(2)
        await heard.until(b"id-2")


async def test_while_the_database_is_away_streams_stay_and_go_on_afterwards() -> None:
    async with streaming(beat_seconds=0.2) as at:
        heard = await at.listen()
        await heard.until(b"id-1")
        at.away, at.shown = True, Shown(2)
        reads = at.reads
        heard.seen = b""
        await heard.until(b":\n\n")
        assert at.reads > reads
        # Who comes meanwhile sees what the others see.
        await (await at.listen()).until(b"id-1")
        nobody_knows = await at.listen(path="/live/b")
        assert nobody_knows.status == 503
        at.away = False
        await heard.until(b"id-2")


async def test_who_does_not_read_is_dropped_and_little_is_kept_for_it() -> None:
    filling = 300_000
    async with streaming(tick_seconds=0.01, limits=SHORT) as at:
        at.shown = Shown(1, filling)
        quick = await at.listen()
        await quick.until(b"id-1")
        slow = socket.create_connection(("127.0.0.1", at.port))
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.sendall(b"GET /live/a HTTP/1.1\r\nHost: x\r\n\r\n")
        await eventually(lambda: len(at.listeners) == 2)
        most, number = 0, 1
        async with asyncio.timeout(20):
            while len(at.listeners) == 2:
                number += 1
                at.shown = Shown(number, filling)
                quick.seen = b""
                await quick.until(b'"number":%d,' % number)
                most = max(most, *(_buffered(one) for one in at.app.state.connections.open))
        assert 0 < most <= 65_536 + filling + 1_000
        slow.close()


def _buffered(connection: BoundedProtocol) -> int:
    size: int = connection.transport.get_write_buffer_size()
    return size


async def test_a_slow_reader_gets_the_newest_and_not_what_was_in_between() -> None:
    filling = 200_000
    async with streaming(tick_seconds=0.01, limits=Limits()) as at:
        at.shown = Shown(1, filling)
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port, limit=1_024)
        at.kept.append(writer)
        writer.write(b"GET /live/a HTTP/1.1\r\nHost: x\r\n\r\n")
        number = 1
        while not any(one.sends for one in at.listeners._all):
            number += 1
            at.shown = Shown(number, filling)
            await asyncio.sleep(0.02)
        last = number + 500
        for newest in range(number, last + 1):
            at.shown = Shown(newest, filling)
            await asyncio.sleep(0.002)
        heard = Heard(reader, writer, 200, b"")
        said = await heard.until(b'"number":%d,' % last)
        assert said.count(b"event: number") < 250


async def test_a_request_of_head_is_answered_and_ends() -> None:
    async with streaming() as at:
        heard = await at.listen(method=b"HEAD")
        assert (heard.status, len(at.listeners)) == (200, 0)
        assert b"content-type: text/event-stream" in heard.head


async def test_beyond_the_bounds_listeners_are_refused_with_a_code() -> None:
    async with streaming(listeners=Listeners(of_a_network_max=1, of_a_key_max=1), boards_max=1) as at:
        asked = b"GET /live/%b HTTP/1.1\r\nHost: x\r\n%bConnection: close\r\n\r\n"
        await (await at.listen()).until(b"id-1")
        assert refusal(await _answer(at, asked % (b"a", b""))) == (503, "overloaded")
        await (await at.listen(b"X-Key: hall")).until(b"id-1")
        assert refusal(await _answer(at, asked % (b"a", b"X-Key: hall\r\n"))) == (503, "overloaded")
        assert refusal(await _answer(at, asked % (b"b", b"X-Key: other\r\n"))) == (503, "overloaded")
        # What was refused holds nothing.
        assert (len(at.listeners), len(at.boards)) == (2, 1)


async def _answer(at: Streaming, asked: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
    writer.write(asked)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


async def test_a_stream_ends_after_its_time() -> None:
    async with streaming(beat_seconds=0.05, listeners=Listeners(listened_seconds_max=0.3)) as at:
        began = time.monotonic()
        heard = await at.listen()
        await heard.whole()
        assert 0.2 < time.monotonic() - began < 5
        assert b"id-1" in heard.seen


async def test_the_end_of_the_process_ends_all_streams_at_once_also_of_those_who_do_not_read() -> None:
    # It waits for nobody, also not for whoever does not read.
    took: list[float] = []
    while min(took, default=SHORT_SECONDS) >= SHORT_SECONDS:
        assert len(took) < TRIES_MAX, took
        took.append(await _seconds_to_the_end())


async def _seconds_to_the_end() -> float:
    """How long a process takes to end to which five listen, and a sixth who does not read."""
    async with streaming(tick_seconds=0.01) as at:
        at.shown = Shown(1, 300_000)
        heard = [await at.listen() for _ in range(5)]
        await at.listen()
        for number in range(2, 60):
            at.shown = Shown(number, 300_000)
            await asyncio.gather(*[one.until(b'"number":%d,' % number) for one in heard])
            for one in heard:
                one.seen = one.seen[-10:]
        await eventually(lambda: sum(one.sends for one in at.listeners._all) == 1)
        assert at.server is not None
        ends = [asyncio.create_task(one.whole()) for one in heard]
        began = time.monotonic()
        at.server.should_exit = True
        await asyncio.gather(*ends)
        await eventually(lambda: not at.app.state.connections.open)
        return time.monotonic() - began
