"""Schemes over HTTP: putting, changing and reading them."""

import asyncio

import httpx
import pytest

from services.awards.known.store import KnownStore
from tests.awards.builders import certificate, confer, prizes, put, scheme
from tests.support.service import ORGANISER, code_of, new_id

pytestmark = pytest.mark.stack


async def test_a_scheme_in_use_changes_its_title_alone(client: httpx.AsyncClient, known: KnownStore) -> None:
    of, team = scheme(), new_id("group")
    await known.add_participants([team])
    await known.add_quizzes(["contest"])
    assert (await put(client, of)).status_code == 200
    changed = certificate("contest", 70).model_copy(update={"scheme_id": of.scheme_id})
    assert (await put(client, changed)).status_code == 200
    assert (await put(client, of)).json() == of.model_dump(mode="json")
    before = (await confer(client, of, team)).json()
    assert code_of(await put(client, changed)) == (409, "scheme_in_use")
    assert code_of(await put(client, of.model_copy(update={"kind": "plaque"}))) == (409, "scheme_in_use")
    assert (await put(client, of.model_copy(update={"title": "新名称"}))).status_code == 200
    # What was issued keeps the title that it was issued under.
    seen = (await client.get(f"/awards/{before['award_code']}")).json()
    assert seen["scheme_title"] == of.title


async def test_schemes_put_at_the_same_moment_are_one(client: httpx.AsyncClient) -> None:
    of = scheme()
    answers = await asyncio.gather(*[put(client, of) for _ in range(10)])
    assert {answer.status_code for answer in answers} == {200}
    assert (await client.get("/schemes")).json() == {"schemes": [of.model_dump(mode="json")], "after": None}


async def test_reading_a_scheme_gives_what_putting_it_takes(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    quiz = new_id("quiz")
    await known.add_quizzes([quiz])
    for of in (scheme(), certificate(quiz), prizes(quiz, gold=1, silver=2)):
        path = f"/schemes/{of.scheme_id}"
        assert code_of(await client.get(path)) == (404, "scheme_unknown")
        await put(client, of)
        read = (await client.get(path)).json()
        again = await client.put(path, json=read, headers=ORGANISER)
        assert (again.status_code, again.json()) == (200, read)
        assert (await client.get(path)).json() == read == of.model_dump(mode="json")


async def test_schemes_are_read_page_by_page(client: httpx.AsyncClient) -> None:
    put_in = sorted(new_id("scheme") for _ in range(5))
    for id_ in put_in:
        await put(client, scheme(id_))
    seen: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        page = (await client.get("/schemes", params=query)).json()
        seen += [one["scheme_id"] for one in page["schemes"]]
        if page["after"] is None:
            break
        query["after"] = page["after"]
    assert seen == put_in
