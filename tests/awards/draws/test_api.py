"""Draws over HTTP, with events on Kafka; and the page of a draw."""

import json
from typing import Any

import httpx
import pytest

from ops.draws.verify import differences
from shared.contracts.events import AwardDrawn, DrawAnnounced
from shared.storage.mongo import Database
from shared.web.paced import Paced
from tests.awards.builders import confer, joined, put, scheme, week
from tests.awards.draws.builders import PUBLIC, REVEALED, SECRET, DrawParts, definition, draw, ids, lucky
from tests.awards.parts import Parts
from tests.support.kafka import read_all
from tests.support.networks import check_turns
from tests.support.service import ORGANISER, code_of, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
Json = dict[str, Any]


async def act(client: httpx.AsyncClient, draw_id: str, name: str, body: Json | None = None) -> Json:
    answer = await client.post(f"/draws/{draw_id}/{name}", json=body, headers=ORGANISER)
    assert answer.is_success, answer.text
    found: Json = answer.json()
    return found


async def state(client: httpx.AsyncClient, draw_id: str) -> Json:
    found: Json = (await client.get(f"/draws/{draw_id}/state", headers=ORGANISER)).json()
    return found


async def test_a_draw_from_the_draft_to_the_awards(kafka: str, mongo: str) -> None:
    of, flag, draw_id = lucky(new_id("lucky")), scheme(), new_id("draw")
    people = [new_id("p") for _ in range(9)]
    async with week(kafka, mongo, copies=2) as awards:
        client = awards.client
        await awards.publish(*[joined(one) for one in people])
        await awards.put(of, flag)
        body = definition(of.scheme_id)
        new = await client.put(f"/draws/{draw_id}", json=body, headers=ORGANISER)
        assert new.status_code == 200, new.text
        assert code_of(await client.get(f"/draws/{draw_id}")) == (404, "draw_not_announced")
        for one in people:
            # Conferring waits until awards has heard of the recipient.
            assert (await confer(client, flag, one)).status_code == 201
        named = {"entrants": [{"entrant_id": one, "chances": 2} for one in people]}
        assert (await act(client, draw_id, "entrants", named))["named"] == 9
        await act(client, draw_id, "freeze")
        await eventually(lambda: state(client, draw_id), lambda now: now["state"] == "announced")
        await check_turns(client, Paced, f"/draws/{draw_id}/entrants.txt")
        text = (await client.get(f"/draws/{draw_id}/entrants.txt")).text
        assert text == "".join(f"{one} 2\n" for one in sorted(people))
        assert differences((await client.get(f"/draws/{draw_id}")).json(), text) == []
        await act(client, draw_id, "hold", {"inputs": [{"secret": SECRET}]})
        await eventually(lambda: awards.said(of.scheme_id), lambda told: len(told) == 3)
        shown = (await client.get(f"/draws/{draw_id}")).json()
        assert differences(shown, text) == []
        drawn = [one["entrant_id"] for one in shown["drawn"]]
        held = {one["recipient_id"] for one in await awards.awards(of.scheme_id)}
        assert held == set(drawn[:3])
        await act(client, draw_id, "moves", {"entrant_id": drawn[0], "reason": "工作人员"})
        await eventually(lambda: awards.said(of.scheme_id), lambda told: len(told) == 5)
        await act(client, draw_id, "again", {"number": 1, "reason": "名单有误"})
        await eventually(lambda: awards.said(of.scheme_id), lambda told: len(told) == 8)
        last = (await client.get(f"/draws/{draw_id}")).json()
        assert last["replaced_because"] == "名单有误"
        assert differences(last, text) == []
        await eventually(lambda: state(client, draw_id), lambda now: not now["working"])
        events = await eventually(
            lambda: told_of(kafka, AwardDrawn.topic, draw_id), lambda told: len(told) == 3
        )
    assert [event["version"] for event in events] == [2, 3, 4]
    assert [event["moved"] for event in events][1:] == [
        [{"entrant_id": drawn[0], "code": "not_entitled"}],
        [{"entrant_id": drawn[0], "code": "not_entitled"}],
    ]
    [announced] = await told_of(kafka, DrawAnnounced.topic, draw_id)
    assert announced["list_sha256"] == shown["list_sha256"]
    assert "工作人员" not in json.dumps(events, ensure_ascii=False)


