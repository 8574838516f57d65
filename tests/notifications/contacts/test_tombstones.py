"""An erased participant is remembered from our own clock's time on, and not for ever."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.contracts.topics import TOMBSTONES_KEPT
from shared.runtime import clock
from shared.storage.mongo import Database
from tests.notifications.builders import Desk, desk, erased, known
from tests.support.service import new_id

pytestmark = pytest.mark.stack

FIELDS = {"contacts": "erased_at", "contact_keys": "destroyed_at"}


async def dates(at: Desk, person: str) -> list[datetime | None]:
    found = [await at.database[name].find_one({"_id": person}) for name in FIELDS]
    return [(document or {}).get(field) for document, field in zip(found, FIELDS.values(), strict=True)]


async def deleted_after(database: Database, collection: str, field: str) -> list[int | None]:
    indexes = await database[collection].index_information()
    return [one.get("expireAfterSeconds") for one in indexes.values() if one["key"] == [(field, 1)]]


async def test_mongodb_deletes_what_is_kept_of_the_erased_and_of_nobody_else(mongo: str) -> None:
    stays, gone = new_id(), new_id()
    async with desk(mongo) as at:
        for collection, field in FIELDS.items():
            seconds = TOMBSTONES_KEPT.total_seconds()
            assert await deleted_after(at.database, collection, field) == [seconds]
        before = clock.now() - timedelta(seconds=1)
        await at.handle(*known(stays, gone), erased(gone))
        assert await dates(at, stays) == [None, None]
        for date in await dates(at, gone):
            assert date is not None
            assert before <= date <= clock.now()


@pytest.mark.parametrize("year", [2001, 2098])
async def test_an_event_does_not_say_how_long_its_erasure_is_remembered(mongo: str, year: int) -> None:
    gone = new_id()
    async with desk(mongo) as at:
        before = clock.now() - timedelta(seconds=1)
        told = erased(gone).model_copy(update={"erased_at": datetime(year, 1, 1, tzinfo=UTC)})
        await at.handle(*known(gone), told)
        first = await dates(at, gone)
        assert all(date is not None and before <= date <= clock.now() for date in first)
        # Told once more, it is kept no longer.
        await at.handle(told, *known(gone))
        assert await dates(at, gone) == first
