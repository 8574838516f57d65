"""
The open connections of a process: how many there may be, and how long each step may take.

One sweep checks all of them about once a second. A timer for each request would cost more than all other
bounds of a hot request together.
"""

import heapq
import time
from typing import Protocol

from shared.web.edge.limits import Limits, connections_that_fit
from shared.web.edge.waiting import Holder, Waiting
from shared.web.problems import no_room

# This number of connections is ended together, since finding them takes milliseconds.
ENDED_SHARE = 64
# Why a connection has its place though no request of it is being answered, the weakest reason first.
NEVER_ASKED, IDLES, UNFINISHED, UNREAD = range(4)


class Connection(Protocol):
    """A connection as the process sees it."""

    def expire(self, now: float) -> None:
        """End what has taken too long. `now` is a `time.monotonic()`."""

    def waits(self) -> tuple[int, float] | None:
        """
        How well it deserves its place, and since when the process waits for its client.

        The lowest deserves its place least. None: a complete request is being answered.
        """

    def give_way(self) -> None:
        """End: another connection needs the place."""


class Connections:
    """
    All connections of a process, within its bounds.

    `now` is the time of the last sweep. Connections use it to note when something began, and need not ask the
    clock. So a deadline may be late by one sweep, and is never early.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.now = time.monotonic()
        # In the order in which they came.
        self.open: dict[Connection, None] = {}
        self.open_max = connections_that_fit(limits.connections_max)
        self.unfinished = Waiting(limits.unfinished_bytes_max)
        self.unread = Waiting(limits.unread_bytes_max)

    def add(self, connection: Connection) -> bool:
        """Add a connection if there is room, or if others give way. Returns whether it was added."""
        if len(self.open) >= self.open_max and not self._make_room():
            return False
        self.open[connection] = None
        return True

    def _make_room(self) -> bool:
        """
        End connections whose clients let the process wait: first those that never sent a request.

        If all are young, one that has sent no request gives way all the same. Its client would have sent it
        by now, or sends it again.
        """
        # A connection notes the time of the last sweep. So it may seem older than it is, by one sweep.
        began_before = time.monotonic() - self.limits.young_seconds - self.limits.sweep_seconds
        old: list[tuple[int, float, int, Connection]] = []
        young: list[tuple[int, float, int, Connection]] = []
        for place, connection in enumerate(self.open):
            if (waits := connection.waits()) is not None:
                if waits[1] < began_before:
                    old.append((*waits, place, connection))
                elif waits[0] == NEVER_ASKED:
                    young.append((*waits, place, connection))
        for *_, connection in heapq.nsmallest(max(1, self.open_max // ENDED_SHARE), old or young):
            del self.open[connection]
            connection.give_way()
        return len(self.open) < self.open_max

    def remove(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self.open.pop(connection, None)

    async def sweep(self) -> float:
        """End what has taken too long: one turn of a loop (shared/runtime/background.py)."""
        self.now = now = time.monotonic()
        self.open_max = connections_that_fit(self.limits.connections_max)
        for connection in list(self.open):
            connection.expire(now)
        return self.limits.sweep_seconds


class Bodies:
    """
    Counts the bytes of all bodies that the process holds.

    Args:
        unfinished: the connections whose requests are not complete. They give way to other bodies.
    """

    def __init__(self, bytes_max: int, unfinished: Waiting) -> None:
        self.bytes = 0
        self.bytes_max = bytes_max
        self._unfinished = unfinished

    def hold(self, more: int) -> None:
        """
        Count bytes that have arrived.

        Raises:
            Overloaded: all bodies together are beyond the bound. These bytes are counted nevertheless.
        """
        self.bytes += more
        if self.bytes > self.bytes_max and not self.make_room():
            raise no_room()

    def make_room(self, stays: Holder | None = None) -> bool:
        """End unfinished requests, but not `stays`. Returns whether all bodies are within the bound then."""
        return self._unfinished.make_room(self.bytes - self.bytes_max, stays=stays)

    def release(self, fewer: int) -> None:
        """Count bytes that are no longer held."""
        self.bytes -= fewer
