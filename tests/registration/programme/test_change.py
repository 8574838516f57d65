"""Organisers put activities and groups, on the real database; and the sample week loads."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.registration.programme.bodies import SESSIONS_MAX, SESSIONS_SHOWN_MAX, how_many_fit
from shared.web.forms import after_of
from tests.registration.builders import activity, ask, put, seats, service
from tests.support.service import ORGANISER, bearer, in_outbox, new_id

pytestmark = pytest.mark.stack

SAMPLE = Path(__file__).parents[3] / "sample" / "puyang-2023"


async def all_pages(client: httpx.AsyncClient, name: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    while True:
        page = (await client.get(f"/{name}", params={"limit": limit} | after)).json()
        assert len(page[name]) <= limit
        found += page[name]
        if page["after"] is None:
            return found
        after = {"after": page["after"]}


async def test_putting_the_same_activity_again_changes_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        body = activity("one", capacity=5)
        first = await put(client, "street", body)
        await ask(client, "one")
        second = await put(client, "street", body)
        assert (first.status_code, second.status_code) == (200, 200)
        assert await seats(client, "street") == (4, 0)


async def test_only_organisers_put(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        body = activity("one", capacity=5)
        assert (await client.put("/activities/street", json=body)).status_code == 401
        wrong = {"X-Organiser-Key": "not-the-organisers-key"}
        assert (await client.put("/activities/street", json=body, headers=wrong)).status_code == 403
        group = {"name": "一中", "kind": "school", "district": "华龙区"}
        assert (await client.put("/groups/one", json=group)).status_code == 401
        assert (await client.get("/activities/street")).json()["code"] == "activity_unknown"


async def test_more_places_promote_and_fewer_than_taken_are_refused(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=2, waiting_max=5))
        for places in (1, 1, 2, 1):
            await ask(client, "one", places=places)
        assert await seats(client, "street") == (0, 2)
        await put(client, "street", activity("one", capacity=4, waiting_max=5))
        assert await seats(client, "street") == (0, 1)
        confirmed = [json.loads(value) for value in await in_outbox(database, "registration.confirmed")]
        assert [(one["places"], one["promoted"]) for one in confirmed] == [
            (1, False),
            (1, False),
            (2, True),
        ]
        too_few = await put(client, "street", activity("one", capacity=3, waiting_max=5))
        assert (too_few.status_code, too_few.json()["code"]) == (409, "capacity_below_taken")


async def test_a_session_somebody_asked_for_cannot_go_and_none_belongs_to_two_activities(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=2))
        await put(client, "street", activity("two", capacity=2))
        assert [one["session_id"] for one in (await client.get("/activities/street")).json()["sessions"]] == [
            "two"
        ]
        await ask(client, "two")
        gone = await put(client, "street", activity("three", capacity=2))
        assert (gone.status_code, gone.json()["code"]) == (409, "session_in_use")
        elsewhere = await put(client, "fair", activity("two", capacity=2))
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "session_elsewhere")


async def test_a_waiting_list_can_be_cut_to_those_who_wait_and_not_below(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=1, waiting_max=5))
        for _ in range(3):
            await ask(client, "one")
        refused = await put(client, "street", activity("one", capacity=1, waiting_max=1))
        assert (refused.status_code, refused.json()["code"]) == (409, "waiting_max_below_waiting")
        assert (await put(client, "street", activity("one", capacity=1, waiting_max=2))).status_code == 200
        assert (await ask(client, "one")).json()["code"] == "session_full"
        # One of the two moves up by the same change.
        assert (await put(client, "street", activity("one", capacity=2, waiting_max=1))).status_code == 200
        assert await seats(client, "street") == (0, 1)


async def test_a_session_cannot_be_put_into_the_past_but_put_again_once_it_is_over(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        body = activity("one", capacity=5)
        await put(client, "street", body)
        yesterday = datetime.now(UTC) - timedelta(days=1)
        times = {"starts_at": yesterday - timedelta(hours=2), "ends_at": yesterday}
        moments: dict[str, Any] = {name: moment.isoformat() for name, moment in times.items()}
        past = activity("one", 5, **moments)
        refused = await put(client, "street", past)
        assert (refused.status_code, refused.json()["code"]) == (409, "session_in_past")
        assert (await client.get("/activities/street")).json()["sessions"][0]["open"]
        await database["sessions"].update_one({"_id": "one"}, {"$set": times})
        read = (await client.get("/activities/street")).json()
        again = await put(client, "street", read | {"remarks": "示例"})
        assert (again.status_code, again.json()["remarks"]) == (200, "示例")
        # An earlier week can be loaded.
        archived = await put(
            client, "fair", past | {"sessions": [past["sessions"][0] | {"session_id": "two"}]}
        )
        assert archived.status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"capacity": 0},
        {"ends_at": "2020-01-01T00:00:00Z"},
        {"starts_at": "2023-05-20T09:00:00"},
        {"capcity": 3},
        {"starts_at": "9999-12-31T20:00:00Z", "ends_at": "9999-12-31T21:00:00Z"},
        {"starts_at": "0001-01-01T00:00:00+08:00"},
        {"closes_at": "2090-01-01T00:00:00Z"},
        {"opens_at": "2090-01-01T00:00:00Z"},
        {"venue": "a\u2028b"},
        {"opens_at": "2030-01-02T00:00:00Z", "closes_at": "2030-01-01T00:00:00Z"},
    ],
)
async def test_a_session_that_cannot_be_is_refused(mongo: str, wrong: dict[str, Any]) -> None:
    async with service(mongo) as ([client], _):
        answer = await put(client, "street", activity("one", capacity=5) | {"sessions": [
            activity("one", capacity=5)["sessions"][0] | wrong
        ]})  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_an_activity_is_put_as_it_was_read_and_nothing_changes(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        opens_at = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        body = activity("one", capacity=5, waiting_max=3, opens_at=opens_at) | {"remarks": "示例"}
        await put(client, "street", body)
        await ask(client, "one")
        read = (await client.get("/activities/street")).json()
        again = await put(client, "street", read)
        assert (again.status_code, again.json()) == (200, read)
        stored = await database["sessions"].find_one({"_id": "one"})
        assert stored is not None
        assert (stored["version"], stored["untold"], stored["taken"]) == (1, False, 1)
        misspelt = await put(client, "street", read | {"remark": "x"})
        assert misspelt.status_code == 422
        other = await put(client, "fair", read)
        assert (other.status_code, other.json()["code"]) == (422, "id_differs")


async def test_a_page_of_large_activities_is_short_and_none_is_left_out(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        one = activity("x", capacity=1)["sessions"][0]
        for number in range(7):
            sessions = [one | {"session_id": f"of-{number}-{each}"} for each in range(SESSIONS_MAX)]
            answer = await put(client, f"fair-{number}", activity("x", capacity=1) | {"sessions": sessions})
            assert answer.status_code == 200
        page = (await client.get("/activities", params={"limit": 200})).json()
        assert sum(len(one["sessions"]) for one in page["activities"]) <= SESSIONS_SHOWN_MAX
        everything = await all_pages(client, "activities", limit=200)
        assert [len(one["sessions"]) for one in everything] == [SESSIONS_MAX] * 7


def test_an_activity_of_too_many_sessions_is_shown_alone() -> None:
    assert how_many_fit([]) == 0
    assert how_many_fit([SESSIONS_SHOWN_MAX + 1, 1]) == 1
    assert how_many_fit([SESSIONS_SHOWN_MAX, 0, 0]) == 3


async def test_the_sample_week_loads_twice_and_is_read_in_pages(mongo: str) -> None:
    week = json.loads((SAMPLE / "activities.json").read_text())
    groups = json.loads((SAMPLE / "groups.json").read_text())
    assert "示例" in week["notice"]
    assert "示例" in groups["notice"]
    async with service(mongo) as ([client], _):
        for _ in range(2):
            puts = []
            for entry in week["activities"]:
                body = {name: value for name, value in entry.items() if name != "activity_id"}
                puts.append(put(client, entry["activity_id"], body))
            for entry in groups["groups"]:
                body = {name: value for name, value in entry.items() if name != "group_id"}
                puts.append(client.put(f"/groups/{entry['group_id']}", json=body, headers=ORGANISER))
            answers = await asyncio.gather(*puts)
            assert {answer.status_code for answer in answers} == {200}, [
                answer.text for answer in answers if answer.status_code != 200
            ]
        everything = await all_pages(client, "activities", limit=5)
        assert [one["activity_id"] for one in everything] == [
            one["activity_id"] for one in await all_pages(client, "activities", limit=200)
        ]
        assert len({one["activity_id"] for one in everything}) == len(everything) == 13
        assert len(await all_pages(client, "groups", limit=7)) == len(groups["groups"])
        sessions = [one for found in everything for one in found["sessions"]]
        assert 1_500 <= sum(one["capacity"] for one in sessions) <= 1_700
        scarce = [one for one in sessions if one["capacity"] == 30]
        assert scarce
        assert scarce[0]["waiting_max"] == 40
        assert (await client.get("/activities", params={"limit": 201})).status_code == 422
        for after in ("x", after_of("text", "id"), after_of(1)):
            answer = await client.get("/activities", params={"after": after})
            assert (answer.status_code, answer.json()["code"]) == (422, "after_invalid")
        token_free = await client.get("/registrations", headers=bearer(new_id("forged")))
        assert token_free.json()["code"] == "token_invalid"
