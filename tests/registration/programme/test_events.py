"""session.published, .changed and .cancelled: another team keeps its calendar by these topics alone."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.contracts.events import SessionPlan
from tests.registration.builders import activity, ask, events, put, service
from tests.support.service import ORGANISER, code_of

pytestmark = pytest.mark.stack

TOPICS = ("session.published", "session.changed", "session.cancelled")


async def test_each_change_is_published_once_with_the_plan_and_the_one_before(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        body = activity("one", capacity=5)
        moved = activity("one", capacity=5, venue="体育馆")
        for put_now in (body, body, moved, moved, moved | {"title": "科普大集"}):
            assert (await put(client, "street", put_now)).status_code == 200
            await ask(client, "one")
        for _ in range(2):
            await client.post(
                "/sessions/one/cancel", json={"reason": "weather", "text": "因大雨取消"}, headers=ORGANISER
            )
        await put(client, "street", activity("one", capacity=5, venue="广场"))
        [published] = await events(database, "session.published")
        changed = await events(database, "session.changed")
        [cancelled] = await events(database, "session.cancelled")
        assert published["plan"].keys() == SessionPlan.model_fields.keys()
        assert [one["version"] for one in (published, *changed, cancelled)] == [1, 2, 3, 4]
        plans = [published["plan"], *(one["plan"] for one in changed)]
        assert [one["plan_before"] for one in changed] == plans[:2]
        assert [(one["venue"], one["activity_title"]) for one in plans] == [
            ("市政府综合办公楼广场", "科普宣传一条街"),
            ("体育馆", "科普宣传一条街"),
            ("体育馆", "科普大集"),
        ]
        assert (cancelled["plan"], cancelled["code"], cancelled["reason"]) == (
            plans[2],
            "weather",
            "因大雨取消",
        )


async def test_by_the_topics_alone_a_reader_knows_what_takes_place(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        sessions = [activity(name, capacity=5)["sessions"][0] for name in ("one", "two", "three", "four")]

        def street(*numbers: int, **changes: Any) -> dict[str, Any]:
            return activity("x", 1) | {"sessions": [sessions[n] | changes for n in numbers]}

        await put(client, "street", street(0, 1, 2))
        await put(client, "street", street(1, 2, 3, capacity=7))
        await client.post("/sessions/two/cancel", json={"reason": "weather"}, headers=ORGANISER)
        await client.delete("/sessions/three", headers=ORGANISER)
        await put(client, "street", street(0, 1, 3, capacity=7))
        kept: dict[str, tuple[int, dict[str, Any] | None]] = {}
        for topic in TOPICS:
            for event in await events(database, topic):
                plan = None if topic == "session.cancelled" else event["plan"]
                version, _ = kept.get(event["session_id"], (0, None))
                if event["version"] > version:
                    kept[event["session_id"]] = event["version"], plan
        shown = (await client.get("/activities/street")).json()["sessions"]
        planned = {one["session_id"]: one for one in shown if one["state"] == "planned"}
        takes_place = {id_: plan for id_, (_, plan) in kept.items() if plan is not None}
        assert takes_place.keys() == planned.keys() == {"one", "four"}
        for id_, plan in takes_place.items():
            for name in ("venue", "district", "capacity", "waiting_max"):
                assert plan[name] == planned[id_][name]


async def test_a_session_of_an_earlier_release_is_published_when_it_is_put_again(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        body = activity("one", capacity=5)
        await put(client, "street", body)
        # As it was stored before there were such events.
        await database["sessions"].update_one({"_id": "one"}, {"$unset": {"revision": 1}})
        await database["outbox"].delete_many({})
        await put(client, "street", body)
        assert [one["version"] for one in await events(database, "session.published")] == [1]
        assert await events(database, "session.changed") == []


@pytest.mark.parametrize("text", ["详见 www.example.com", "http://evil.example/x", "a\u2028b", "", "x" * 201])
async def test_the_words_of_a_cancellation_are_one_line_without_a_link(mongo: str, text: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5))
        answer = await client.post(
            "/sessions/one/cancel", json={"reason": "weather", "text": text}, headers=ORGANISER
        )
        assert code_of(answer) == (422, "invalid")
        assert [one["field"] for one in answer.json()["errors"]] == ["body.text"]
        assert (await client.get("/activities/street")).json()["sessions"][0]["state"] == "planned"


async def test_all_wrong_times_are_named_by_their_fields(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        body = activity("one", capacity=5)
        first = body["sessions"][0]
        day = timedelta(days=1)
        starts_at = first["starts_at"]
        late = first | {"session_id": "two", "ends_at": _later(starts_at, 40 * day)}
        turned = first | {
            "ends_at": _later(starts_at, -day),
            "opens_at": _later(starts_at, 3 * day),
            "closes_at": _later(starts_at, 2 * day),
        }
        answer = await put(client, "street", body | {"sessions": [turned, late]})
        assert code_of(answer) == (422, "invalid")
        assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [
            ("body.sessions.0.ends_at", "session_order"),
            ("body.sessions.0.closes_at", "session_closes"),
            ("body.sessions.0.opens_at", "session_opens"),
            ("body.sessions.1.ends_at", "session_too_long"),
        ]


def _later(moment: str, by: timedelta) -> str:
    return (datetime.fromisoformat(moment) + by).isoformat()
