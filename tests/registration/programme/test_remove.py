"""What nobody uses is removed; what somebody uses is cancelled first."""

import pytest

from tests.registration.builders import activity, ask, cancel, events, notices, own, put, service
from tests.support.service import ORGANISER, bearer, code_of

pytestmark = pytest.mark.stack


async def test_a_session_in_use_is_not_removed_and_the_refusal_says_by_how_many(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=2, waiting_max=5))
        for _ in range(3):
            await ask(client, "one")
        for path in ("/activities/street", "/sessions/one"):
            answer = await client.delete(path, headers=ORGANISER)
            if path == "/sessions/one":
                assert code_of(answer) == (409, "session_last")
                continue
            assert code_of(answer) == (409, "session_in_use")
            assert "2 places are taken, and 1 registrations wait" in answer.json()["detail"]
        assert (await client.delete("/activities/street")).status_code == 401
        assert (await client.get("/activities/street")).status_code == 200


async def test_what_everybody_has_left_is_removed_and_those_who_left_still_see_it(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        body = activity("one", capacity=2)
        both = body | {"sessions": [*body["sessions"], activity("two", capacity=2)["sessions"][0]]}
        await put(client, "street", both)
        left = (await ask(client, "one")).json()
        assert code_of(await client.delete("/sessions/one", headers=ORGANISER)) == (409, "session_in_use")
        await cancel(client, left)
        assert (await client.delete("/sessions/one", headers=ORGANISER)).status_code == 204
        assert code_of(await client.delete("/sessions/one", headers=ORGANISER)) == (404, "session_unknown")
        assert [one["session_id"] for one in (await client.get("/activities/street")).json()["sessions"]] == [
            "two"
        ]
        assert code_of(await ask(client, "one", token=left["token"])) == (404, "session_unknown")
        assert (await own(client, left))["status"] == "cancelled"
        listed = await client.get("/registrations", headers=bearer(left["token"]))
        assert [one["session_id"] for one in listed.json()["registrations"]] == ["one"]
        [gone] = await events(database, "session.cancelled")
        assert (gone["session_id"], gone["version"], gone["code"]) == ("one", 2, "session_removed")
        # Put again it is the same session: its versions go on.
        await put(client, "street", both)
        published = await events(database, "session.published")
        assert [(one["session_id"], one["version"]) for one in published] == [
            ("one", 1),
            ("two", 1),
            ("one", 3),
        ]
        assert (await ask(client, "one", token=left["token"])).status_code == 201


async def test_a_cancelled_activity_is_removed_once_its_people_are_told(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=2))
        await ask(client, "one")
        for _ in range(2):
            answer = await client.post(
                "/activities/street/cancel", json={"reason": "rain"}, headers=ORGANISER
            )
            assert [one["state"] for one in answer.json()["sessions"]] == ["cancelled"]
        assert code_of(await client.delete("/activities/street", headers=ORGANISER))[1] == "session_in_use"
        while await notices(database).notify("one"):
            pass
        assert (await client.delete("/activities/street", headers=ORGANISER)).status_code == 204
        assert len(await events(database, "session.cancelled")) == 1
        assert len(await events(database, "registration.cancelled")) == 1
