"""Heavy work that few may ask for: one at a time in a process, and a rest after each."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

# After a turn there is a rest of this number of times its duration: such work has half of the time at most.
RESTS = 1

T = TypeVar("T")


class Paced:
    """
    Lets one in at a time, in the order in which they came, with a rest in between.

    The keys of organisers go before everybody, so the places of the framework do not bound what they ask for.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._rests_until = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until nobody else has a turn, and for the rest after the last one."""
        async with self._lock:
            await asyncio.sleep(self._rests_until - time.monotonic())
            began = time.monotonic()
            try:
                yield
            finally:
                ended = time.monotonic()
                self._rests_until = ended + RESTS * (ended - began)

    async def pieces(self, pieces: AsyncIterator[T]) -> AsyncIterator[T]:
        """
        The same pieces, each made in a turn of its own.

        A client that reads slowly keeps nobody waiting.
        """
        while True:
            async with self.turn():
                try:
                    piece = await anext(pieces)
                except StopAsyncIteration:
                    return
            yield piece
