"""
The open connections of a process: how many, and how long each may take over what it does.

One sweep looks at all of them about once a second. A timer for each request would cost more than
the rest of a hot request's bounds together.
"""

import time
from typing import Protocol

from shared.web.edge.limits import Limits, connections_that_fit
from shared.web.problems import no_room


class Connection(Protocol):
    """What the sweep asks of a connection."""

    def expire(self, now: float) -> None:
        """End whatever has taken too long at this `time.monotonic()`."""


class Connections:
    """
    All connections of a process, within its bounds.

    `now` is the time of the last sweep. Connections note when they begin something by it, so that they
    need no look at the clock: a deadline may be late by one sweep, and is never early.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.now = time.monotonic()
        self.open: set[Connection] = set()
        self.open_max = connections_that_fit(limits.connections_max)

    def add(self, connection: Connection) -> bool:
        """Whether there is room for one more; it counts if there is."""
        if len(self.open) >= self.open_max:
            return False
        self.open.add(connection)
        return True

    def remove(self, connection: Connection) -> None:
        """It is closed."""
        self.open.discard(connection)

    async def sweep(self) -> float:
        """End what has taken too long; one turn of a loop (shared/runtime/background.py)."""
        self.now = now = time.monotonic()
        self.open_max = connections_that_fit(self.limits.connections_max)
        for connection in list(self.open):
            connection.expire(now)
        return self.limits.sweep_seconds


class Bodies:
    """Bytes of the bodies that a process holds."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes = 0
        self.bytes_max = bytes_max

    def hold(self, more: int) -> None:
        """
        Count bytes that have come.

        Raises:
            Overloaded: all bodies together are beyond the bound; these bytes count all the same.
        """
        self.bytes += more
        if self.bytes > self.bytes_max:
            raise no_room()

    def release(self, fewer: int) -> None:
        """They are no longer held."""
        self.bytes -= fewer
