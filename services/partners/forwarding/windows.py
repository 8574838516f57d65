"""
How many forwarded records of a partner wait unread in a shared topic, and who has to wait for that.

The bridge asks Kafka for the ends of the topic and for what the reading group has committed. A record that
was written before the ends were asked for is read when the group has committed up to these ends. The records
of others before these ends count too, so a window opens rather late than early.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition

from services.partners.forwarding.rules import HELD_SECONDS_MAX
from shared.messaging.offsets import END, Offsets, Places
from shared.runtime.errors import Unavailable

# Between two questions while records are unread, and while none is.
LOOK_SECONDS = 0.1
REST_SECONDS = 30.0
LOOP = "partner_windows"


class Window:
    """
    The unread records of one partner in one shared topic.

    Args:
        width: how many may be unread.
        look: is called when there is something to ask Kafka for.
    """

    def __init__(self, topic: str, width: int, look: asyncio.Event) -> None:
        self.topic = topic
        self.width = width
        self.unread = 0
        self._look = look
        # Written, but no ends of the topic are known that lie behind them.
        self._unplaced = 0
        # Ends of the topic, and how many of our records are read when the group is there.
        self._placed: deque[tuple[Places, int]] = deque()
        self._opened = asyncio.Event()

    def widen(self, width: int) -> None:
        """From now on so many may be unread. Those that are unread already stay so."""
        self.width = width
        self._opened.set()

    async def take(self, wanted: int) -> int:
        """
        Wait until at least one record may go; returns how many of `wanted` may go now.

        Raises:
            Unavailable: the group has read nothing for `HELD_SECONDS_MAX`.
        """
        while (room := self.width - self.unread) <= 0:
            self._opened.clear()
            try:
                async with asyncio.timeout(HELD_SECONDS_MAX):
                    await self._opened.wait()
            except TimeoutError:
                raise Unavailable(
                    f"{self.topic}: {self.unread} forwarded records are unread, and its group reads nothing"
                ) from None
        taken = min(room, wanted)
        self.unread += taken
        return taken

    def written(self, records: int) -> None:
        """These records may be in the topic now: those of a write that failed may be there too."""
        self._unplaced += records
        self._look.set()

    def take_unplaced(self) -> int:
        """Those that were written and have no ends yet. Call this before asking for the ends."""
        unplaced, self._unplaced = self._unplaced, 0
        return unplaced

    def place(self, records: int, ends: Places) -> None:
        """These records lie before these ends."""
        if records:
            self._placed.append((ends, records))

    def open(self, committed: Mapping[TopicPartition, int]) -> None:
        """The group has committed this: what lies before it is read."""
        while self._placed and all(committed.get(at, 0) >= end for at, end in self._placed[0][0].items()):
            self.unread -= self._placed.popleft()[1]
            self._opened.set()


class Looking:
    """Asks Kafka what is read, for all windows of this process."""

    def __init__(self, offsets: Offsets, groups: Mapping[str, str]) -> None:
        self._offsets = offsets
        self._groups = groups
        self._windows: list[Window] = []
        self._look = asyncio.Event()

    def window(self, topic: str, width: int) -> Window:
        """A new window of this width. Give it to `close` when its partner goes."""
        window = Window(topic, width, self._look)
        self._windows.append(window)
        return window

    def close(self, windows: Sequence[Window]) -> None:
        """Forget these windows."""
        self._windows = [one for one in self._windows if one not in windows]

    async def turn(self) -> float:
        """
        Ask once for all topics with unread records; returns the seconds until the next time.

        Raises:
            Unavailable: Kafka does not answer. The windows stay as they are.
        """
        for topic in sorted({window.topic for window in self._windows if window.unread}):
            await self._ask(topic)
        if any(window.unread for window in self._windows):
            return LOOK_SECONDS
        self._look.clear()
        try:
            async with asyncio.timeout(REST_SECONDS):
                await self._look.wait()
        except TimeoutError:
            pass
        return LOOK_SECONDS

    async def _ask(self, topic: str) -> None:
        windows = [window for window in self._windows if window.topic == topic]
        unplaced = [(window, window.take_unplaced()) for window in windows]
        try:
            async with self._offsets.asked():
                places = await self._offsets.partitions([topic])
                ends = await self._offsets.at(END, places)
                committed = await self._offsets.committed(self._groups[topic], places)
        except Unavailable:
            for window, records in unplaced:
                window.written(records)
            raise
        for window, records in unplaced:
            window.place(records, ends)
            window.open(committed)
