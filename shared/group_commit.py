"""
Group commit: many callers, one write.

While one write is on its way the next group gathers, so the group's size follows the
load by itself: an idle system writes at once, a busy one in large groups
(docs/decisions/0002-log-first-intake.md).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared import metrics
from shared.errors import Overloaded

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

ITEMS_MAX = 800
WAITING_MAX = 8_000


class GroupCommit(Generic[Item, Outcome]):
    """
    Gathers items and writes them as groups through `write`, which answers each item in order.

    Args:
        name: the metrics' label.
        write: writes a group and returns one outcome an item, in order. What it raises
            is raised to every caller of the group.
        items_max: the largest group.
        waiting_max: items accepted and not yet written; beyond it callers are refused.
        window_seconds: how long the first item of a group waits for company at least.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome]]],
        *,
        items_max: int = ITEMS_MAX,
        waiting_max: int = WAITING_MAX,
        window_seconds: float = 0.0,
    ) -> None:
        self._name = name
        self._write = write
        self._items_max = items_max
        self._waiting_max = waiting_max
        self._window_seconds = window_seconds
        self._waiting = 0
        self._groups: list[tuple[list[Item], asyncio.Future[Sequence[Outcome]]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._grouped = metrics.GROUPED.labels(name)
        metrics.IN_FLIGHT.labels(name).set_function(lambda: self._waiting)

    async def add(self, item: Item) -> Outcome:
        """
        Have an item written; returns its outcome once its group is.

        Raises:
            Overloaded: too many items wait already; nothing was accepted.
        """
        if self._waiting >= self._waiting_max:
            metrics.OVERLOADED.labels(self._name).inc()
            raise Overloaded(f"{self._name}: {self._waiting} wait already; try again in a few seconds")
        if not self._groups or len(self._groups[-1][0]) >= self._items_max:
            self._groups.append(([], asyncio.get_running_loop().create_future()))
        items, written = self._groups[-1]
        place = len(items)
        items.append(item)
        self._waiting += 1
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_groups())
        # Shielded: a caller who gives up must not cancel the others of the group.
        return (await asyncio.shield(written))[place]

    async def drain(self) -> None:
        """Wait until everything accepted is written."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    async def _write_groups(self) -> None:
        try:
            while self._groups:
                if self._window_seconds and len(self._groups[0][0]) < self._items_max:
                    await asyncio.sleep(self._window_seconds)
                items, written = self._groups.pop(0)
                try:
                    outcomes = await self._write(items)
                    if len(outcomes) != len(items):
                        raise ValueError(f"{self._name}: {len(outcomes)} outcomes of {len(items)} items")
                except Exception as error:  # noqa: BLE001 (told to every caller of the group)
                    written.set_exception(error)
                    # Callers may all have gone: the error then has nobody to be told to.
                    written.exception()
                else:
                    written.set_result(outcomes)
                finally:
                    self._waiting -= len(items)
                    self._grouped.observe(len(items))
        finally:
            self._writing = None
