"""An app that streams a board, and listeners that are no code of ours: sockets, and httpx."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI, Request

from shared.runtime.errors import Unavailable
from shared.web.edge.limits import Limits
from shared.web.live.boards import Boards
from shared.web.live.frames import Frame, event
from shared.web.live.listeners import Listeners
from shared.web.live.stream import EventStream
from tests.support.web import bare_app, port_of, serving

TICK_SECONDS = 0.05
SAYS_NOTHING = 3_600.0


@dataclass(frozen=True)
class Shown:
    """A number, and as many bytes as a test wants."""

    number: int
    filling: int = 0
    ends: bool = False

    def frame(self, view: Hashable, before: Hashable) -> Frame:
        data = b'{"view":"%b","number":%d,"filling":"%b"}' % (
            str(view).encode(),
            self.number,
            b"x" * self.filling,
        )
        return Frame(f"id-{self.number}", event("number", data, f"id-{self.number}"), self.ends)


@dataclass
class Streaming:
    """The app, what its board shows now, and how often it was read."""

    app: FastAPI
    boards: Boards
    listeners: Listeners
    port: int = 0
    server: uvicorn.Server | None = None
    shown: Shown = field(default_factory=lambda: Shown(1))
    reads: int = 0
    away: bool = False
    # A writer that nobody keeps closes its connection.
    kept: list[asyncio.StreamWriter] = field(default_factory=list)

    async def read(self) -> Shown:
        self.reads += 1
        if self.away:
            raise Unavailable("the database does not answer")
        return self.shown

    async def listen(self, *lines: bytes, path: str = "/live/a", method: bytes = b"GET") -> "Heard":
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.kept.append(writer)
        told = b"".join(line + b"\r\n" for line in lines)
        writer.write(b"%b %b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (method, path.encode(), told))
        head = await reader.readuntil(b"\r\n\r\n")
        return Heard(reader, writer, int(head.split()[1]), head.lower())


@dataclass
class Heard:
    """One listener, and what it has heard."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int
    head: bytes
    seen: bytes = b""

    async def until(self, words: bytes) -> bytes:
        """Read until these words came; returns all that came."""
        async with asyncio.timeout(20):
            while words not in self.seen:
                more = await self.reader.read(65_536)
                assert more, f"the stream has ended: {self.seen[-500:]!r}"
                self.seen += more
        return self.seen

    async def whole(self) -> bytes:
        """Read until the stream ends."""
        return await self.until(b"\r\n0\r\n\r\n")


@asynccontextmanager
async def streaming(
    *,
    beat_seconds: float = SAYS_NOTHING,
    tick_seconds: float = TICK_SECONDS,
    limits: Limits | None = None,
    boards_max: int = 3,
    listeners: Listeners | None = None,
) -> AsyncIterator[Streaming]:
    app = bare_app(limits=limits)
    boards = Boards(tick_seconds=tick_seconds, beat_seconds=beat_seconds, boards_max=boards_max)
    app.state.listeners = Listeners() if listeners is None else listeners
    at = Streaming(app, boards, app.state.listeners)

    @app.get("/live/{name}", status_code=200, response_class=EventStream)
    async def live(name: str, request: Request, view: str = "all") -> EventStream:
        key = request.headers.get("x-key", "")
        first = event("first", b"{}") if view == "first" else b""
        return EventStream(at.boards, at.listeners, name, at.read, view, by=key, first=first)

    async with serving(app) as server:
        at.port, at.server = port_of(server), server
        try:
            yield at
        finally:
            for writer in at.kept:
                writer.close()
