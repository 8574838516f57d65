"""
Turns: requests of the framework use the event loop for a few milliseconds at a time, behind other work.

A request of the framework computes for milliseconds, and anybody can send thousands of them together. Hot
requests and consumers are answered by the same event loop. So a round has time for some steps of the
framework only; a step is what a request computes between two waits. The other steps wait for the next round,
and before that the loop is free for its other work. A request that waits for the database, for a lock or
for its client takes no time from others, so it needs no turn.

Beside that, few requests are at work at the same time, because their queries share the threads of the
database's driver with those of all others. Whoever waits long for something else gives its place to the next.
"""

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Coroutine, Generator
from itertools import count
from typing import Any

# Of each round. The step that reaches it is finished.
ROUND_SECONDS = 0.01
# Between a round that was used up and the next one. While hot requests are under way, it is as long as the
# round was: each of their queries needs a few turns of the loop.
REST_SECONDS = 0.002
REST_SECONDS_MAX = 0.05
# More than a round has time for would only be woken in vain.
WOKEN_MAX = 32
AT_WORK_MAX = 8
# A request that has waited for so long is not at work: a lock, a slow query or its client keeps it.
PLACE_SECONDS_MAX = 0.1

# Who goes first: hot requests in an odd spelling, monitoring and organisers. Then all others.
FIRST, OTHERS = range(2)


class Turn:
    """
    One request among the others.

    Attributes:
        waits_since: since when it has waited for something else than its turn; None while it has not.
    """

    __slots__ = ("_turns", "rank", "waits_since")

    def __init__(self, turns: "Turns", rank: int) -> None:
        self._turns = turns
        self.rank = rank
        self.waits_since: float | None = None

    async def begin_work(self) -> None:
        """Wait until few others are at work. Who goes first does not wait."""
        if self.rank != FIRST:
            await self._turns.wait_for_place(self)

    def end_work(self) -> None:
        """Let the next one begin. Called again, it does nothing."""
        self._turns.leave_place(self)


class Turns:
    """
    The turns of all requests of a process that are not hot.

    Attributes:
        hot_under_way: the hot requests that are being answered. Their code counts them.
    """

    def __init__(self, *, round_seconds: float = ROUND_SECONDS, at_work_max: int = AT_WORK_MAX) -> None:
        self.hot_under_way = 0
        self._round_seconds = round_seconds
        self._at_work_max = at_work_max
        self._left_seconds = round_seconds
        self._round_called = False
        # Those whose next step waits for a round: rank, and the order in which they came.
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._at_work: dict[Turn, None] = {}
        self._wait_for_place: deque[tuple[Turn, asyncio.Future[None]]] = deque()
        self._lends = False

    async def by_turns(self, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        """Do this work, each step in its turn."""
        try:
            await _Steps(self, turn, work)
        finally:
            self.leave_place(turn)

    # Steps.

    def wait(self, rank: int) -> Generator[Any, None, None]:
        """Wait until there is time for one more step."""
        if self._left_seconds > 0 and not (self._waiting and self._waiting[0][0] <= rank):
            return
        loop, number = asyncio.get_running_loop(), next(self._numbers)
        while True:
            called = loop.create_future()
            heapq.heappush(self._waiting, (rank, number, called))
            self._call_round()
            yield from called
            if self._left_seconds > 0:
                return

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
        while self._waiting and woken < WOKEN_MAX:
            *_, called = heapq.heappop(self._waiting)
            # It may have been cancelled.
            if not called.done():
                called.set_result(None)
                woken += 1
        if self._waiting:
            self._call_round()

    # Places.

    async def wait_for_place(self, turn: Turn) -> None:
        """Wait until few others are at work."""
        if len(self._at_work) < self._at_work_max and not self._wait_for_place:
            self._at_work[turn] = None
            return
        called = asyncio.get_running_loop().create_future()
        self._wait_for_place.append((turn, called))
        self._lend_later()
        try:
            await called
        except asyncio.CancelledError:
            self.leave_place(turn)
            raise

    def leave_place(self, turn: Turn) -> None:
        """This request is not at work; the next one begins."""
        if turn in self._at_work:
            del self._at_work[turn]
            self._fill_places()

    def _fill_places(self) -> None:
        while self._wait_for_place and len(self._at_work) < self._at_work_max:
            turn, called = self._wait_for_place.popleft()
            if not called.done():
                self._at_work[turn] = None
                # It has waited for its place until now, and for nothing else.
                turn.waits_since = None
                called.set_result(None)

    def _lend_later(self) -> None:
        if not self._lends:
            self._lends = True
            asyncio.get_running_loop().call_later(PLACE_SECONDS_MAX, self._lend)

    def _lend(self) -> None:
        """Those who wait for something else give their places to others."""
        self._lends = False
        waiting_since = time.perf_counter() - PLACE_SECONDS_MAX
        for turn in list(self._at_work):
            if turn.waits_since is not None and turn.waits_since < waiting_since:
                del self._at_work[turn]
        self._fill_places()
        if self._wait_for_place:
            self._lend_later()


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
                        yield from turns.wait(turn.rank)
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
