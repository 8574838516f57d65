"""Copies of a service, each a process of its own on a port of its own, killed and started again."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from ops.stack.host import free_port
from tests.registration.crowd.lines import Line, Lost
from tests.support.killing import Killable
from tests.support.waiting import eventually

READY_SECONDS_MAX = 60.0


class Copy:
    """One process of a service."""

    def __init__(self, service: str, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self._process = Killable.serving(service, {**environment, "KEPU_PORT": str(self.port)})

    async def start(self) -> None:
        """Start it, and wait until it can take requests."""
        await self._process.start()
        await eventually(self._has_its_parts, seconds=READY_SECONDS_MAX)

    async def _has_its_parts(self) -> bool:
        assert self._process.runs, "a copy has ended by itself"
        line = Line(self.port)
        try:
            status, _ = await line.ask("GET", "/nothing", {}, {})
        except Lost:
            return False
        finally:
            line.close()
        # Until its parts are there, it says 503 to everything. (A copy of quiz without Kafka is never ready.)
        return status == 404

    async def kill(self) -> None:
        """By SIGKILL; a copy that has ended by itself is a failure."""
        await self._process.kill()

    async def end(self) -> None:
        """Kill it if it runs."""
        await self._process.end()


@asynccontextmanager
async def running(copies: Sequence[Copy]) -> AsyncIterator[None]:
    """The copies until the end of the block."""
    try:
        for copy in copies:
            await copy.start()
        yield
    finally:
        for copy in copies:
            await copy.end()
