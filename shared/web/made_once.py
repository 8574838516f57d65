"""What takes long to make and is the same for all who ask: made once for those who ask at the same time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

# After each making there is a rest, so many times as long: making takes at most a tenth of the time.
RESTS = 9

T = TypeVar("T")


class MadeOnce(Generic[T]):
    """
    Makes something for all who wait for it.

    It is no cache: each gets what was made after they had asked. Who asks during a making or a rest waits for
    the next making, together with all others. So many requests cost hardly more than one, and who asks now
    and then does not wait.
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
            # Whoever asks from here on gets what is made after this.
            self._next = None
            began = time.monotonic()
            try:
                return await self._make()
            finally:
                ended = time.monotonic()
                self._rests_until = ended + RESTS * (ended - began)
