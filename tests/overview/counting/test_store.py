"""Counts and positions are saved together, so a record counts once, however often it is read."""

import asyncio
from datetime import timedelta

import pytest

from services.overview.counting.rules import KEPT
from services.overview.counting.store import CountStore
from tests.overview.builders import NOW, SUBMITTED, records
from tests.support.kafka import database_of

pytestmark = pytest.mark.stack
MINUTE = NOW.replace(second=0)


async def test_batches_that_repeat_and_overlap_count_once_and_minutes_go_after_their_time(mongo: str) -> None:
    async with database_of(mongo, "overview") as database:
        counts = CountStore(database)
        await counts.prepare()
        assert (await counts.read(MINUTE)).newest_at is None
        for batch in (range(10), range(10), range(5, 12)):
            await counts.add(records(batch), NOW)
        await counts.add(records(range(3), SUBMITTED, NOW - timedelta(minutes=1)), NOW)
        found = await counts.read(MINUTE - timedelta(minutes=1))
        assert found.totals["registration.confirmed"] == 12
        assert found.totals["quiz.submitted"] == 3
        assert found.newest_at == NOW
        assert [(one.at, sum(one.events.values())) for one in found.minutes] == [
            (MINUTE - timedelta(minutes=1), 3),
            (MINUTE, 12),
        ]
        assert [one.at for one in (await counts.read(MINUTE)).minutes] == [MINUTE]
        indexes = await database["minutes"].index_information()
        [seconds] = [one["expireAfterSeconds"] for one in indexes.values() if "expireAfterSeconds" in one]
        assert seconds == KEPT.total_seconds()


async def test_processes_that_count_the_same_batch_at_the_same_time_count_it_once(mongo: str) -> None:
    async with database_of(mongo, "overview") as database:
        stores = [CountStore(database) for _ in range(4)]
        await stores[0].prepare()
        await asyncio.gather(*[store.add(records(range(20)), NOW) for store in stores])
        found = await stores[0].read(MINUTE)
        assert found.totals["registration.confirmed"] == 20
        assert [sum(one.events.values()) for one in found.minutes] == [20]