async def told_of(kafka: str, topic: str, draw_id: str) -> list[Json]:
    found = [json.loads(record.value or b"") for record in await read_all(kafka, topic)]
    return [event for event in found if event["draw_id"] == draw_id]


async def announced(database: Database, **changes: Any) -> tuple[DrawParts, str]:
    one = DrawParts(Parts(database))
    await one.store.prepare()
    drawing = await one.announced(draw("lucky", "draw", **changes), dict.fromkeys(ids(10), 1))
    return one, drawing.draw_id


async def test_a_browser_gets_a_page_that_computes_the_draw(
    client: httpx.AsyncClient, database: Database
) -> None:
    one, draw_id = await announced(database)
    page = await client.get(f"/draws/{draw_id}", headers=BROWSER | {"accept-language": "zh-CN"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.text.count("<script") == 1
    assert '<script type="module" src="verify.js"></script>' in page.text
    assert "名单已固定，尚未抽签" in page.text
    script = await client.get("/draws/verify.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "crypto.subtle" in script.text
    held = await one.draws.hold(draw_id, REVEALED)
    english = await client.get(f"/draws/{draw_id}", headers=BROWSER | {"accept-language": "en"})
    assert all(entrant in english.text for entrant in held.drawn)
    assert "reserve" in english.text
    nobody = await client.get("/draws/nothing", headers=BROWSER)
    assert nobody.status_code == 404
    assert nobody.headers["content-type"] == "text/html; charset=utf-8"


async def test_the_public_does_not_see_who_is_excluded(client: httpx.AsyncClient, database: Database) -> None:
    _, draw_id = await announced(database, excluded=["p003"])
    shown = await client.get(f"/draws/{draw_id}")
    assert shown.json()["left_out"] == {"excluded": 1}
    assert "p003" not in shown.text
    assert code_of(await client.get(f"/draws/{draw_id}/definition")) == (401, "organiser_key_missing")
    definition = await client.get(f"/draws/{draw_id}/definition", headers=ORGANISER)
    assert definition.json()["excluded"] == ["p003"]
    # What is read may be put back.
    again = await client.put(f"/draws/{draw_id}", json=definition.json(), headers=ORGANISER)
    assert (again.status_code, again.headers["etag"]) == (200, definition.headers["etag"])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"prizes": [{"tier": "一等", "places": 1}, {"tier": "一等", "places": 2}]}, "tiers_alike"),
        ({"prizes": [{"tier": "一等", "places": 2_000}], "reserves": 1}, "too_many_drawn"),
        ({"sources": [definition("x")["sources"][0]] * 2}, "commitments_alike"),
        ({"sources": []}, "too_short"),
        ({"sources": [PUBLIC | {"expected_at": "2023"}]}, "moment_form"),
    ],
)
async def test_what_cannot_be_a_draw_is_refused(client: httpx.AsyncClient, changes: Json, code: str) -> None:
    await put(client, lucky("lucky"))
    body = definition("lucky", **changes)
    answer = await client.put("/draws/draw", json=body, headers=ORGANISER)
    assert answer.status_code == 422
    assert code in answer.text, answer.text


async def test_another_id_in_the_body_is_refused(client: httpx.AsyncClient) -> None:
    await put(client, lucky("lucky"))
    body = definition("lucky", draw_id="other")
    answer = await client.put("/draws/draw", json=body, headers=ORGANISER)
    assert code_of(answer) == (422, "draw_id_differs")


async def test_draws_are_listed_page_by_page(client: httpx.AsyncClient, database: Database) -> None:
    one = DrawParts(Parts(database))
    for number in range(3):
        await one.put(draw(f"lucky-{number}", f"draw-{number}"))
    first = (await client.get("/draws", params={"limit": 2}, headers=ORGANISER)).json()
    second = (await client.get("/draws", params={"after": first["after"]}, headers=ORGANISER)).json()
    found = [one["draw_id"] for one in (*first["draws"], *second["draws"])]
    assert (found, second["after"]) == (["draw-0", "draw-1", "draw-2"], None)
