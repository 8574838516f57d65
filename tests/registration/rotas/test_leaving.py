"""Who is erased is on no rota; of doubles the one who stays takes the shifts over; and the audit agrees."""

from datetime import timedelta

import httpx
import pytest

from services.registration.merging.rules import takes_shift
from services.registration.rotas.rules import Assignment, Busy
from services.registration.rotas.store import RotaStore
from shared.storage.mongo import Database
from tests.registration.auditing import faults, log_of
from tests.registration.builders import NOW, erase_whole, events, newcomer, service
from tests.registration.merging.builders import all_moved, merge
from tests.registration.rotas.builders import (
    Json,
    all_told,
    assign,
    assignment,
    numbers,
    own_shifts,
    people_of,
    person,
    put_shift,
    rota_notices,
    session,
    shift,
    times,
    volunteer,
)
from tests.support.service import ORGANISER

SIX_MONTHS = timedelta(days=180)


def test_of_two_the_surer_shift_is_kept_and_none_at_the_time_of_another_one() -> None:
    volunteered, assigned = assignment(), assignment(status="assigned")
    ended = assignment(status="ended", code="withdrawn")

    def taken(goes: Assignment, own: Assignment | None, *others: Busy, verified: bool = True) -> bool:
        return takes_shift(goes, own, shift(), others, verified=verified)

    assert taken(volunteered, None)
    assert taken(assigned, ended)
    assert taken(assigned, volunteered)
    assert not taken(volunteered, volunteered)
    assert not taken(volunteered, assigned)
    assert not taken(assigned, assigned)
    assert not taken(assigned, None, verified=False)
    elsewhere = Busy("other", *shift().times)
    assert not taken(assigned, None, elsewhere)
    later = Busy("other", shift().ends_at, shift().ends_at + SIX_MONTHS)
    assert taken(assigned, None, later)


async def vouched(client: httpx.AsyncClient, number: int) -> Json:
    """Somebody whom an organiser has registered at another time, and for whom it vouches."""
    answer = await client.post(
        "/sessions/counter/registrations",
        json={"person": newcomer()},
        headers=ORGANISER | {"Idempotency-Key": f"0123456789abcde{number}"},
    )
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


@pytest.mark.stack
async def test_who_is_erased_is_on_no_rota_and_the_audit_agrees(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        for name, hours in (("one", 0), ("two", 24)):
            await session(client, name, **times(hours))
            await put_shift(client, "guide", name, **times(hours))
        li, wang = [await person(client, database) for _ in range(2)]
        for one in (li, wang):
            await assign(client, one["participant_id"])
            await volunteer(client, one, "guide", "two")
        await erase_whole(client, database, li)
        assert [one["participant_id"] for one in await people_of(client)] == [wang["participant_id"]]
        assert await numbers(client) == {"guide": (1, 0, 0)}
        assert await numbers(client, "two") == {"guide": (0, 1, 1)}
        ended = await events(database, "shift.ended")
        assert [(one["participant_id"], one["code"]) for one in ended] == [
            (li["participant_id"], "participant_erased")
        ] * 2
        await all_told(rota_notices(database), "two")
        assert await faults(database, await log_of(database)) == {}


@pytest.mark.stack
async def test_the_shifts_of_a_double_go_to_the_one_who_stays_and_no_shift_has_too_many(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await session(client, "counter", **times(72))
        for name, hours in (("both", 0), ("only", 24), ("clash", 48), ("elsewhere", 48)):
            await session(client, name, **times(hours))
            await put_shift(client, "guide", name, most=2, **times(hours))
        goes, stays = [await vouched(client, number) for number in range(2)]
        for name in ("both", "only", "clash"):
            assert (await assign(client, goes["participant_id"], "guide", name)).status_code == 201
        for name in ("both", "elsewhere"):
            assert (await assign(client, stays["participant_id"], "guide", name)).status_code == 201
        assert (await merge(client, goes["participant_id"], stays["participant_id"])).status_code == 200
        await all_moved(database)
        for name, count in (("both", 1), ("only", 1), ("clash", 0), ("elsewhere", 1)):
            assert [one["participant_id"] for one in await people_of(client, name)] == [
                stays["participant_id"]
            ] * count
        codes = [one["code"] for one in await events(database, "shift.ended")]
        assert codes == ["participant_merged"] * 3
        assert await faults(database, await log_of(database)) == {}


async def spoilt(database: Database, collection: str, change: Json) -> set[str]:
    """The statements of the audit that do not hold after this change."""
    assert (await database[collection].update_one({}, change)).modified_count == 1
    return set(await faults(database, await log_of(database)))


@pytest.mark.stack
async def test_the_audit_finds_what_is_wrong_with_a_rota(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await session(client)
        await put_shift(client)
        li = await person(client, database)
        await assign(client, li["participant_id"])
        assert (await own_shifts(client, li))["guide"]["status"] == "assigned"
        assert await faults(database, await log_of(database)) == {}
        full = "no shift has more people than it may have"
        assert await spoilt(database, "rotas", {"$set": {"shifts.0.most": 0}}) == {full}
        assert await spoilt(database, "rotas", {"$set": {"shifts.0.most": 9}}) == set()
        assert await spoilt(database, "rotas", {"$inc": {"shifts.0.assigned": 1}}) == {full}
        assert await spoilt(database, "rotas", {"$inc": {"shifts.0.assigned": -1}}) == set()
        follow = "rotas follow their sessions"
        assert await spoilt(database, "rotas", {"$set": {"starts_at": NOW}}) == {follow}
        assert await RotaStore(database).untold("", 9) == []
        [once] = (await log_of(database)).events("shift.assigned")
        lost = await faults(database, await log_of(database, without=once.id))
        assert "every version of an assignment is published once" in lost
