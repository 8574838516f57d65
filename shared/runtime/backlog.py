"""
What a request leaves to be done in the background: a chunk of one item at a time, and the items in turn.

How much follows from a request is for others to decide: how many wait for places, how many sessions somebody
is registered for. One transaction for all of it would be too long, for the request and for whoever needs the
same documents. So the request decides what must hold at once, and marks the item. A `Backlog` does the rest.
What is left is always read from the database. So after a crash another process goes on where the last chunk
ended.
"""

from collections.abc import Awaitable, Callable

from shared.runtime.background import Loop, each

ITEMS_MAX = 20
LOOK_SECONDS = 1.0

Pending = Callable[[str, int], Awaitable[list[str]]]
"""The ids of at most so many items with something left to do, in their order, beginning after this id."""


class NothingDone(Exception):
    """Every item of a turn failed."""


class Backlog:
    """
    One kind of work that requests leave behind.

    Args:
        name: the loop's name in /health and in metrics.
        go_on: does the next chunk of the item with this id, in transactions of bounded size. It may run at
            several processes at once, and for an item that is done already.
        items_max: items of one turn. The next turn begins after them, so that none waits for another to be
            done.
    """

    def __init__(
        self,
        name: str,
        pending: Pending,
        go_on: Callable[[str], Awaitable[object]],
        *,
        items_max: int = ITEMS_MAX,
    ) -> None:
        self._name = name
        self._pending = pending
        self._go_on = go_on
        self._items_max = items_max
        self._after = ""

    def loop(self) -> Loop:
        """The loop that does the work."""
        return Loop(self._name, self.turn)

    async def turn(self) -> float:
        """Do a chunk of each of the next items; returns how long to rest, in seconds."""
        some = await self._pending(self._after, self._items_max)
        if not some and self._after:
            some = await self._pending("", self._items_max)
        # Before the work: an item that fails must not be the first one again and again.
        self._after = some[-1] if len(some) == self._items_max else ""
        failed = await each(self._name, some, self._go_on)
        if some and failed == len(some):
            # The cause is probably no single item. Health has to show it.
            raise NothingDone(f"{failed} items of {failed} failed")
        return 0.0 if len(some) > failed else LOOK_SECONDS
