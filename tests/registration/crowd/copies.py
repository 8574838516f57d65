"""Copies of a service, each a process of its own on a port of its own, killed and started again."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from ops.stack.host import free_port
from tests.registration.crowd.lines import Line, Lost
from tests.support.waiting import eventually

REPOSITORY = Path(__file__).parents[3]
READY_SECONDS_MAX = 60.0


class Copy:
    """One process of a service."""

    def __init__(self, service: str, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self._service = service
        self._environment = {**environment, "KEPU_PORT": str(self.port), "PYTHONPATH": str(REPOSITORY)}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("KEPU_")}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"services.{self._service}.app",
            cwd=REPOSITORY,
            env=kept | self._environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await eventually(self._answers, seconds=READY_SECONDS_MAX)

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, f"a copy of {self._service} has ended by itself"
        line = Line(self.port)
        try:
            status, _ = await line.ask("GET", "/openapi.json", {}, {})
        except Lost:
            return False
        finally:
            line.close()
        return status == 200

    async def kill(self) -> None:
        """By SIGKILL; a copy that has ended by itself is a failure."""
        assert self._process is not None
        assert self._process.returncode is None, f"a copy of {self._service} has ended by itself"
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def running(copies: Sequence[Copy]) -> AsyncIterator[None]:
    """The copies until the end of the block."""
    started: list[Copy] = []
    try:
        for copy in copies:
            started.append(copy)
            await copy.start()
        yield
    finally:
        for copy in started:
            if copy._process is not None and copy._process.returncode is None:
                await copy.kill()
