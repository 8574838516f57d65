"""Drafts: only organisers see them, nobody registers, and what is published stays published."""

from typing import Any

import httpx
import pytest

from tests.registration.builders import activity, ask, events, put, service
from tests.support.service import ORGANISER, code_of

pytestmark = pytest.mark.stack


async def read(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    return await client.get("/activities/street", headers=headers)


def two_sessions(**of_second: Any) -> dict[str, Any]:
    first, second = (activity(name, capacity=5)["sessions"][0] for name in ("one", "two"))
    return activity("one", capacity=5) | {"sessions": [first, second | of_second]}


async def test_only_organisers_see_a_draft_and_nobody_registers_for_it(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        draft = activity("one", capacity=5) | {"draft": True}
        assert (await put(client, "street", draft)).status_code == 200
        assert code_of(await read(client)) == (404, "activity_unknown")
        assert (await client.get("/activities")).json()["activities"] == []
        assert code_of(await ask(client, "one")) == (404, "session_unknown")
        assert code_of(await client.get("/sessions/one/calendar.ics")) == (404, "session_unknown")
        seen = (await read(client, **ORGANISER)).json()
        assert (seen["draft"], [one["session_id"] for one in seen["sessions"]]) == (True, ["one"])
        listed = (await client.get("/activities", headers=ORGANISER)).json()["activities"]
        assert [one["activity_id"] for one in listed] == ["street"]
        wrong = await read(client, **{"X-Organiser-Key": "not-the-organisers-key"})
        assert wrong.status_code == 403
        assert await events(database, "session.published") == []
        assert await database["participants"].count_documents({}) == 0


async def test_a_published_draft_takes_people_and_is_no_draft_again(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        body = activity("one", capacity=5)
        await put(client, "street", body | {"draft": True})
        published = await put(client, "street", body | {"draft": False})
        assert (published.status_code, published.json()["draft"]) == (200, False)
        assert (await ask(client, "one")).status_code == 201
        [event] = await events(database, "session.published")
        assert (event["session_id"], event["version"], event["activity_id"]) == ("one", 1, "street")
        assert code_of(await put(client, "street", body | {"draft": True})) == (409, "activity_published")


async def test_a_draft_among_published_sessions_is_hidden_and_a_public_reader_cannot_remove_it(
    mongo: str,
) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", two_sessions(draft=True))
        public = await read(client)
        assert [one["session_id"] for one in public.json()["sessions"]] == ["one"]
        assert code_of(await ask(client, "two")) == (404, "session_unknown")
        # What hides something cannot be put back: its tag is weak.
        refused = await client.put(
            "/activities/street",
            json=public.json(),
            headers=ORGANISER | {"If-Match": public.headers["etag"]},
        )
        assert code_of(refused) == (412, "version_differs")
        assert [one["session_id"] for one in await events(database, "session.published")] == ["one"]
        await put(client, "street", two_sessions(draft=False))
        assert [one["session_id"] for one in await events(database, "session.published")] == ["one", "two"]
        assert code_of(await put(client, "street", two_sessions(draft=True))) == (409, "session_published")


async def test_a_draft_is_not_cancelled_but_removed(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5) | {"draft": True})
        for path, code in (("sessions/one", "session_draft"), ("activities/street", "activity_draft")):
            answer = await client.post(f"/{path}/cancel", json={"reason": "weather"}, headers=ORGANISER)
            assert code_of(answer) == (409, code)
        assert (await client.delete("/activities/street", headers=ORGANISER)).status_code == 204
        assert code_of(await read(client, **ORGANISER)) == (404, "activity_unknown")
        assert await database["sessions"].count_documents({}) == 0
        assert await events(database, "session.cancelled") == []
