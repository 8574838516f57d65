"""A tiny HTTP server that answers as a test says and remembers what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from time import monotonic


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; `connection` counts connections in the order in which they came."""

    method: str
    path: str
    token: str
    body: bytes
    connection: int
    at: float


# Bytes to be sent in one piece, or in several with a pause between; None closes the connection.
Reply = bytes | list[bytes] | None
Answer = Callable[[Asked], Awaitable[Reply]]


def http(status: int, body: object = None, *headers: str) -> bytes:
    content = b"" if body is None else json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    head = "".join(f"{line}\r\n" for line in (f"content-length: {len(content)}", *headers))
    return f"HTTP/1.1 {status} Some Reason\r\n{head}\r\n".encode() + content


def request(name: object, body: bytes = b"") -> bytes:
    """A complete one, for a requests file."""
    return f"POST /{name} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass(slots=True)
class Server:
    target: str
    asked: list[Asked] = field(default_factory=list)
    opened_at: list[float] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [each.path for each in self.asked]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Server]:
    """Until the block is left; then all its connections are cut."""
    server = Server("")
    numbers = count()
    open_now: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = next(numbers)
        server.opened_at.append(monotonic())
        open_now.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                asked = await _read(reader, connection)
                server.asked.append(asked)
                reply = await answer(asked)
                if reply is None:
                    break
                for part in reply if isinstance(reply, list) else [reply]:
                    writer.write(part)
                    await writer.drain()
                    if isinstance(reply, list):
                        await asyncio.sleep(0.002)
        open_now.discard(writer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=2048)
    server.target = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        for writer in open_now:
            writer.close()


async def _read(reader: asyncio.StreamReader, connection: int) -> Asked:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = lines[0].split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    token = headers.get("authorization", "").removeprefix("Bearer ")
    return Asked(method, path, token, body, connection, monotonic())
