"""An answer that takes long to make and is the same for everybody: made once for all concurrent callers."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from shared.web.paced import Askers, Paced

# After each making there is a rest of this number of times its duration. So making takes at most a tenth of
# the time.
RESTS = 9
# The shortest of so many makings says how long a making takes (`Rest`).
DURATIONS_MAX = 8
# If more are asked for, the oldest is forgotten. Then its next making only begins sooner.
REMEMBERED_MAX = 500

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Rest:
    """
    How long to rest after a making: `RESTS` times as long as a making takes.

    If the process is busy with other requests, a making lasts longer, though it costs no more. Then its rest
    must not be longer too: whoever floods the process would keep those who wait here waiting ten times as
    long. So the shortest of the last makings counts.
    """

    def __init__(self) -> None:
        self._durations: deque[float] = deque(maxlen=DURATIONS_MAX)

    def after(self, making_seconds: float) -> float:
        """The seconds to rest after a making that lasted so long."""
        self._durations.append(making_seconds)
        return RESTS * min(self._durations)


class MadeOnce(Generic[T]):
    """
    Makes a value once for all callers who wait for it.

    It is not a cache: every caller gets a value that was made after the call. A caller who comes during a
    making or a rest waits for the next making, together with the others. So many requests cost hardly more
    than one, and rare callers do not wait.

    Args:
        paced: several that share it make one at a time, each in a turn of any of its callers.
    """

    def __init__(self, make: Callable[[], Awaitable[T]], paced: Paced | None = None) -> None:
        self._make = make
        self._paced = paced or Paced()
        self._making = asyncio.Lock()
        self._next: tuple[Askers, asyncio.Task[T]] | None = None
        self._rest = Rest()
        self._rests_until = 0.0

    async def get(self, who: str = "", of: str = "") -> T:
        """
        What the next making gives, or its error.

        Args:
            who: asks. It matters where `paced` is shared, and so does `of` (`Askers.add`).

        Raises:
            Overloaded: too much of what they ask for is under way already.
        """
        if self._next is None:
            askers = self._paced.askers()
            askers.add(who, of)
            self._next = askers, asyncio.create_task(self._made(askers))
        askers, making = self._next
        askers.add(who, of)
        # A client that goes away takes nothing from the others.
        return await asyncio.shield(making)

    async def _made(self, askers: Askers) -> T:
        try:
            async with self._making:
                await asyncio.sleep(self._rests_until - time.monotonic())
                async with self._paced.turn_of(askers):
                    # A caller that asks from now on gets the next result, not this one.
                    self._next = None
                    began = time.monotonic()
                    try:
                        return await self._make()
                    finally:
                        ended = time.monotonic()
                        self._rests_until = ended + self._rest.after(ended - began)
        finally:
            askers.end()


class EachMadeOnce(Generic[K, T]):
    """
    Makes the value of each key once for all callers who wait for it; one key at a time, with rests in
    between, and what each caller asks for in turn.

    Without it, anybody with a key of an organiser could keep the database busy, and it is everybody's.
    """

    def __init__(self, make: Callable[[K], Awaitable[T]]) -> None:
        self._make = make
        self._paced = Paced()
        self._once: OrderedDict[K, MadeOnce[T]] = OrderedDict()

    async def get(self, key: K, who: str, of: str = "") -> T:
        """
        What the next making of this key gives, or its error.

        Args:
            who: asks: the name of an organiser's key.
            of: what the value is a part of (`Askers.add`).

        Raises:
            Overloaded: too much of what they ask for is under way already.
        """
        once = self._once.setdefault(key, MadeOnce(partial(self._make, key), self._paced))
        self._once.move_to_end(key)
        if len(self._once) > REMEMBERED_MAX:
            self._once.popitem(last=False)
        return await once.get(who, of)
