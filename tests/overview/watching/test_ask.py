"""The overview asks services how they are. Nonsense is no answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from services.overview.watching import ask
from services.overview.watching.ask import ServicesAsked
from services.overview.watching.rules import Answer
from services.overview.watching.store import WatchStore
from shared.runtime import clock
from tests.support.kafka import database_of

pytestmark = pytest.mark.stack
Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def saying(status: str, body: str) -> Answering:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()

    return answer


@asynccontextmanager
async def listening(answer: Answering) -> AsyncIterator[str]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_services_are_asked_and_what_they_say_is_kept(mongo: str) -> None:
    async with (
        database_of(mongo, "overview") as database,
        listening(saying("200 OK", '{"checks": {"mongo": "ok"}}')) as well,
        listening(saying("503 Service Unavailable", '{"checks": {"mongo": "away"}}')) as failing,
        listening(saying("200 OK", "<html>")) as strange,
        listening(saying("200 OK", "[" * (ask.ANSWER_BYTES_MAX + 2))) as endless,
    ):
        watched = WatchStore(database)
        at = {
            "quiz": well,
            "awards": failing,
            "strange": strange,
            "endless": endless,
            "gone": "http://127.0.0.1:1",
        }
        assert (await watched.read(clock.now())).answers is None
        async with ServicesAsked(at, watched) as asked:
            assert await asked.turn() > 0
        assert (await watched.read(clock.now())).answers == [
            Answer("quiz", {"mongo": "ok"}),
            Answer("awards", {"mongo": "away"}),
            Answer("strange", None),
            Answer("endless", None),
            Answer("gone", None),
        ]
