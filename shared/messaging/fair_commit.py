"""
Fair group commit: one sender's thousands of items do not keep everybody else waiting.

While no more items wait than one group takes, they are written in the order in which they came, and nothing
here costs anything. If more wait, they stand in a fair queue (`shared/runtime/fair_queue.py`), and each group
takes one item of each network in turn (docs/decisions/0044-turns-of-requests.md).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic

from shared.messaging.group_commit import ITEMS_MAX, Group, GroupCommit, Item, Outcome
from shared.runtime import metrics
from shared.runtime.errors import Overloaded, Unavailable
from shared.runtime.fair_queue import FairQueue, Sender, Shares


class _Waiter(Generic[Item, Outcome]):
    """One item in the fair queue, and its caller, who waits until this time of the loop's clock."""

    __slots__ = ("caller", "item", "sender", "until")

    def __init__(self, item: Item, caller: asyncio.Future[Outcome], sender: Sender, until: float) -> None:
        self.item = item
        self.caller = caller
        self.sender = sender
        self.until = until

    def fail(self, error: Exception) -> None:
        # The future of a cancelled caller is done already.
        if not self.caller.done():
            self.caller.set_exception(error)


class Room:
    """
    The bound of some fair group commits together.

    Args:
        name: the label of the metrics.
        waiting_max: items that are accepted and not yet written. If there are more, the last item of the
            sender who has most gives way.
    """

    def __init__(self, name: str, waiting_max: int) -> None:
        self._name = name
        # The counter starts at 0. So Prometheus sees the first refusal as an increase.
        self._refused = metrics.OVERLOADED.labels(name)
        self._waiting_max = waiting_max
        self.shares = Shares()
        self.commits: set[FairGroupCommit[Any, Any]] = set()

    @property
    def waiting(self) -> int:
        """Items accepted and not yet written."""
        waiting = 0
        for commit in self.commits:
            waiting += commit.waiting
        return waiting

    @property
    def is_full(self) -> bool:
        """Whether one more item needs another one to give way."""
        return self.waiting >= self._waiting_max

    def check(self, sender: Sender) -> None:
        """
        Check for room first, so that no work is done for an item that would be refused.

        Raises:
            Overloaded: too many items wait already, and nobody has more of them than this sender.
        """
        if self.is_full and self.shares.in_place_of(sender) is None:
            raise self.refusal()

    def make(self, sender: Sender) -> None:
        """
        Make room for one more item of this sender, if it is full: another one gives way.

        Raises:
            Overloaded: see `check`.
        """
        if self.is_full:
            other = self.shares.in_place_of(sender)
            if other is None or not any(commit.give_way(other) for commit in self.commits):
                raise self.refusal()

    def refusal(self) -> Overloaded:
        """The error of an item that finds no room, or gives way. It is counted."""
        self._refused.inc()
        return Overloaded(f"{self._name}: {self.waiting} wait already; try again in a few seconds")


