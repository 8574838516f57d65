"""The short form: one kill, a few hundred people."""

from contextlib import AsyncExitStack

import pytest

from shared.storage.mongo import connect
from tests.registration.crowd.crowd import Plan, played
from tests.support.service import new_id

pytestmark = pytest.mark.stack
PLAN = Plan(people=300, twice=150, sessions=4, capacity=25, waiting_max=100, sign_ins=20, kills=1, at_once=50)


async def test_a_crowd_that_asks_twice_is_no_larger_though_a_copy_is_killed(mongo: str) -> None:
    async with AsyncExitStack() as stack:
        databases = [await stack.enter_async_context(connect(mongo, new_id("test"))) for _ in range(2)]
        for database in databases:
            stack.push_async_callback(database.client.drop_database, database.name)
        report = await played(PLAN, mongo, (databases[0], databases[1]), seed=7)
    assert report.wrong == []
    assert report.kills == 1
    # Everybody has a place or a wait, and every second device was told that somebody has the contact.
    assert report.stored == {"places": 100, "participants": 300, "attempts": 300}
    assert report.answers["409 contact_known"] == 150
    assert report.answers["held"] == 100
    assert report.answers["waitlisted"] == 200
