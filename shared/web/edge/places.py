"""
Places: few requests of the framework are at work at the same time.

Whoever waits long for something else gives its place to the next. The others wait in a fair queue. It holds a
bounded number of requests. If it is full, the last request of the sender who has most there is refused, and
not the one that comes. Those who go first (`turns.py`) have places and a queue of their own.
"""

import asyncio
import time

from shared.runtime.fair_queue import FairQueue, Sender
from shared.web.problems import no_room

AT_WORK_MAX = 8
# A request that has waited for this time is not at work: a lock, a slow query or its client keeps it.
PLACE_SECONDS_MAX = 0.1


class Turn:
    """
    One request among the others.

    Attributes:
        called: done when it gets its place, or is refused; None while it does not wait in the queue for one.
        rank: who goes first (`turns.py`).
        sender: among whose requests it waits.
        waits_since: since when it has waited for something else than its turn; None while it has not.
    """

    __slots__ = ("_places", "called", "rank", "sender", "waits_since")

    def __init__(self, rank: int, sender: Sender, places: "Places") -> None:
        self._places = places
        self.called: asyncio.Future[None] | None = None
        self.rank = rank
        self.sender = sender
        self.waits_since: float | None = None

    def check_room(self) -> None:
        """
        Check that this request can be let in.

        Raises:
            Overloaded: too many are under way, and nobody has more of them than this sender.
        """
        self._places.check_room(self)

    def let_in(self) -> None:
        """
        Count this request as under way. If there are too many, one of another sender is refused.

        Raises:
            Overloaded: see `check_room`.
        """
        self._places.let_in(self)

    async def begin_work(self) -> None:
        """Wait until few others are at work."""
        await self._places.wait(self)

    def end_work(self) -> None:
        """This request is answered, or has ended: the next one begins. Called again, it does nothing."""
        self._places.leave(self)


class Places:
    """
    The places of one rank.

    Args:
        under_way_max: requests that have been let in and are not answered yet.
        at_work_max: those of them that have a place.
    """

    def __init__(self, *, under_way_max: int, at_work_max: int = AT_WORK_MAX) -> None:
        self._under_way_max = under_way_max
        self._at_work_max = at_work_max
        self._under_way: set[Turn] = set()
        self._at_work: dict[Turn, None] = {}
        self._waiting: FairQueue[Turn] = FairQueue()
        self._lends = False

    def check_room(self, turn: Turn) -> None:
        """`Turn.check_room`."""
        if self._is_full and not self._waiting.in_place_of(turn.sender):
            raise no_room()

    def let_in(self, turn: Turn) -> None:
        """`Turn.let_in`."""
        self.check_room(turn)
        if self._is_full and (found := self._waiting.in_place_of(turn.sender)):
            sender, other = found
            self._waiting.remove(sender, other)
            self._under_way.discard(other)
            called, other.called = other.called, None
            if called is not None and not called.done():
                called.set_exception(no_room())
        self._under_way.add(turn)

    async def wait(self, turn: Turn) -> None:
        """`Turn.begin_work`."""
        if len(self._at_work) < self._at_work_max and not self._waiting:
            self._at_work[turn] = None
            return
        called = turn.called = asyncio.get_running_loop().create_future()
        self._waiting.add(turn.sender, turn)
        self._lend_later()
        try:
            await called
        except asyncio.CancelledError:
            if turn.called is not None:
                self._waiting.remove(turn.sender, turn)
            self._leave_place(turn)
            raise

    def leave(self, turn: Turn) -> None:
        """`Turn.end_work`."""
        self._under_way.discard(turn)
        self._leave_place(turn)

    @property
    def _is_full(self) -> bool:
        return len(self._under_way) >= self._under_way_max

    def _leave_place(self, turn: Turn) -> None:
        if turn in self._at_work:
            del self._at_work[turn]
            self._fill()

    def _fill(self) -> None:
        while self._waiting and len(self._at_work) < self._at_work_max:
            turn = self._waiting.take()
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
        self._fill()
        if self._waiting:
            self._lend_later()
