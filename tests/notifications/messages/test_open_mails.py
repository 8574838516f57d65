"""How many mails to a participant are open, also after thousands of mails came and went."""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.notifications.contacts.rules import Reach
from services.notifications.messages.store import OF_PARTICIPANTS
from shared.runtime import clock
from shared.runtime.ids import ordered_id
from shared.storage.mongo import Database
from tests.notifications.builders import confirmed, desk, known
from tests.support.service import new_id

pytestmark = pytest.mark.stack

# The best of three takes 3 ms. A search that walks over the deleted entries of others takes half a second.
SECONDS_MAX = 0.1


async def _mails_come_and_go(database: Database, people: list[str], now: datetime) -> None:
    mails = [
        {
            "_id": new_id(),
            "participant_id": person,
            "channel": "email",
            "kind": "registration_confirmed",
            "state": "waiting_contact",
            "expires_at": now + timedelta(days=14),
        }
        for person in people
    ]
    await database["messages"].insert_many(mails, ordered=False)
    gone: dict[str, Any] = {"$set": {"state": "delivered"}, "$unset": {"expires_at": ""}}
    await database["messages"].update_many({"expires_at": {"$exists": True}}, gone)


async def _best_of_three(work: Callable[[], Awaitable[object]]) -> float:
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


async def test_mails_that_came_and_went_do_not_slow_the_search_for_those_that_are_open(mongo: str) -> None:
    now = clock.now()
    people = [ordered_id(now + timedelta(seconds=seconds)) for seconds in range(12_000)]
    asked = people[:300]
    reach: dict[str, Reach] = dict.fromkeys(asked, Reach("addressed"))
    async with desk(mongo) as at:
        await _mails_come_and_go(at.database, people, now)
        assert await at.store.open_mails(asked) == {}
        assert await _best_of_three(lambda: at.store.open_mails(asked)) < SECONDS_MAX
        assert await _best_of_three(lambda: at.store.release(reach, now)) < SECONDS_MAX


async def test_how_many_mails_are_open_is_answered_by_an_index_alone(mongo: str) -> None:
    people = [new_id() for _ in range(50)]
    async with desk(mongo) as at:
        await at.handle(*known(*people), *[confirmed(person) for person in people])
        await at.database.command("profile", 2)
        assert await at.store.open_mails(people[:5]) == {(person, ""): 1 for person in people[:5]}
        await at.database.command("profile", 0)
        [done] = await at.database["system.profile"].find({"command.aggregate": "messages"}).to_list(None)
    assert done["command"]["hint"] == OF_PARTICIPANTS["email"]
    assert done["docsExamined"] == 0
    assert done["keysExamined"] <= 11