class FairGroupCommit(GroupCommit[Item, Outcome]):
    """
    A group commit whose groups take turns between senders.

    Adding and taking an item take the same time however many wait. The items of one sender are written in the
    order in which they came.

    Args:
        write: as of a group commit.
        sender_of: who sends an item. It is asked only if more wait than one group takes.
        room: its bound. The commit has to leave it (`Room.commits`) when it is not used any more.
        seconds_max: after this time a caller gets Unavailable. An item whose turn has not come by then is not
            written any more; another one may still be written.
        tried: the items come from another commit of this room, which has accepted them and may have written
            them. So none is refused here, and one that gives way gets Unavailable.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome]]],
        *,
        sender_of: Callable[[Item], Sender],
        room: Room,
        seconds_max: float,
        items_max: int = ITEMS_MAX,
        tried: bool = False,
    ) -> None:
        super().__init__(name, write, items_max=items_max, seconds_max=seconds_max)
        self._sender_of = sender_of
        self._room = room
        self._wait_seconds_max = seconds_max
        self._tried = tried
        # Only if more wait than a group takes. Then there is no group that gathers.
        self._line: FairQueue[_Waiter[Item, Outcome]] = FairQueue(room.shares)
        # The same, the oldest first. One timer for all: that of the oldest when it was set.
        self._by_age: OrderedDict[_Waiter[Item, Outcome], None] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        room.commits.add(self)

    def add(self, item: Item) -> asyncio.Future[Outcome]:
        """
        Write an item. The future is done when its group is written.

        The future raises Unavailable if it takes too long; Overloaded if the item gives way to one of another
        sender before it is written.

        Raises:
            Overloaded: too many items wait already, and nobody has more of them than this sender. The item
                was not accepted.
        """
        if not self._tried and self._room.is_full:
            self._room.make(self._sender_of(item))
        groups = self._groups
        if self._line or (groups and len(groups[0].items) >= self._items_max):
            loop = asyncio.get_running_loop()
            caller: asyncio.Future[Outcome] = loop.create_future()
            self._line_up_group()
            self._line_up(item, caller, loop.time() + self._wait_seconds_max)
        else:
            if not groups:
                groups.append(self._new_group())
            caller = groups[0].loop.create_future()
            groups[0].items.append(item)
            groups[0].callers.append(caller)
        self._waiting += 1
        if self._writing is None:
            self._begin_writing()
        return caller

    def give_way(self, sender: Sender) -> bool:
        """The last item of this sender whose turn has not come is refused. False: there is none."""
        waiter = self._line.last_of(sender)
        if waiter is None:
            return False
        self._leave_line(waiter)
        refusal = self._room.refusal()
        waiter.fail(Unavailable(refusal.message) if self._tried else refusal)
        return True

    def _line_up_group(self) -> None:
        """Those who gathered until now wait for their turns as well."""
        if self._groups:
            group = self._groups.popleft()
            timeout = group.timeout
            assert timeout is not None  # noqa: S101 (a group of this class has one)
            timeout.cancel()
            for item, caller in zip(group.items, group.callers, strict=True):
                self._line_up(item, caller, timeout.when())

    def _line_up(self, item: Item, caller: asyncio.Future[Outcome], until: float) -> None:
        waiter = _Waiter(item, caller, self._sender_of(item), until)
        self._line.add(waiter.sender, waiter)
        self._by_age[waiter] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(until, self._end_waits)

    def _leave_line(self, waiter: _Waiter[Item, Outcome]) -> None:
        self._line.remove(waiter.sender, waiter)
        del self._by_age[waiter]
        self._waiting -= 1

    def _end_waits(self) -> None:
        """Those who have waited too long leave the line."""
        self._timer = None
        loop = asyncio.get_running_loop()
        while self._by_age:
            oldest = next(iter(self._by_age))
            if oldest.until > loop.time():
                self._timer = loop.call_at(oldest.until, self._end_waits)
                return
            self._leave_line(oldest)
            oldest.fail(self._late())

    def _next_group(self) -> Group[Item, Outcome] | None:
        if not self._line:
            return super()._next_group()
        waiters: list[_Waiter[Item, Outcome]] = []
        while self._line and len(waiters) < self._items_max:
            waiter = self._line.take()
            del self._by_age[waiter]
            waiters.append(waiter)
        group: Group[Item, Outcome] = Group()
        group.items = [waiter.item for waiter in waiters]
        group.callers = [waiter.caller for waiter in waiters]
        self._end_waits_of(group, waiters)
        return group

    def _end_waits_of(self, group: Group[Item, Outcome], waiters: Sequence[_Waiter[Item, Outcome]]) -> None:
        """Callers of a group that is being written wait no longer than others. They came at many times."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        patient = []
        for waiter in waiters:
            if waiter.until > now:
                patient.append(waiter)
            else:
                waiter.fail(self._late())
        if patient:
            until = min(waiter.until for waiter in patient)
            group.timeout = loop.call_at(until, self._end_waits_of, group, patient)
