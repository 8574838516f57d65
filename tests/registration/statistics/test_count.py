"""However many ask for an activity in numbers, the database counts for few of them."""

import asyncio
from collections.abc import Collection

import pytest

from services.registration.sessions.store import SessionStore
from services.registration.statistics.count import Counting
from services.registration.statistics.store import Row, StatisticsStore
from shared.storage.mongo import Database
from tests.support.kafka import fresh_database

pytestmark = pytest.mark.stack


class Watched(StatisticsStore):
    """Notes how often the database counts, and how many counts there are at once."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.counts = self.at_once = self.at_once_max = 0

    async def by_session(self, session_ids: Collection[str]) -> list[Row]:
        self.counts += 1
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        try:
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
