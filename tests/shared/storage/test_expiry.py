"""A transaction that nobody ends is ended by the server, within the time that we compute."""

import time
from datetime import timedelta
from typing import Any, cast

import pytest
from pymongo.errors import OperationFailure

from shared.runtime.errors import Unavailable
from shared.storage.expiry import EXPIRY_MARGIN, SETTING, all_ended_after
from shared.storage.mongo import Database
from tests.support.kafka import fresh_database


@pytest.mark.stack
async def test_a_transaction_that_was_left_open_has_ended_by_then(mongo: str) -> None:
    async with fresh_database(mongo) as database, await database.client.start_session() as session:
        await database["x"].insert_one({"_id": 1, "by": "nobody"})
        answer = await database.client.admin.command({"getParameter": 1, SETTING: 1})
        within = await all_ended_after(database)
        assert within == timedelta(seconds=1.5 * answer[SETTING]) + EXPIRY_MARGIN
        session.start_transaction()
        await database["x"].update_one({"_id": 1}, {"$set": {"by": "one that stood still"}}, session=session)
        began = time.monotonic()
        # This waits until the document is free.
        await database["x"].update_one({"_id": 1}, {"$set": {"by": "another"}})
        assert time.monotonic() - began < within.total_seconds()
        with pytest.raises(OperationFailure):
            await session.commit_transaction()
        assert (await database["x"].find_one({"_id": 1}) or {})["by"] == "another"


class Refusing:
    """A server that does not tell its settings."""

    def __init__(self, code: int) -> None:
        self.client = self.admin = self
        self._code = code

    async def command(self, _: object) -> Any:
        raise OperationFailure("no", self._code)


@pytest.mark.parametrize("code", [13, 72])
async def test_if_the_setting_may_not_be_read_it_is_the_default_of_mongodb(code: int) -> None:
    assert await all_ended_after(cast("Database", Refusing(code))) == timedelta(seconds=100)


async def test_if_the_database_is_away_nothing_is_assumed() -> None:
    with pytest.raises(Unavailable):
        await all_ended_after(cast("Database", Refusing(11600)))
    with pytest.raises(OperationFailure):
        await all_ended_after(cast("Database", Refusing(8000)))
