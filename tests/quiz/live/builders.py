"""Quiz on a port of its own, and listeners to its standings: httpx, and the form of the standard."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from services.quiz.app import assemble
from tests.quiz.builders import settings
from tests.support.waiting import eventually
from tests.support.web import port_of, serving


@dataclass
class Heard:
    """What one listener has heard."""

    status: int | None = None
    problem: str = ""
    text: str = ""
    last_id: str = ""
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    ended: bool = False
    task: asyncio.Task[None] | None = None

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def shown(self) -> dict[str, Any]:
        """The newest standings."""
        return next(data for name, data in reversed(self.events) if name == "standings")

    async def told(self, name: str) -> dict[str, Any]:
        """The data of an event, as soon as it has come."""
        await eventually(lambda: name in self.names(), seconds=20)
        return next(data for one, data in self.events if one == name)

    async def counts(self, participants: int) -> None:
        """Wait until so many participants are shown."""
        await eventually(lambda: self.shown()["participants"] == participants)

    async def end(self) -> None:
        """Wait until the stream has ended."""
        await eventually(lambda: self.ended, seconds=20)

    async def listen(self, client: httpx.AsyncClient, path: str, headers: Mapping[str, str]) -> None:
        try:
            async with client.stream("GET", path, headers=headers) as answer:
                self.status = answer.status_code
                if answer.status_code >= 400:
                    self.problem = json.loads(await answer.aread())["code"]
                named, data = "", ""
                async for line in answer.aiter_lines():
                    self.text += line + "\n"
                    name, _, value = line.partition(": ")
                    if name == "event":
                        named = value
                    elif name == "data":
                        data = value
                    elif name == "id":
                        self.last_id = value
                    elif not line and data:
                        self.events.append((named, json.loads(data)))
                        named, data = "", ""
        finally:
            self.ended = True


class Hall:
    """Where the standings are listened to."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self._tasks: list[asyncio.Task[None]] = []

    async def listen(self, quiz_id: str, query: str = "", **headers: str) -> Heard:
        """A listener that has got its status, and its first standings if there are any."""
        heard = Heard()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"/quizzes/{quiz_id}/standings/live{query}"
        self._tasks.append(asyncio.create_task(heard.listen(self.client, path, named)))
        await eventually(lambda: heard.ended or "standings" in heard.names(), seconds=20)
        return heard

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, httpx.HTTPError):
                await task


@asynccontextmanager
async def hall(mongo: str, kafka: str, database: str, keys: Path | None = None) -> AsyncIterator[Hall]:
    of = settings(mongo=mongo, kafka=kafka, role="api", database=database, organiser_keys_file=keys)
    async with serving(assemble(of)) as server:
        address = f"http://127.0.0.1:{port_of(server)}"
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            at = Hall(client)
            try:
                yield at
            finally:
                await at.close()
