"""An app whose routes answer once they are let, and what comes of requests to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

import pytest
from fastapi import Body, FastAPI, Request
from prometheus_client import REGISTRY
from starlette.responses import PlainTextResponse, Response

from shared.web.edge.limits import Limits
from shared.web.hot import HotRequest, HotRoute
from shared.web.identity import AsOrganiser
from tests.support.web import bare_app, port_of, serving

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
LARGE_BYTES = 4_000_000


@dataclass
class Served:
    port: int
    app: FastAPI
    open: asyncio.Event = field(default_factory=asyncio.Event)
    read: list[int] = field(default_factory=list)
    # A writer that nobody keeps closes its connection.
    kept: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.kept.append(writer)
        return reader, writer

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

    app = bare_app(HotRoute("POST", "/hot/{name}", hot, body_bytes_max=1_000_000), limits=limits)

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
        return "x" * LARGE_BYTES

    async with serving(app) as server:
        at = Served(port_of(server), app)
        at.open.set()
        try:
            yield at
        finally:
            at.open.set()
            for writer in at.kept:
                writer.close()


def post(path: str, *lines: bytes, body: bytes = b"") -> bytes:
    told = b"".join(line + b"\r\n" for line in (*lines, b"Content-Length: %d" % len(body)))
    return b"POST %b HTTP/1.1\r\nHost: x\r\n%b\r\n%b" % (path.encode(), told, body)


def refusal(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["code"]


def counted(code: str, route: str = "unmatched") -> float:
    return REGISTRY.get_sample_value("kepu_http_problems_total", {"route": route, "code": code}) or 0.0
