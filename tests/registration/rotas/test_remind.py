"""People on a rota are reminded of their shift the day before, once each."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.runtime.background import looping
from shared.storage.mongo import Database
from tests.registration.builders import events, service
from tests.registration.rotas.builders import (
    Json,
    all_told,
    assign,
    due,
    person,
    put_shift,
    rota_notices,
    rota_reminding,
    session,
    volunteer,
)
from tests.support.service import bearer
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


def from_now(hours: float) -> Json:
    starts_at = datetime.now(UTC) + timedelta(hours=hours)
    return {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + timedelta(hours=2)).isoformat()}


async def a_rota(client: httpx.AsyncClient, database: Database, **changes: Any) -> list[Json]:
    """Two people on the rota of a session in two days, and one who has only volunteered."""
    fields = from_now(48)
    await session(client, **fields, **changes)
    await put_shift(client, most=9, **fields)
    people = [await person(client, database) for _ in range(3)]
    for one in people[:2]:
        await assign(client, one["participant_id"])
    await volunteer(client, people[2])
    return people


async def a_day_later(database: Database) -> None:
    """The shift begins in less than a day, and everybody knows it."""
    starts_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=23)
    await database["rotas"].update_one({}, {"$set": {"shifts.0.starts_at": starts_at}})
    await database["assignments"].update_many({}, {"$set": {"told_starts_at": starts_at}})


async def test_who_is_on_the_rota_is_reminded_once_the_day_before(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        people = await a_rota(client, database)
        assert await due(database) == []
        await a_day_later(database)
        assert len(await due(database)) == 2
        for id_ in await due(database) * 2:
            await rota_reminding(database).remind(id_)
        assert await due(database) == []
        reminded = await events(database, "shift.reminded")
        assert sorted(one["participant_id"] for one in reminded) == sorted(
            one["participant_id"] for one in people[:2]
        )
        assert {(one["until"] == one["starts_at"], one["version"]) for one in reminded} == {(True, 1)}


async def test_the_erased_are_not_reminded_and_nobody_of_a_session_without_reminders(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        people = await a_rota(client, database)
        await client.delete("/participants/me", headers=bearer(people[0]["token"]))
        await a_day_later(database)
        for id_ in await due(database):
            await rota_reminding(database).remind(id_)
        [reminded] = await events(database, "shift.reminded")
        assert reminded["participant_id"] == people[1]["participant_id"]
    async with service(mongo) as ([client], database):
        await a_rota(client, database, reminders=False)
        await a_day_later(database)
        for id_ in await due(database):
            await rota_reminding(database).remind(id_)
        assert await events(database, "shift.reminded") == []
        assert await due(database) == []


async def test_who_hears_of_a_new_time_within_the_day_is_not_reminded_of_it(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await a_rota(client, database)
        await put_shift(client, most=9, **from_now(30))
        # The notice comes first, whichever loop is faster.
        await database["assignments"].update_many({}, {"$set": {"told_starts_at": datetime.now(UTC)}})
        for id_ in await due(database):
            await rota_reminding(database).remind(id_)
        assert await events(database, "shift.reminded") == []
        await all_told(rota_notices(database))
        assert len(await events(database, "shift.moved")) == 3
        assert await due(database) == []
        await a_day_later(database)
        assert len(await due(database)) == 2
        await put_shift(client, most=9, **from_now(24.5))
        await session(client, **from_now(40))
        await all_told(rota_notices(database))
        assert await due(database) == []


async def test_the_loop_reminds_all_that_is_due(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await a_rota(client, database)
        await a_day_later(database)
        loop = rota_reminding(database).loop
        async with looping(loop):
            await eventually(lambda: events(database, "shift.reminded"), lambda found: len(found) == 2)
            assert await loop.check() is None
