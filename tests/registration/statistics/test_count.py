"""However many ask for an activity in numbers, the database counts for few of them, and nobody waits long."""

import asyncio
from collections.abc import Collection

import pytest

from services.registration.sessions.store import SessionStore
from services.registration.statistics.count import Counting
from services.registration.statistics.store import Row, StatisticsStore
from shared.runtime.errors import Overloaded, Unavailable
from shared.storage.mongo import Database
from tests.support.kafka import fresh_database
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


class Watched(StatisticsStore):
    """Notes how often the database counts, and how many counts there are at once."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.counts = self.at_once = self.at_once_max = 0
        # Cleared: counting takes until it is set again.
        self.quick = asyncio.Event()
        self.quick.set()
        self.fails = False

    async def by_session(self, session_ids: Collection[str]) -> list[Row]:
        self.counts += 1
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        try:
            await self.quick.wait()
            if self.fails:
                raise Unavailable("counted for too long")
            return await super().by_session(session_ids)
        finally:
            self.at_once -= 1


async def test_all_who_ask_at_once_get_one_counting(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        watched = Watched(database)
        counting = Counting(SessionStore(database), watched)
        await asyncio.gather(*(counting.of("street", "desk") for _ in range(30)))
        assert watched.counts == 1


async def test_activities_are_counted_one_at_a_time(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        watched = Watched(database)
        counting = Counting(SessionStore(database), watched)
        await asyncio.gather(
            *(counting.of(f"activity-{number}", f"desk-{number % 2}") for number in range(10))
        )
        assert (watched.counts, watched.at_once_max) == (10, 1)


async def test_while_it_is_counted_again_the_last_counts_are_given_with_their_time(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        watched = Watched(database)
        counting = Counting(SessionStore(database), watched, wait_seconds=0.2)
        first = await counting.of("street", "desk")
        watched.quick.clear()
        for _ in range(20):
            assert (await counting.of("street", "desk")).counted_at == first.counted_at
        assert watched.counts == 2
        watched.quick.set()
        await eventually(lambda: counting.of("street", "desk"), lambda it: it.counted_at > first.counted_at)
        watched.fails = True
        assert (await counting.of("street", "desk")).counted_at > first.counted_at


async def test_without_counts_from_before_nobody_waits_for_a_rest_of_a_minute(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        watched = Watched(database)
        counting = Counting(SessionStore(database), watched, first_wait_seconds=0.05)
        watched.quick.clear()
        for _ in range(20):
            with pytest.raises(Overloaded):
                await counting.of("street", "desk")
        assert watched.counts == 1
        # What nobody waited for is the answer to the next one.
        watched.quick.set()
        await eventually(lambda: len(counting._last))
        watched.quick.clear()
        assert (await counting.of("street", "desk")).sessions == []
