"""A moved or cancelled session, or a shift at another time, tells the people on the rota, once each."""

from collections.abc import Collection
from datetime import datetime

import httpx
import pytest

from services.registration.rotas.rules import Rota
from services.registration.rotas.store import RotaStore
from shared.runtime.background import looping
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork
from tests.registration.builders import activity, events, put, service
from tests.registration.crashing import Crash
from tests.registration.rotas.builders import (
    START,
    Json,
    all_told,
    assign,
    decide,
    numbers,
    own_shifts,
    people_of,
    person,
    put_shift,
    rota_notices,
    session,
    times,
    volunteer,
    withdraw,
)
from tests.support.service import ORGANISER, bearer, code_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


class DyingRotas(RotaStore):
    """A transaction, the first or a later one, is broken off near its end, where the rota is saved."""

    def __init__(self, database: Database, dies_at: int) -> None:
        super().__init__(database)
        self._saves_left = dies_at

    async def save(self, unit: UnitOfWork, rotas: Collection[Rota]) -> None:
        await super().save(unit, rotas)
        self._saves_left -= 1
        if self._saves_left == 0:
            raise Crash


async def a_rota(client: httpx.AsyncClient, database: Database, number: int) -> list[Json]:
    """So many people of a shift; the first one has only volunteered, the others are on the rota."""
    await session(client)
    await put_shift(client, most=9)
    people = [await person(client, database) for _ in range(number)]
    await volunteer(client, people[0])
    for one in people[1:]:
        await assign(client, one["participant_id"])
    return people


async def call_off(client: httpx.AsyncClient, session_id: str = "one") -> None:
    body = {"reason": "rain", "text": "因大雨取消"}
    answer = await client.post(f"/sessions/{session_id}/cancel", json=body, headers=ORGANISER)
    assert answer.status_code == 200, answer.text


def hours(event: Json, name: str) -> float:
    return (datetime.fromisoformat(event[name]) - START).total_seconds() / 3_600


