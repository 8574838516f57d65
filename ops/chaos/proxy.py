"""
TCP proxies between the services and their servers, which cut, delay, or swallow what goes through.

A proxy knows which process is at the other end of a connection, by the process's open sockets. So a fault
can concern one process, or all. They run in a thread with an event loop of its own: nothing that this program
does else may delay the services.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import psutil

CHUNK_BYTES_MAX = 65_536
DELAY_SECONDS = 0.15
STARTED_SECONDS_MAX = 10.0
# With this, a close is a reset: the other end sees an error, and not an orderly end.
RESET = struct.pack("ii", 1, 0)


class Mode(StrEnum):
    """
    What happens to the bytes of a connection.

    Attributes:
        cut: the connection is reset, and so is each new one.
        swallow: requests arrive, and answers are lost. At the end of the fault the connection is reset.
        deaf: requests are lost. At the end of the fault the connection is reset.
        delay: everything comes late.
    """

    open = "open"
    cut = "cut"
    swallow = "swallow"
    deaf = "deaf"
    delay = "delay"


@dataclass(eq=False, slots=True)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    port: int
    lost: bool = False

    def reset(self) -> None:
        for writer in (self.client, self.server):
            sock = writer.get_extra_info("socket")
            if sock is not None:
                with suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()


@dataclass(slots=True)
class Proxy:
    """
    From one port to another one of this machine.

    Attributes:
        lost: how many chunks were swallowed.
        resets: how many connections were reset.
    """

    port: int
    to_port: int
    lost: int = 0
    resets: int = 0
    _mode: Mode = Mode.open
    # The local ports of the process that the mode is for; None: of everybody.
    _pid: int | None = None
    _ports: dict[int, bool] = field(default_factory=dict)
    _connections: set[_Connection] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """End all connections."""
        assert self._server is not None  # noqa: S101 (it was started)
        self._server.close()
        for one in list(self._connections):
            one.reset()

    async def set(self, mode: Mode, pid: int | None = None) -> None:
        """From now on do this to the connections of a process; None: to all."""
        ended, self._mode, self._pid = self._mode, mode, pid
        self._ports = {} if pid is None else dict.fromkeys(_ports_of(pid), True)
        for one in list(self._connections):
            # What was lost leaves a hole in the stream: it cannot go on.
            if one.lost or (mode is Mode.cut and self._suffers(one.port)):
                self.resets += 1
                one.reset()
        if ended is Mode.open:
            return

    def _suffers(self, port: int) -> bool:
        if self._pid is None or self._mode is Mode.open:
            return True
        if port not in self._ports:
            # A new connection. Which process has it is asked once.
            self._ports[port] = port in _ports_of(self._pid)
        return self._ports[port]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port: int = writer.get_extra_info("peername")[1]
        try:
            theirs, to_server = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            # The server is down: its clients see what they would see without a proxy.
            writer.transport.abort()
            return
        one = _Connection(writer, to_server, port)
        self._connections.add(one)
        if self._mode is Mode.cut and self._suffers(port):
            self.resets += 1
            one.reset()
        try:
            await asyncio.gather(
                self._pass(one, reader, to_server, lost_in=Mode.deaf),
                self._pass(one, theirs, writer, lost_in=Mode.swallow),
            )
        finally:
            one.reset()
            self._connections.discard(one)

    async def _pass(
        self, one: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, lost_in: Mode
    ) -> None:
        try:
            while chunk := await reader.read(CHUNK_BYTES_MAX):
                if self._mode is Mode.delay and self._suffers(one.port):
                    await asyncio.sleep(DELAY_SECONDS)
                if one.lost or (self._mode is lost_in and self._suffers(one.port)):
                    one.lost = True
                    self.lost += 1
                    continue
                writer.write(chunk)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            # As either end closes, the other one hears of it.
            with suppress(OSError, RuntimeError):
                writer.close()


def _ports_of(pid: int) -> set[int]:
    """The local ports of a process."""
    try:
        return {one.laddr.port for one in psutil.Process(pid).net_connections("tcp4") if one.laddr}
    except psutil.Error:
        return set()


class Proxies:
    """Several proxies, in a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def call(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do this in the loop of the proxies, and wait for it."""
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(STARTED_SECONDS_MAX)

    @contextmanager
    def running(self, proxies: list[Proxy]) -> Iterator[None]:
        """Let these work until the end of the block."""
        self._thread.start()
        try:
            for one in proxies:
                self.call(one.start)
            yield
        finally:
            for one in proxies:
                with suppress(Exception):
                    self.call(one.stop)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STARTED_SECONDS_MAX)
            self._loop.close()
