"""A partner's HTTP server: it notes what it gets, and answers as the test says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"
HANGS = "hangs"
CUTS = "cuts"


@dataclass(frozen=True, slots=True)
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(slots=True)
class Receiver:
    """
    What a partner got, and how it answers.

    Attributes:
        answers: how the next requests are answered: a status, `HANGS` (never) or `CUTS` (the connection ends
            without an answer). The last one stays.
        headers: more lines of each answer.
        body: of each answer.
        endless: the body is sent again and again, until the connection ends.
    """

    port: int = 0
    answers: list[int | str] = field(default_factory=lambda: [200])
    headers: tuple[str, ...] = ()
    body: bytes = b""
    got: list[Got] = field(default_factory=list)
    at_once: int = 0
    at_once_max: int = 0
    slow: asyncio.Event | None = None
    endless: bool = False

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/events"

    def ids(self) -> list[str]:
        return [one.message_id for one in self.got]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        lines = [line.partition(":") for line in head[1:] if line]
        headers = {name.lower(): value.strip() for name, _, value in lines}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.got.append(Got(head[0].split()[1], headers, body))
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        try:
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer == CUTS:
                return False
            if answer == HANGS:
                await reader.read()
                return False
            if self.slow is not None:
                await self.slow.wait()
            more = "".join(f"{line}\r\n" for line in self.headers)
            size = "" if self.endless else f"Content-Length: {len(self.body)}\r\n"
            writer.write(f"HTTP/1.1 {answer} Said\r\n{size}{more}\r\n".encode() + self.body)
            await writer.drain()
            while self.endless:
                writer.write(self.body)
                await writer.drain()
                # A drain with room in the buffer lets nobody else run.
                await asyncio.sleep(0)
        finally:
            self.at_once -= 1
        return True


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A partner's server until the end of the block."""
    receiver = Receiver()
    under_way: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        await receiver.serve(reader, writer)

    server = await asyncio.start_server(serve, HOST, 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(under_way):
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
