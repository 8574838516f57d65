"""
Memory that a process holds while it waits for clients: requests that are not complete, and answers unread.

Anybody can have the process wait, and pays nothing. So this memory has bounds of its own. At a bound no
newcomer is refused: the connections that hold most are ended, since an honest client holds little, and not
for long. A request that is complete counts no longer, and is never ended for this reason.
"""

from typing import Protocol

# Below the bound after connections were ended, so that the next byte does not find the bound reached again:
# sorting thousands of connections takes some milliseconds.
ROOM_SHARE = 8

BY_ORGANISER = "kepu.by_organiser"
"""The key of a scope that has the organiser who asks, if one does."""


class Holder(Protocol):
    """A connection that holds memory."""

    def evict(self) -> bool:
        """End the connection; False if it may stay."""


class Waiting:
    """The connections that a process waits for, each with the bytes that it holds."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes = 0
        self.bytes_max = bytes_max
        # In the order in which the waiting began.
        self._held: dict[Holder, int] = {}

    def hold(self, holder: Holder, size_bytes: int) -> None:
        """Note what this connection holds now. At the bound others are ended, and never this one."""
        more = size_bytes - self._held.get(holder, 0)
        self.bytes += more
        self._held[holder] = size_bytes
        # A connection that is being ended may hold less for a while. That is no reason to end others.
        if more > 0 and self.bytes > self.bytes_max:
            self.make_room(self.bytes - self.bytes_max + self.bytes_max // ROOM_SHARE, stays=holder)

    def release(self, holder: Holder) -> None:
        """This connection holds nothing now."""
        self.bytes -= self._held.pop(holder, 0)

    def make_room(self, size_bytes: int, *, stays: Holder | None = None) -> bool:
        """
        End the connections that hold most, until this number of bytes is free.

        Among equal ones, the one that has kept the process waiting longest is the first.

        Returns: True if it was enough.
        """
        freed = 0
        # The sort is stable.
        for holder, held in sorted(self._held.items(), key=lambda item: item[1], reverse=True):
            if freed >= size_bytes:
                break
            if holder is not stays and holder.evict():
                self.release(holder)
                freed += held
        return freed >= size_bytes
