"""
Boards that somebody listens to: each is read at most once in `TICK_SECONDS`, whoever and how many listen.

A board that nobody listens to costs nothing. While a server is away, listeners keep their streams, and get
what is new afterwards.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from contextvars import Context
from typing import Protocol

from shared.runtime import metrics
from shared.runtime.background import Loop
from shared.runtime.errors import Overloaded, Unavailable
from shared.web.live.frames import Frame
from shared.web.live.listeners import Listener

LOOP = "live"
TICK_SECONDS = 1.0
# More often than proxies and phones end a connection that says nothing.
BEAT_SECONDS = 15.0
READ_SECONDS_MAX = 5.0
# Each costs some queries a tick.
BOARDS_MAX = 50

_refused = metrics.OVERLOADED.labels(LOOP)


class Shown(Protocol):
    """What a board shows at a moment. Two that are equal show the same to everybody."""

    def frame(self, view: Hashable, before: Hashable) -> Frame:
        """
        What a listener with this view gets. It should compute the same only once.

        Args:
            before: the mark of the frame that the listener got last; None if this is the first.
        """


Read = Callable[[], Awaitable[Shown]]
"""Reads a board; raises Unavailable while a server is away."""


class Live:
    """A board while somebody listens."""

    def __init__(self, read: Read, *, reading: asyncio.Semaphore, tick_seconds: float, beat_seconds: float):
        self._read = read
        self._reading = reading
        self._tick_seconds = tick_seconds
        self._beat_seconds = beat_seconds
        # Set after a reading, whatever came of it.
        self._looked = asyncio.Event()
        self._quiet_since = time.monotonic()
        self._shown: Shown | None = None
        self.listeners: set[Listener] = set()
        self.beats = 0
        self.loop = Loop(LOOP, self._turn, retry_seconds=tick_seconds, retry_seconds_max=tick_seconds)

    async def shown(self) -> Shown:
        """
        What the board shows, as of the last reading.

        Raises:
            Unavailable: it has never been read, and cannot be read now.
        """
        if self._shown is None:
            await self._looked.wait()
        if self._shown is None:
            raise Unavailable("the board cannot be read now")
        return self._shown

    async def _turn(self) -> float:
        began = time.monotonic()
        before = self._shown
        self._looked.clear()
        try:
            await self._look()
        except Unavailable:
            # Listeners stay.
            pass
        finally:
            self._looked.set()
            now = time.monotonic()
            if self._shown is not before:
                self._quiet_since = now
                self._wake()
            elif now - self._quiet_since >= self._beat_seconds:
                self._quiet_since = now
                self.beats += 1
                self._wake()
        return max(0.0, began + self._tick_seconds - now)

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS_MAX), self._reading:
                shown = await self._read()
        except TimeoutError:
            raise Unavailable("the board could not be read in time") from None
        if shown != self._shown:
            self._shown = shown

    def _wake(self) -> None:
        for listener in self.listeners:
            listener.wake()


class Boards:
    """All boards of a process that somebody listens to."""

    def __init__(
        self,
        *,
        tick_seconds: float = TICK_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
        boards_max: int = BOARDS_MAX,
    ) -> None:
        self._tick_seconds = tick_seconds
        self._beat_seconds = beat_seconds
        self._boards_max = boards_max
        self._live: dict[Hashable, Live] = {}
        # One at a time: a hundred boards must not take all connections to the database together.
        self._reading = asyncio.Semaphore(1)

    def __len__(self) -> int:
        return len(self._live)

    def join(self, key: Hashable, read: Read, listener: Listener) -> Live:
        """
        Listen to the board of this key.

        Raises:
            Overloaded: too many boards have listeners.
        """
        live = self._live.get(key)
        if live is None:
            if len(self._live) >= self._boards_max:
                _refused.inc()
                raise Overloaded("too many live boards are open; read the page, and try again in a minute")
            live = self._live[key] = Live(
                read,
                reading=self._reading,
                tick_seconds=self._tick_seconds,
                beat_seconds=self._beat_seconds,
            )
            # Not in the context of this request: its correlation id is not that of the others.
            Context().run(live.loop.begin)
        live.listeners.add(listener)
        return live

    async def leave(self, key: Hashable, listener: Listener) -> None:
        """This one listens no longer. Of the last one the board ends."""
        live = self._live[key]
        live.listeners.discard(listener)
        if not live.listeners:
            del self._live[key]
            await live.loop.end()
