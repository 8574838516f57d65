"""
The open connections of a process: how many there may be, and how long each step may take.

One sweep checks all of them about once a second. A timer for each request would cost more than all other
bounds of a hot request together.
"""

import time
from typing import Protocol

from shared.web.edge.limits import Limits, connections_that_fit
from shared.web.problems import no_room


class Connection(Protocol):
    """A connection as the sweep sees it."""

    def expire(self, now: float) -> None:
        """End what has taken too long. `now` is a `time.monotonic()`."""


class Connections:
    """
    All connections of a process, within its bounds.

    `now` is the time of the last sweep. Connections use it to note when something began, and need not ask the
    clock. So a deadline may be late by one sweep, and is never early.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.now = time.monotonic()
        self.open: set[Connection] = set()
        self.open_max = connections_that_fit(limits.connections_max)

    def add(self, connection: Connection) -> bool:
        """Add a connection if there is room. Returns whether there was."""
        if len(self.open) >= self.open_max:
            return False
        self.open.add(connection)
        return True

    def remove(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self.open.discard(connection)

    async def sweep(self) -> float:
        """End what has taken too long: one turn of a loop (shared/runtime/background.py)."""
        self.now = now = time.monotonic()
        self.open_max = connections_that_fit(self.limits.connections_max)
        for connection in list(self.open):
            connection.expire(now)
        return self.limits.sweep_seconds


class Bodies:
    """Counts the bytes of all bodies that the process holds."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes = 0
        self.bytes_max = bytes_max

    def hold(self, more: int) -> None:
        """
        Count bytes that have arrived.

        Raises:
            Overloaded: all bodies together are beyond the bound. These bytes are counted nevertheless.
        """
        self.bytes += more
        if self.bytes > self.bytes_max:
            raise no_room()

    def release(self, fewer: int) -> None:
        """Count bytes that are no longer held."""
        self.bytes -= fewer
