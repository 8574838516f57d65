"""An answer that takes long to make and is the same for everybody: made once for all concurrent callers."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from shared.web.paced import Paced

# After each making there is a rest of this number of times its duration. So making takes at most a tenth of
# the time.
RESTS = 9
# If more are asked for, the oldest is forgotten. Then its next making only begins sooner.
REMEMBERED_MAX = 500

K = TypeVar("K", bound=Hashable)
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


class EachMadeOnce(Generic[K, T]):
    """
    Makes the value of each key once for all callers who wait for it; one key at a time, with rests in
    between.

    Without it, anybody with a key of an organiser could keep the database busy, and it is everybody's.
    """

    def __init__(self, make: Callable[[K], Awaitable[T]]) -> None:
        self._make = make
        self._paced = Paced()
        self._once: OrderedDict[K, MadeOnce[T]] = OrderedDict()

    async def get(self, key: K) -> T:
        """What the next making of this key gives, or its error."""
        once = self._once.setdefault(key, MadeOnce(partial(self._made, key)))
        self._once.move_to_end(key)
        if len(self._once) > REMEMBERED_MAX:
            self._once.popitem(last=False)
        return await once.get()

    async def _made(self, key: K) -> T:
        async with self._paced.turn():
            return await self._make(key)
