"""
Work that a request leaves to the background: one chunk of one item at a time, and the items in turn.

A request may have any number of effects: many people wait for the places of a session, or one person has many
registrations. One transaction for all of them would take too long, also for others that need the same
documents. So the request does only what cannot wait, and marks the item. A `Backlog` does the rest. It always
reads from the database what is left. So after a crash another process goes on where the last chunk ended.

No item keeps the others waiting (docs/decisions/0042-items-of-background-work.md). Each chunk has a bound in
time. An item that fails rests, each time twice as long, and the others have their turns meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from shared.runtime.background import FAILING_MIN, Loop, backoff_seconds, each

ITEMS_MAX = 20
LOOK_SECONDS = 1.0
# A chunk that takes longer is broken off. Longer than a transaction with all its tries.
ITEM_SECONDS_MAX = 20.0
# After this time no further item of a turn begins. With the last one it is shorter than the time after which
# /health says that a turn takes too long.
TURN_SECONDS = 20.0
# An item that fails rests for this long at most.
REST_SECONDS_MAX = 60.0
# Items that rest at a time. Of more, those that failed first are tried again at once.
RESTING_MAX = 1_000
# After an outage the items wait no longer than this for the next turn.
RETRY_SECONDS_MAX = 5.0

Pending = Callable[[str, int], Awaitable[list[str]]]
"""Gets an id and a number: returns at most this number of ids of unfinished items after this id, in order."""


class NothingDone(Exception):
    """So many items fail, and none is done, that the cause is probably not one of them."""


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
        item_seconds_max: a chunk that takes longer is broken off, and has failed.

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
        item_seconds_max: float = ITEM_SECONDS_MAX,
    ) -> None:
        self._name = name
        self._pending = pending
        self._go_on = go_on
        self._items_max = items_max
        self._item_seconds_max = item_seconds_max
        self._after = ""
        # By the id of an item that has failed: how often in a row, and until when it rests.
        self._resting: dict[str, tuple[int, float]] = {}
        # The items that have failed since the last one that did not.
        self._failing: set[str] = set()
        self.loop = Loop(name, self.turn, retry_seconds_max=RETRY_SECONDS_MAX)

    async def turn(self) -> float:
        """
        Do a chunk of each of the next items. Returns the pause until the next turn, in seconds.

        Raises:
            NothingDone: `FAILING_MIN` items fail, and none is done.
            Unavailable: a server is away. The next turn begins after the item that noticed it.
        """
        some = await self._pending(self._after, self._items_max)
        is_first = not some or not self._after
        if not some and self._after:
            some = await self._pending("", self._items_max)
        if not some:
            self._failing.clear()
        done, are_left = await self._work(some)
        if not are_left:
            self._after = ""
        if len(self._failing) >= FAILING_MIN:
            raise NothingDone(f"{len(self._failing)} items fail, and none is done")
        # Others may wait behind items that rest. But once all have been looked at, there is a pause.
        return 0.0 if done or (are_left and not is_first) else LOOK_SECONDS

    async def _work(self, some: list[str]) -> tuple[int, bool]:
        """Returns: how many of these items went on, and whether others may be left behind them."""
        until = time.monotonic() + TURN_SECONDS
        done = 0
        for id_ in some:
            # Before the work: an item that fails must not be the first one again and again.
            self._after = id_
            failures, rests_until = self._resting.get(id_, (0, 0.0))
            if time.monotonic() < rests_until:
                continue
            if await each(self._name, [id_], self._bounded):
                self._rest(id_, failures + 1)
            else:
                done += 1
                self._resting.pop(id_, None)
                self._failing.clear()
            if time.monotonic() > until:
                return done, True
        return done, len(some) == self._items_max

    async def _bounded(self, id_: str) -> None:
        async with asyncio.timeout(self._item_seconds_max):
            await self._go_on(id_)

    def _rest(self, id_: str, failures: int) -> None:
        # At the end of the dictionary, so that the first one is the one that has rested longest.
        self._resting.pop(id_, None)
        pause_seconds = backoff_seconds(failures, LOOK_SECONDS, REST_SECONDS_MAX)
        self._resting[id_] = failures, time.monotonic() + pause_seconds
        if len(self._resting) > RESTING_MAX:
            del self._resting[next(iter(self._resting))]
        if len(self._failing) < FAILING_MIN:
            self._failing.add(id_)
