"""What is read can be put back, and nobody's change is overwritten unseen."""

import asyncio

import httpx
import pytest

from tests.registration.builders import activity, ask, events, put, service
from tests.support.service import ORGANISER, code_of

pytestmark = pytest.mark.stack


async def put_if(client: httpx.AsyncClient, body: dict[str, object], if_match: str) -> httpx.Response:
    return await client.put("/activities/street", json=body, headers=ORGANISER | {"If-Match": if_match})


async def test_what_is_read_is_put_back_under_its_tag_and_a_stale_tag_is_refused(mongo: str) -> None:
    async with service(mongo, copies=2) as ([client, other], _):
        await put(client, "street", activity("one", capacity=5, waiting_max=2))
        first = await client.get("/activities/street")
        assert first.headers["etag"] == '"1"'
        await ask(client, "one")
        # The numbers of places are no part of the version, and nothing has changed by this.
        again = await put_if(other, first.json(), first.headers["etag"])
        assert (again.status_code, again.headers["etag"]) == (200, '"1"')
        changed = await put_if(other, first.json() | {"title": "科普大集"}, first.headers["etag"])
        assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
        late = await put_if(client, first.json() | {"remarks": "示例"}, first.headers["etag"])
        assert code_of(late) == (412, "version_differs")
        chinese = await client.put(
            "/activities/street",
            json=first.json(),
            headers=ORGANISER | {"If-Match": '"1"', "Accept-Language": "zh-CN"},
        )
        assert chinese.json()["detail"] == "内容在您读取之后已有变化，请重新读取"
        read = (await client.get("/activities/street")).json()
        assert (read["title"], read["remarks"]) == ("科普大集", "")
        # Without the header as ever.
        assert (await put(client, "street", first.json())).headers["etag"] == '"3"'


async def test_of_two_changes_at_once_under_one_tag_one_is_made(mongo: str) -> None:
    async with service(mongo, copies=2) as (copies, _):
        await put(copies[0], "street", activity("one", capacity=5))
        read = (await copies[0].get("/activities/street")).json()
        answers = await asyncio.gather(
            *(put_if(copy, read | {"title": f"第{n}版"}, '"1"') for n, copy in enumerate(copies * 3))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412, 412]


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        ("*", 200),
        ('"7", "1"', 200),
        ('W/"1"', 412),
        ("1", 412),
        ('"01"', 412),
        ("x" * 201, 422),
    ],
)
async def test_conditions_are_read_as_http_says(mongo: str, if_match: str, status: int) -> None:
    async with service(mongo) as ([client], _):
        body = activity("one", capacity=5)
        assert code_of(await put_if(client, body, if_match if status != 422 else "*"))[0] == 412
        await put(client, "street", body)
        assert (await put_if(client, body, if_match)).status_code == status


async def test_a_cancelled_session_is_a_new_version_and_so_is_one_that_is_put_again(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        body = activity("one", capacity=5)
        await put(client, "street", body)
        await client.post("/sessions/one/cancel", json={"reason": "weather"}, headers=ORGANISER)
        assert (await client.get("/activities/street")).headers["etag"] == '"2"'
        stale = await client.delete("/activities/street", headers=ORGANISER | {"If-Match": '"1"'})
        assert code_of(stale) == (412, "version_differs")
        current = await client.delete("/activities/street", headers=ORGANISER | {"If-Match": '"2"'})
        assert current.status_code == 204
        # A tag of before its removal matches nothing afterwards.
        assert (await put(client, "street", body)).headers["etag"] == '"4"'
        assert [one["version"] for one in await events(database, "session.cancelled")] == [2]
