"""An answer that takes long to make and is the same for everybody: made once for all concurrent callers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

# After each making there is a rest of this number of times its duration. So making takes at most a tenth of
# the time.
RESTS = 9

T = TypeVar("T")


class MadeOnce(Generic[T]):
    """
    Makes a value once for all callers who wait for it.

    It is not a cache: every caller gets a value that was made after the call. A caller who comes during a
    making or a rest waits for the next making, together with the others. So many requests cost hardly more
    than one, and rare callers do not wait.
    """

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        self._make = make
        self._making = asyncio.Lock()
        self._next: asyncio.Task[T] | None = None
        self._rests_until = 0.0

    async def get(self) -> T:
        """What the next making gives, or its error."""
        if self._next is None:
            self._next = asyncio.create_task(self._made())
        # A client that goes away takes nothing from the others.
        return await asyncio.shield(self._next)

    async def _made(self) -> T:
        async with self._making:
            await asyncio.sleep(self._rests_until - time.monotonic())
            # A caller that asks from now on gets the next result, not this one.
            self._next = None
            began = time.monotonic()
            try:
                return await self._make()
            finally:
                ended = time.monotonic()
                self._rests_until = ended + RESTS * (ended - began)
