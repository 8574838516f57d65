"""An activity in numbers: by session, audience and district."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.registration.builders import (
    activity,
    ask,
    cancel,
    check_in,
    erase_whole,
    newcomer,
    put,
    service,
)
from tests.support.service import ORGANISER, code_of

pytestmark = pytest.mark.stack

PATH = "/activities/street/statistics"


def counts(registrations: int, places: int) -> dict[str, int]:
    return {"registrations": registrations, "places": places}


async def test_what_is_counted_is_what_is_stored(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        # The door is open, and the session has not begun.
        times = {"starts_at": _in_hours(1), "ends_at": _in_hours(2)}
        both = [activity(name, 5, waiting_max=5, **times)["sessions"][0] for name in ("one", "two")]
        await put(client, "street", activity("x", 1) | {"sessions": both})
        who: list[dict[str, Any]] = [
            {"audience": "youth", "district": "华龙区"},
            {"audience": "youth", "district": "清丰县"},
            {"audience": "elderly", "district": "华龙区"},
            {"audience": "farmers", "district": None},
        ]
        people = [
            (await ask(client, "one", places=n + 1 if n < 2 else 1, participant=newcomer(**of))).json()
            for n, of in enumerate(who)
        ]
        waiting = await ask(client, "one", places=3, participant=newcomer(audience="youth", district=None))
        assert waiting.json()["status"] == "waitlisted"
        await check_in(client, people[0]["ticket_code"])
        left = (await ask(client, "two", participant=newcomer(audience="officials"))).json()
        await cancel(client, left)
        found = (await client.get(PATH, headers=ORGANISER)).json()
        assert found["by_status"] == {
            "cancelled": counts(1, 1),
            "checked_in": counts(1, 1),
            "confirmed": counts(3, 4),
            "waitlisted": counts(1, 3),
        }
        one, two = found["sessions"]
        assert (one["capacity"], one["taken"], one["no_shows"]) == (5, 5, None)
        assert one["by_status"] == {
            "checked_in": counts(1, 1),
            "confirmed": counts(3, 4),
            "waitlisted": counts(1, 3),
        }
        assert two["by_status"] == {"cancelled": counts(1, 1)}
        assert found["no_shows"] == counts(0, 0)
        assert {one["of"]: one["by_status"] for one in found["audiences"]} == {
            "youth": {"checked_in": counts(1, 1), "confirmed": counts(1, 2), "waitlisted": counts(1, 3)},
            "elderly": {"confirmed": counts(1, 1)},
            "farmers": {"confirmed": counts(1, 1)},
            "officials": {"cancelled": counts(1, 1)},
        }
        assert found["audiences"][0]["of"] == "youth", "the largest first"
        districts = {one["of"]: one["by_status"] for one in found["districts"]}
        assert districts["华龙区"] == {"checked_in": counts(1, 1), "confirmed": counts(1, 1)}
        assert districts.keys() == {"华龙区", "清丰县", None}
        # Once the session is over, it is known who did not come.
        past = {"starts_at": datetime.now(UTC) - timedelta(hours=2), "ends_at": datetime.now(UTC)}
        await database["sessions"].update_one({"_id": "one"}, {"$set": past})
        over = (await client.get(PATH, headers=ORGANISER)).json()
        assert over["no_shows"] == over["sessions"][0]["no_shows"] == counts(3, 4)
        await erase_whole(client, database, people[2])
        erased = (await client.get(PATH, headers=ORGANISER)).json()
        assert "elderly" not in {one["of"] for one in erased["audiences"]}


async def test_only_organisers_count_and_only_what_there_is(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        assert (await client.get(PATH)).status_code == 401
        assert code_of(await client.get(PATH, headers=ORGANISER)) == (404, "activity_unknown")
        await put(client, "street", activity("one", 5) | {"draft": True})
        empty = (await client.get(PATH, headers=ORGANISER)).json()
        assert (empty["by_status"], empty["audiences"], len(empty["sessions"])) == ({}, [], 1)


def _in_hours(hours: int) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
