"""The proxies: what each kind of fault does to a connection."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from ops.chaos.proxy import Mode, Proxy
from ops.stack.host import free_port
from tests.support.waiting import eventually

SECONDS = 10.0


class Echo:
    """A server that answers what it hears, and notes it."""

    def __init__(self) -> None:
        self.heard = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(1024):
            self.heard += chunk
            writer.write(chunk)
            await writer.drain()
        writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Proxy, Echo]]:
    """A proxy before a server."""
    server = Echo()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    proxy = Proxy(free_port(), listening.sockets[0].getsockname()[1])
    await proxy.start()
    yield proxy, server
    await proxy.stop()
    listening.close()


async def said(proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"one")
    assert await asyncio.wait_for(reader.readexactly(3), SECONDS) == b"one"
    return reader, writer


async def ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(1), SECONDS) == b""
    except ConnectionError:
        return True


async def test_an_answer_is_swallowed_after_its_request_arrived(echo: tuple[Proxy, Echo]) -> None:
    proxy, server = echo
    reader, writer = await said(proxy)
    await proxy.set(Mode.swallow)
    writer.write(b"two")
    await eventually(lambda: server.heard, b"onetwo".__eq__)
    await proxy.set(Mode.open)
    # The answer is lost, so the connection cannot go on.
    assert await ended(reader)
    assert proxy.lost == 1


async def test_who_is_deaf_hears_no_request(echo: tuple[Proxy, Echo]) -> None:
    proxy, server = echo
    reader, writer = await said(proxy)
    await proxy.set(Mode.deaf)
    writer.write(b"two")
    await eventually(lambda: proxy.lost)
    await proxy.set(Mode.open)
    assert await ended(reader)
    assert server.heard == b"one"


async def test_a_cut_ends_what_there_is_and_what_comes_until_it_is_over(echo: tuple[Proxy, Echo]) -> None:
    proxy, _ = echo
    reader, _ = await said(proxy)
    await proxy.set(Mode.cut)
    assert await ended(reader)
    again, _ = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await ended(again)
    await proxy.set(Mode.open)
    await said(proxy)


async def test_what_is_late_arrives(echo: tuple[Proxy, Echo]) -> None:
    proxy, _ = echo
    await proxy.set(Mode.delay)
    _, writer = await said(proxy)
    writer.close()


async def test_a_fault_concerns_the_process_that_it_names_and_no_other_one(
    echo: tuple[Proxy, Echo],
) -> None:
    proxy, _ = echo
    reader, writer = await said(proxy)
    await proxy.set(Mode.cut, os.getppid())
    writer.write(b"two")
    assert await asyncio.wait_for(reader.readexactly(3), SECONDS) == b"two"
    await said(proxy)
    await proxy.set(Mode.cut, os.getpid())
    assert await ended(reader)
