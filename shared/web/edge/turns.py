"""
Turns: requests of the framework use the event loop for a few milliseconds at a time, behind other work.

A request of the framework computes for milliseconds, and anybody can send thousands of them together. Hot
requests and consumers are answered by the same event loop. So a round has time for some steps of the
framework only; a step is what a request computes between two waits. The other steps wait for the next round,
and before that the loop is free for its other work. They wait in a fair queue: the one request of a sender
does not wait behind the thousands of another. A request that waits for the database, for a lock or for its
client takes no time from others, so it needs no turn.

Beside that, few requests are at work at the same time, because their queries share the threads of the
database's driver with those of all others. Whoever waits long for something else gives its place to the next.
For the places there is a fair queue too. It holds a bounded number of requests. If it is full, the last
request of the sender who has most there is refused, and not the one that comes.
"""

import asyncio
import heapq
import time
from collections.abc import Coroutine, Generator
from itertools import count
from typing import Any

from shared.web.edge.fair_queue import FairQueue
from shared.web.problems import no_room
from shared.web.senders import Sender

# Of each round. The step that reaches it is finished.
ROUND_SECONDS = 0.01
# Between a round that was used up and the next one. While hot requests are under way, it is as long as the
# round was: each of their queries needs a few turns of the loop.
REST_SECONDS = 0.002
REST_SECONDS_MAX = 0.05
# Those that are called up go before all that come later. More than a round has time for would only be woken
# in vain.
WOKEN_MAX = 16
AT_WORK_MAX = 8
# A request that has waited for so long is not at work: a lock, a slow query or its client keeps it.
PLACE_SECONDS_MAX = 0.1

# Who goes first: hot requests in an odd spelling, monitoring and organisers. Then all others.
FIRST, OTHERS = range(2)


class Turn:
    """
    One request among the others.

    Attributes:
        called: done when it gets its place, or is refused; None while it does not wait in the queue for one.
        sender: among whose requests it waits.
        waits_since: since when it has waited for something else than its turn; None while it has not.
    """

    __slots__ = ("_turns", "called", "rank", "sender", "waits_since")

    def __init__(self, turns: "Turns", rank: int, sender: Sender) -> None:
        self._turns = turns
        self.called: asyncio.Future[None] | None = None
        self.rank = rank
        self.sender = sender
        self.waits_since: float | None = None

    async def begin_work(self) -> None:
        """Wait until few others are at work. Who goes first does not wait."""
        if self.rank != FIRST:
            await self._turns.wait_for_place(self)

    def end_work(self) -> None:
        """Let the next one begin. Called again, it does nothing."""
        self._turns.leave(self)


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
        self._under_way_max = under_way_max
        self._under_way: dict[int, set[Turn]] = {FIRST: set(), OTHERS: set()}
        self._round_seconds = round_seconds
        self._at_work_max = at_work_max
        self._left_seconds = round_seconds
        self._round_called = False
        # Those whose next step waits for a round: rank, and the order in which they were called up.
        self._waiting: list[tuple[int, int, asyncio.Future[int]]] = []
        # Those that are not called up yet. Who goes first is not among them.
        self._behind: FairQueue[asyncio.Future[int]] = FairQueue()
        self._others_begin = True
        self._numbers = count()
        self._at_work: dict[Turn, None] = {}
        self._wait_for_place: FairQueue[Turn] = FairQueue()
        self._lends = False

    async def by_turns(self, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        """Do this work, each step in its turn."""
        try:
            await _Steps(self, turn, work)
        finally:
            self.leave(turn)

    # Steps.

    def wait(self, turn: Turn) -> Generator[Any, None, None]:
        """Wait until there is time for one more step."""
        if self._left_seconds > 0 and not self._others_wait(turn.rank):
            return
        called: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if turn.rank == FIRST:
            heapq.heappush(self._waiting, (FIRST, next(self._numbers), called))
        else:
            self._behind.add(turn.sender, called)
        while True:
            self._call_round()
            number = yield from called
            if self._left_seconds > 0:
                return
            called = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (turn.rank, number, called))

    def _others_wait(self, rank: int) -> bool:
        """Whether somebody waits who goes before one of this rank that comes now."""
        if self._waiting and self._waiting[0][0] <= rank:
            return True
        return rank != FIRST and bool(self._behind)

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
        others_begin = self._others_begin and bool(self._behind)
        self._others_begin = not others_begin
        while (self._waiting or self._behind) and woken < WOKEN_MAX:
            if self._waiting and not others_begin:
                _, number, called = heapq.heappop(self._waiting)
            else:
                number, called = next(self._numbers), self._behind.take()
            others_begin = False
            # It may have been cancelled.
            if not called.done():
                called.set_result(number)
                woken += 1
        if self._waiting or self._behind:
            self._call_round()

    # Places.

    def check_room(self, turn: Turn) -> None:
        """
        Check that this request can be let in.

        Raises:
            Overloaded: too many are under way, and nobody has more of them than this sender.
        """
        if self._is_full(turn) and (turn.rank == FIRST or not self._wait_for_place.in_place_of(turn.sender)):
            raise no_room()

    def let_in(self, turn: Turn) -> None:
        """
        Count this request as under way. If there are too many, one of another sender is refused.

        Raises:
            Overloaded: see `check_room`.
        """
        self.check_room(turn)
        if self._is_full(turn) and (found := self._wait_for_place.in_place_of(turn.sender)):
            sender, other = found
            self._wait_for_place.remove(sender, other)
            self._under_way[OTHERS].discard(other)
            called, other.called = other.called, None
            if called is not None and not called.done():
                called.set_exception(no_room())
        self._under_way[turn.rank].add(turn)

    def leave(self, turn: Turn) -> None:
        """This request is answered, or has ended. Called again, it does nothing."""
        self._under_way[turn.rank].discard(turn)
        self._leave_place(turn)

    def _is_full(self, turn: Turn) -> bool:
        return len(self._under_way[turn.rank]) >= self._under_way_max

    async def wait_for_place(self, turn: Turn) -> None:
        """Wait until few others are at work."""
        if len(self._at_work) < self._at_work_max and not self._wait_for_place:
            self._at_work[turn] = None
            return
        called = turn.called = asyncio.get_running_loop().create_future()
        self._wait_for_place.add(turn.sender, turn)
        self._lend_later()
        try:
            await called
        except asyncio.CancelledError:
            if turn.called is not None:
                self._wait_for_place.remove(turn.sender, turn)
            self._leave_place(turn)
            raise

    def _leave_place(self, turn: Turn) -> None:
        """This request is not at work; the next one begins."""
        if turn in self._at_work:
            del self._at_work[turn]
            self._fill_places()

    def _fill_places(self) -> None:
        while self._wait_for_place and len(self._at_work) < self._at_work_max:
            turn = self._wait_for_place.take()
            called, turn.called = turn.called, None
            # It may have been cancelled.
            if called is not None and not called.done():
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