async def test_a_moved_session_takes_its_shifts_along_and_tells_each_once(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        people = await a_rota(client, database, 5)
        await withdraw(client, people[1], (await own_shifts(client, people[1]))["guide"])
        await session(client, **times(24), venue="体育馆")
        # Nobody has registered for this session: that makes no difference.
        assert await all_told(rota_notices(database)) == 3
        moved = await events(database, "shift.moved")
        told = [people[0], *people[2:]]
        assert [one["participant_id"] for one in moved] == [one["participant_id"] for one in told]
        assert [one["assigned"] for one in moved] == [False, True, True, True]
        for one in moved:
            assert [hours(one, name) for name in ("starts_at", "ends_at")] == [24, 26]
            assert [hours(one, f"{name}_before") for name in ("starts_at", "ends_at")] == [0, 2]
            assert (one["venue"], one["venue_before"]) == ("体育馆", "市政府综合办公楼广场")
            assert one["version"] == 2
        own = (await own_shifts(client, people[0]))["guide"]
        assert (own["venue"], hours(own, "starts_at")) == ("体育馆", 24)
        await all_told(rota_notices(database))
        assert len(await events(database, "shift.moved")) == 4


async def test_a_shift_at_another_time_tells_its_people_and_other_changes_nobody(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await a_rota(client, database, 2)
        await put_shift(client, "door", needed=0)
        other = await person(client, database)
        await assign(client, other["participant_id"], "door")
        await put_shift(client, duty="讲解", most=5)
        await session(client, capacity=3)
        assert await RotaStore(database).untold("", 9) == []
        await put_shift(client, most=5, **times(1))
        assert await RotaStore(database).untold("", 9) == ["one"]
        await all_told(rota_notices(database))
        moved = await events(database, "shift.moved")
        assert [(one["shift_id"], hours(one, "starts_at")) for one in moved] == [("guide", 1)] * 2
        assert await RotaStore(database).untold("", 9) == []


async def test_moved_and_moved_back_before_anybody_was_told_nobody_is(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await a_rota(client, database, 2)
        await session(client, **times(24))
        await session(client)
        await all_told(rota_notices(database))
        assert await events(database, "shift.moved") == []


async def test_moved_again_while_some_are_told_everybody_hears_of_the_last_time(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        people = await a_rota(client, database, 3)
        await session(client, **times(24))
        assert await rota_notices(database).notify("one", 2)
        # Who comes now knows it already.
        late = await person(client, database)
        await assign(client, late["participant_id"])
        await session(client, **times(48))
        await all_told(rota_notices(database))
        moved = await events(database, "shift.moved")
        ids = [one["participant_id"] for one in [*people, late]]
        days = [
            (
                ids.index(one["participant_id"]),
                hours(one, "starts_at_before") / 24,
                hours(one, "starts_at") / 24,
            )
            for one in moved
        ]
        assert days == [(0, 0, 1), (1, 0, 1), (0, 1, 2), (1, 1, 2), (2, 0, 2), (3, 1, 2)]


async def test_a_session_is_not_moved_to_where_its_rota_cannot_follow(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await a_rota(client, database, 1)
        await put_shift(client, "late", **times(23))
        last: Json = {"starts_at": "2099-12-31T20:00:00Z", "ends_at": "2099-12-31T22:00:00Z"}
        refused = await put(client, "of-one", activity("one", 9, **last))
        assert code_of(refused) == (422, "shift_out_of_reach")
        assert "shift late " in refused.json()["detail"]
        # Without it the session moves, and its people hear of it; a cancelled one leaves its shifts alone.
        assert (await client.delete("/sessions/one/shifts/late", headers=ORGANISER)).status_code == 204
        await session(client, **last)
        await all_told(rota_notices(database))
        [moved] = await events(database, "shift.moved")
        assert moved["starts_at"] == last["starts_at"]
        await call_off(client)


async def test_a_cancelled_session_ends_its_rota_whatever_crashes(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        people = await a_rota(client, database, 5)
        await call_off(client)
        assert (await client.get("/shifts/lacking", headers=ORGANISER)).json()["sessions"] == []
        with pytest.raises(Crash):
            await all_told(rota_notices(database, rotas=DyingRotas(database, 2)))
        assert len(await events(database, "shift.ended")) == 2
        await all_told(rota_notices(database))
        ended = await events(database, "shift.ended")
        assert [one["participant_id"] for one in ended] == [one["participant_id"] for one in people]
        assert {(one["code"], one["reason"]) for one in ended} == {("session_cancelled", "因大雨取消")}
        assert await numbers(client) == {"guide": (0, 0, 1)}
        assert await people_of(client) == []
        await call_off(client)
        await all_told(rota_notices(database))
        assert len(await events(database, "shift.ended")) == 5


async def test_the_erased_are_told_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        people = await a_rota(client, database, 2)
        await client.delete("/participants/me", headers=bearer(people[1]["token"]))
        await session(client, **times(24))
        await all_told(rota_notices(database))
        await call_off(client)
        await all_told(rota_notices(database))
        told = [*await events(database, "shift.moved"), *await events(database, "shift.ended")]
        assert {one["participant_id"] for one in told} == {people[0]["participant_id"]}


async def test_a_session_with_people_on_its_rota_is_not_removed_before_they_are_told(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        [li] = await a_rota(client, database, 1)
        for path in ("/activities/of-one", "/sessions/one"):
            refused = await client.delete(path, headers=ORGANISER)
            assert refused.json()["code"] in ("session_has_rota", "session_last"), refused.text
        two = activity("two", 9, **times())
        assert code_of(await put(client, "of-one", two)) == (409, "session_has_rota")
        await call_off(client)
        await all_told(rota_notices(database))
        assert (await client.delete("/activities/of-one", headers=ORGANISER)).status_code == 204
        assert (await own_shifts(client, li))["guide"]["code"] == "session_cancelled"
        assert code_of(await client.get("/sessions/one/shifts")) == (404, "session_unknown")


async def test_a_session_that_leaves_no_trace_leaves_no_rota(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "of-one", activity("one", 9, draft=True, **times()))
        await put_shift(client)
        await client.delete("/activities/of-one", headers=ORGANISER)
        assert await database["rotas"].count_documents({}) == 0


async def test_a_session_that_was_removed_and_is_put_again_has_its_shifts(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await session(client)
        await put_shift(client)
        await client.delete("/activities/of-one", headers=ORGANISER)
        assert (await client.get("/shifts/lacking", headers=ORGANISER)).json()["sessions"] == []
        await session(client)
        assert await numbers(client) == {"guide": (0, 0, 1)}
        li = await person(client, database)
        one = (await volunteer(client, li)).json()
        assert (await decide(client, one, "acceptance")).status_code == 200


async def test_the_loop_tells_all_that_is_untold(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await a_rota(client, database, 2)
        loop = rota_notices(database).loop
        async with looping(loop):
            await session(client, **times(24))
            await eventually(lambda: events(database, "shift.moved"), lambda moved: len(moved) == 2)
            await call_off(client)
            await eventually(lambda: events(database, "shift.ended"), lambda ended: len(ended) == 2)
            assert await loop.check() is None
