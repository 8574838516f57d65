"""Watch how far the consumers of the week are behind: what is appended, minus what is handled."""

from collections.abc import Mapping, Sequence

from services.overview.watching.store import WatchStore
from shared.messaging.offsets import END, FIRST, Offsets
from shared.runtime import clock
from shared.runtime.background import Loop

LOOP = "lag watched"
TURN_SECONDS = 5.0


class LagWatch:
    """
    Asks Kafka, and keeps the answer.

    Args:
        groups: by consumer group, the topics that are looked at.
    """

    def __init__(self, offsets: Offsets, groups: Mapping[str, Sequence[str]], watched: WatchStore) -> None:
        self._offsets = offsets
        self._groups = groups
        self._watched = watched
        self.loop = Loop(LOOP, self.turn)

    async def turn(self) -> float:
        """
        Ask once; returns the seconds until the next time.

        Raises:
            Unavailable: Kafka or the database does not answer.
        """
        async with self._offsets.asked():
            behind = {group: await self._behind(group, topics) for group, topics in self._groups.items()}
        await self._watched.keep_behind(behind, clock.now())
        return TURN_SECONDS

    async def _behind(self, group: str, topics: Sequence[str]) -> int:
        places = await self._offsets.partitions(topics)
        # What is committed before the ends: so nobody is ahead of them.
        committed = await self._offsets.committed(group, places)
        # A group begins at the first record.
        fresh = [place for place in places if place not in committed]
        committed |= await self._offsets.at(FIRST, fresh)
        ends = await self._offsets.at(END, places)
        return sum(max(0, ends[place] - committed[place]) for place in places)
