"""
Group commit: many callers, one write.

While one write is in progress, the next group gathers. So the size of a group follows the load: an idle
system writes each item immediately, a busy one writes large groups (docs/decisions/0002-log-first-intake.md).
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.runtime import metrics
from shared.runtime.errors import Overloaded, Unavailable

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

ITEMS_MAX = 800
WAITING_MAX = 8_000
# A smaller group comes from an idle system, where waiting for more items is useless.
BUSY_ITEMS = 4


class Group(Generic[Item, Outcome]):
    """Items that are written together, and the callers who wait for them."""

    __slots__ = ("callers", "items", "loop", "timeout")

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.callers: list[asyncio.Future[Outcome]] = []
        self.timeout: asyncio.TimerHandle | None = None
        # Asked once for a group: Python 3.11 makes a system call for each answer.
        self.loop = asyncio.get_running_loop()

    def answer(self, outcomes: Sequence[Outcome]) -> None:
        for caller, outcome in zip(self.callers, outcomes, strict=True):
            # The future of a cancelled caller is done already.
            if not caller.done():
                caller.set_result(outcome)

    def fail(self, error: Exception) -> None:
        for caller in self.callers:
            if not caller.done():
                caller.set_exception(error)


class GroupCommit(Generic[Item, Outcome]):
    """
    Gathers items and writes them in groups.

    Args:
        name: the label of the metrics.
        write: writes a group and returns one outcome for each item, in order. An error that it raises is
            raised to every caller of the group.
        items_max: the largest group.
        waiting_max: items that are accepted and not yet written. Above this number, callers are refused.
        window_seconds: how long a group waits for more items, if the group before it had several.
        full_group_items: a group of this size does not wait; the default is `items_max`.
        seconds_max: after this time the callers of a group get Unavailable, but the group may still be
            written. None: they wait for the write.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome]]],
        *,
        items_max: int = ITEMS_MAX,
        waiting_max: int = WAITING_MAX,
        window_seconds: float = 0.0,
        full_group_items: int | None = None,
        seconds_max: float | None = None,
    ) -> None:
        self._name = name
        self._write = write
        self._items_max = items_max
        self._waiting_max = waiting_max
        self._window_seconds = window_seconds
        self._full_group_items = full_group_items or items_max
        self._seconds_max = seconds_max
        self._waiting = 0
        self._busy = False
        self._groups: deque[Group[Item, Outcome]] = deque()
        self._group_full = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._grouped = metrics.GROUPED.labels(name)
        # The counter starts at 0. So Prometheus sees the first refusal as an increase.
        self._refused = metrics.OVERLOADED.labels(name)
        metrics.IN_FLIGHT.labels(name).set_function(lambda: self._waiting)

    def add(self, item: Item) -> asyncio.Future[Outcome]:
        """
        Write an item. The future is done when its group is written. If `seconds_max` is over before, the
        future raises Unavailable; the item may still be written.

        Raises:
            Overloaded: too many items wait already. The item was not accepted.
        """
        # As in `is_full`, without its call.
        if self._waiting >= self._waiting_max:
            self.check_not_full()
        if not self._groups or len(self._groups[-1].items) >= self._items_max:
            self._groups.append(self._new_group())
        group = self._groups[-1]
        caller: asyncio.Future[Outcome] = group.loop.create_future()
        group.items.append(item)
        group.callers.append(caller)
        self._waiting += 1
        if len(group.items) >= self._full_group_items:
            self._group_full.set()
        if self._writing is None:
            self._begin_writing()
        return caller

    @property
    def waiting(self) -> int:
        """Items accepted and not yet written."""
        return self._waiting

    @property
    def is_full(self) -> bool:
        """True if too many items wait already."""
        return self._waiting >= self._waiting_max

    def check_not_full(self) -> None:
        """
        Check for room first, so that no work is done for an item that would be refused.

        Raises:
            Overloaded: too many items wait already.
        """
        if self.is_full:
            self._refused.inc()
            raise Overloaded(f"{self._name}: {self._waiting} wait already; try again in a few seconds")

    def _new_group(self) -> Group[Item, Outcome]:
        group: Group[Item, Outcome] = Group()
        if self._seconds_max is not None:
            # One timer for the group. A timer for each caller would cost as much as everything else here.
            group.timeout = group.loop.call_later(self._seconds_max, group.fail, self._late())
        return group

    def _late(self) -> Unavailable:
        return Unavailable(f"{self._name}: no answer within {self._seconds_max:.0f} s; send it again")

    def _begin_writing(self) -> None:
        # In its own context: log lines of the group must not show the id of its first request.
        self._writing = asyncio.create_task(self._write_groups(), context=contextvars.Context())

    def _next_group(self) -> Group[Item, Outcome] | None:
        """The group that is written next, out of the queue; None: nobody waits."""
        return self._groups.popleft() if self._groups else None

    async def _write_groups(self) -> None:
        try:
            while True:
                if self._window_seconds and self._busy and self._groups:
                    await self._wait_until_full()
                group = self._next_group()
                if group is None:
                    break
                self._busy = len(group.items) >= BUSY_ITEMS
                try:
                    outcomes = await self._write(group.items)
                    if len(outcomes) != len(group.items):
                        raise ValueError(
                            f"{self._name}: {len(outcomes)} outcomes of {len(group.items)} items"
                        )
                    group.answer(outcomes)
                except asyncio.CancelledError:
                    self._break_off(group)
                    raise
                except Exception as error:  # noqa: BLE001 (raised to every caller of the group)
                    group.fail(error)
                finally:
                    self._waiting -= len(group.items)
                    self._grouped.observe(len(group.items))
                    if group.timeout is not None:
                        group.timeout.cancel()
        finally:
            self._writing = None
            while (group := self._next_group()) is not None:
                # Only after this task was cancelled: no caller may wait for ever.
                self._break_off(group)
                self._waiting -= len(group.items)
                if group.timeout is not None:
                    group.timeout.cancel()

    def _break_off(self, group: Group[Item, Outcome]) -> None:
        group.fail(Unavailable(f"{self._name}: broken off; send it again"))

    async def _wait_until_full(self) -> None:
        self._group_full.clear()
        if len(self._groups[0].items) < self._full_group_items:
            timer = asyncio.get_running_loop().call_later(self._window_seconds, self._group_full.set)
            await self._group_full.wait()
            timer.cancel()
