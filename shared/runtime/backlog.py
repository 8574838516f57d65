"""
Work that a request leaves to the background: one chunk of one item at a time, and the items in turn.

A request may have any number of effects: many people wait for the places of a session, or one person has many
registrations. One transaction for all of them would take too long, also for others that need the same
documents. So the request does only what cannot wait, and marks the item. A `Backlog` does the rest. It always
reads from the database what is left. So after a crash another process goes on where the last chunk ended.
"""

from collections.abc import Awaitable, Callable

from shared.runtime.background import Loop, each

ITEMS_MAX = 20
LOOK_SECONDS = 1.0

Pending = Callable[[str, int], Awaitable[list[str]]]
"""Gets an id and a number: returns at most this number of ids of unfinished items after this id, in order."""


class NothingDone(Exception):
    """Every item of a turn failed."""


class Backlog:
    """
    One kind of work that requests leave behind.

    Args:
        name: the loop's name in /health and in metrics.
        pending: finds the unfinished items.
        go_on: does the next chunk of the item with this id, in transactions of bounded size. Several
            processes may call it at the same time, also for an item that is already done.
        items_max: items of one turn. The next turn begins after them, so a long item does not keep the
            others waiting.

    Attributes:
        loop: does the work.
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
        self.loop = Loop(name, self.turn)

    async def turn(self) -> float:
        """Do a chunk of each of the next items. Returns the pause until the next turn, in seconds."""
        some = await self._pending(self._after, self._items_max)
        if not some and self._after:
            some = await self._pending("", self._items_max)
        # Before the work: an item that fails must not be the first one again and again.
        self._after = some[-1] if len(some) == self._items_max else ""
        failed = await each(self._name, some, self._go_on)
        if some and failed == len(some):
            # The cause is probably not one item. /health has to show it.
            raise NothingDone(f"{failed} items of {failed} failed")
        return 0.0 if len(some) > failed else LOOK_SECONDS
