"""
Turns: requests of the framework use the event loop for a few milliseconds at a time, behind other work.

A request of the framework computes for milliseconds, and anybody can send thousands of them together. Hot
requests and consumers are answered by the same event loop. So a round has time for some steps of the
framework only; a step is what a request computes between two waits. The other steps wait for the next round,
and before that the loop is free for its other work. They wait in a fair queue: the one request of a sender
does not wait behind the thousands of another. A request that waits for the database, for a lock or for its
client takes no time from others, so it needs no turn.

Beside that, few requests are at work at the same time (`places.py`), because their queries share the threads
of the database's driver with those of all others.
"""

import asyncio
import heapq
import time
from collections.abc import Coroutine, Generator
from itertools import count
from typing import Any

from shared.runtime.fair_queue import FairQueue, Sender
from shared.web.edge.places import AT_WORK_MAX, Places, Turn

# Of each round. The step that reaches it is finished.
ROUND_SECONDS = 0.01
# Between a round that was used up and the next one. While hot requests are under way, it is as long as the
# round was: each of their queries needs a few turns of the loop.
REST_SECONDS = 0.002
REST_SECONDS_MAX = 0.05
# Those that are called up go before all that come later. More than a round has time for would only be woken
# in vain.
WOKEN_MAX = 16

# Who goes first: hot requests in an odd spelling, monitoring and organisers. Then all others.
FIRST, OTHERS = range(2)


class Turns:
    """
    The turns of all requests of a process that are not hot.

    Args:
        under_way_max: requests that have been let in and are not answered yet; and as many of those that go
            first.
    Attributes:
        hot_under_way: the hot requests that are being answered. Their code counts them.
    """

    def __init__(
        self,
        *,
        under_way_max: int = 4_000,
        round_seconds: float = ROUND_SECONDS,
        at_work_max: int = AT_WORK_MAX,
    ) -> None:
        self.hot_under_way = 0
        self._places = [Places(under_way_max=under_way_max, at_work_max=at_work_max) for _ in (FIRST, OTHERS)]
        self._round_seconds = round_seconds
        self._left_seconds = round_seconds
        self._round_called = False
        # Those that were called up and found no time: rank, and the order in which they were called up.
        self._called_up: list[tuple[int, int, asyncio.Future[int]]] = []
        # Those that are not called up yet, by rank. Anybody can send some of what goes first.
        self._queues: list[FairQueue[asyncio.Future[int]]] = [FairQueue() for _ in (FIRST, OTHERS)]
        self._others_begin = True
        self._numbers = count()

    def turn(self, rank: int, sender: Sender) -> Turn:
        """The turn of a new request."""
        return Turn(rank, sender, self._places[rank])

    async def by_turns(self, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        """Do this work, each step in its turn."""
        try:
            await _Steps(self, turn, work)
        finally:
            turn.end_work()

    # Steps.

    def wait(self, turn: Turn) -> Generator[Any, None, None]:
        """Wait until there is time for one more step."""
        if self._left_seconds > 0 and not self._others_wait(turn.rank):
            return
        called: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._queues[turn.rank].add(turn.sender, called)
        while True:
            self._call_round()
            number = yield from called
            if self._left_seconds > 0:
                return
            called = asyncio.get_running_loop().create_future()
            heapq.heappush(self._called_up, (turn.rank, number, called))

    def _others_wait(self, rank: int) -> bool:
        """Whether somebody waits who goes before one of this rank that comes now."""
        if self._called_up and self._called_up[0][0] <= rank:
            return True
        return any(self._queues[: rank + 1])

    def spend(self, seconds: float) -> None:
        """Note how long a step took."""
        self._left_seconds -= seconds
        self._call_round()

    def _call_round(self) -> None:
        if not self._round_called:
            self._round_called = True
            # It runs after everything that is ready now.
            asyncio.get_running_loop().call_soon(self._end_round)

    def _end_round(self) -> None:
        if self._left_seconds > 0:
            self._begin_round()
        else:
            used = self._round_seconds - self._left_seconds if self.hot_under_way else 0.0
            rest_seconds = min(max(used, REST_SECONDS), REST_SECONDS_MAX)
            asyncio.get_running_loop().call_later(rest_seconds, self._begin_round)

    def _begin_round(self) -> None:
        self._round_called = False
        self._left_seconds = self._round_seconds
        woken = 0
        # Who goes first may have thousands of steps too. So every second round begins with one of the others.
        others_begin = self._others_begin and bool(self._queues[OTHERS])
        self._others_begin = not others_begin
        while self._somebody_waits and woken < WOKEN_MAX:
            number, called = self._call_up(OTHERS) if others_begin else self._next()
            others_begin = False
            # It may have been cancelled.
            if not called.done():
                called.set_result(number)
                woken += 1
        if self._somebody_waits:
            self._call_round()

    @property
    def _somebody_waits(self) -> bool:
        return bool(self._called_up) or any(self._queues)

    def _next(self) -> tuple[int, asyncio.Future[int]]:
        """Who goes first, and before others of the same rank whoever was called up before."""
        first = self._queues[FIRST]
        if self._called_up and (self._called_up[0][0] == FIRST or not first):
            _, number, called = heapq.heappop(self._called_up)
            return number, called
        return self._call_up(FIRST if first else OTHERS)

    def _call_up(self, rank: int) -> tuple[int, asyncio.Future[int]]:
        return next(self._numbers), self._queues[rank].take()


class _Steps:
    """Awaits a coroutine for its task, and lets each step of it wait for its turn."""

    __slots__ = ("_turn", "_turns", "_work")

    def __init__(self, turns: Turns, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        self._turns = turns
        self._turn = turn
        self._work = work

    def __await__(self) -> Generator[Any, Any, None]:
        turns, turn, work, now = self._turns, self._turn, self._work, time.perf_counter
        raised: BaseException | None = None
        try:
            while True:
                if raised is None:
                    try:
                        yield from turns.wait(turn)
                    except BaseException as error:  # noqa: BLE001 (the task is cancelled: the work ends itself)
                        raised = error
                began = now()
                try:
                    awaited = work.send(None) if raised is None else work.throw(raised)
                except StopIteration:
                    return
                finally:
                    ended = now()
                    turns.spend(ended - began)
                raised = None
                turn.waits_since = ended
                try:
                    yield awaited
                except BaseException as error:  # noqa: BLE001 (as above)
                    raised = error
                turn.waits_since = None
        finally:
            work.close()
