"""
The start of a process: it listens at once, and its parts come when the servers answer.

While MongoDB is away, the start is tried again with back-off. The log says so once, and then once a minute.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import NamedTuple

from fastapi import FastAPI

from shared.runtime.background import backoff_seconds
from shared.runtime.errors import Unavailable
from shared.runtime.life import STARTING, Life
from shared.web.health import CHECK_SECONDS_MAX, OK, Check, asked

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.2
RETRY_SECONDS_MAX = 2.0
SAID_SECONDS = 60.0
# For the parts at the end. A server that is away would take longer.
CLOSE_SECONDS_MAX = 10.0


class Parts(NamedTuple):
    """
    What a service is made of, once it is there.

    Attributes:
        checks: those of /health.
        first: what must have been there once before the process is ready, by name.
    """

    checks: dict[str, Check]
    first: Mapping[str, Check] = {}


Open = Callable[[FastAPI, AsyncExitStack], Awaitable[Parts]]
"""
Opens on the stack what the service needs. Raises Unavailable if a server is away: then it is called again,
with a new stack.
"""


class Start:
    """The start of one app, and its end."""

    def __init__(self, app: FastAPI, open_: Open, life: Life) -> None:
        self._app = app
        self._open = open_
        self._life = life
        self._ended = asyncio.Event()
        self._said_at = -SAID_SECONDS

    async def run(self) -> None:
        """Open the parts, as often as it needs, and hold them until `end`."""
        try:
            await self._run()
        except Exception as error:
            if self._life.serves:
                raise
            # Another try would fail in the same way. So the process ends, and its supervisor waits longer and
            # longer before it starts the process again.
            log.exception("service cannot start")
            self._life.failure = error

    async def _run(self) -> None:
        failures = 0
        while True:
            # The same task opens and closes the parts: some of them insist.
            async with AsyncExitStack() as stack:
                try:
                    parts = await self._open(self._app, stack)
                except Unavailable as error:
                    failures += 1
                    self._wait_for(error.message)
                else:
                    await self._hold(parts)
                    return
            await asyncio.sleep(backoff_seconds(failures, RETRY_SECONDS, RETRY_SECONDS_MAX))

    async def _hold(self, parts: Parts) -> None:
        self._app.state.checks = parts.checks
        self._life.serves = True
        becoming_ready = asyncio.create_task(self._become_ready(parts.first))
        try:
            await self._ended.wait()
        finally:
            becoming_ready.cancel()
            with suppress(asyncio.CancelledError):
                await becoming_ready

    async def _become_ready(self, first: Mapping[str, Check]) -> None:
        failures = 0
        for name, check in first.items():
            while (problem := await asked(check, CHECK_SECONDS_MAX)) != OK:
                failures += 1
                self._wait_for(f"{name}: {problem}")
                await asyncio.sleep(backoff_seconds(failures, RETRY_SECONDS, RETRY_SECONDS_MAX))
        self._life.waits_for = None
        settings = self._app.state.settings
        log.info("service ready", extra={"role": settings.role, "port": settings.port})

    def _wait_for(self, why: str) -> None:
        self._life.waits_for = why
        if time.monotonic() - self._said_at >= SAID_SECONDS:
            self._said_at = time.monotonic()
            log.warning("service waits; it goes on by itself", extra={"reason": why})

    async def check(self) -> str | None:
        """The check of /health until the parts are there."""
        return self._life.waits_for or STARTING

    def end(self) -> None:
        """Close the parts, if they are there."""
        self._ended.set()


@asynccontextmanager
async def starting(app: FastAPI, open_: Open, life: Life) -> AsyncIterator[None]:
    """Start an app in the background, and end it at the end of the block."""
    start = Start(app, open_, life)
    app.state.checks = {"start": start.check}
    running = asyncio.create_task(start.run(), name="start")
    try:
        yield
    finally:
        log.info("service stopping")
        start.end()
        if not life.serves:
            running.cancel()
        await asyncio.wait([running], timeout=CLOSE_SECONDS_MAX)
        if not running.done():
            # Nothing is lost: what is not acknowledged is done again, and leases run out.
            log.warning("service ends before all of its parts are closed")
            running.cancel()
        elif not running.cancelled():
            running.result()
