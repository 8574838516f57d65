"""What holds in all rooms of awards: who may do what, words of refusals, the document, metrics."""

import json
from pathlib import Path

import httpx
import pytest

from services.awards.known.store import KnownStore
from tests.awards.builders import Week, certificate, completed, confer, prizes, put, scheme, week
from tests.support.service import ORGANISER, as_participant, code_of, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
SAMPLE = Path(__file__).parents[2] / "sample" / "puyang-2023" / "schemes.json"


async def test_organisers_alone_put_confer_list_apply_and_revoke(client: httpx.AsyncClient) -> None:
    of = scheme()
    requests = [
        ("PUT", f"/schemes/{of.scheme_id}", of.model_dump(mode="json")),
        ("GET", f"/schemes/{of.scheme_id}/state", None),
        ("POST", f"/schemes/{of.scheme_id}/apply", None),
        ("POST", "/awards", {"scheme_id": of.scheme_id, "recipient_id": "p"}),
        ("GET", f"/awards?scheme_id={of.scheme_id}", None),
        ("POST", "/awards/some-award/revoke", {"reason": "…"}),
    ]
    for method, path, body in requests:
        without = await client.request(method, path, json=body, headers=as_participant("p"))
        assert code_of(without) == (401, "organiser_key_missing"), path
        wrong = await client.request(method, path, json=body, headers={"X-Organiser-Key": "x" * 20})
        assert code_of(wrong) == (403, "organiser_key_wrong"), path


async def test_fields_that_nobody_knows_are_refused_everywhere(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    quiz, of = new_id("quiz"), scheme()
    await known.add_quizzes([quiz])
    body = of.model_dump(mode="json")
    tiers = prizes(quiz, gold=1).model_dump(mode="json")
    tiers["rule"]["tiers"][0]["prize"] = "a pen"
    for wrong in (body | {"tilte": "x"}, body | {"rule": {"type": "conferred", "by": "x"}}, tiers):
        path = f"/schemes/{wrong['scheme_id']}"
        assert code_of(await client.put(path, json=wrong, headers=ORGANISER)) == (422, "invalid")
        assert (await client.get(path)).status_code == 404
    await put(client, of)
    assert code_of(await confer(client, of, "p", notes="x")) == (422, "invalid")
    revoke = {"reason": "…", "why": "…"}
    answer = await client.post("/awards/some/revoke", json=revoke, headers=ORGANISER)
    assert code_of(answer) == (422, "invalid")


async def test_refusals_are_told_in_chinese_to_who_reads_it(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    await known.add_quizzes([quiz := new_id("quiz")])
    of, chinese = prizes(quiz, gold=1_200), {"Accept-Language": "zh-CN"}
    body = of.model_dump(mode="json")
    for language, word in ((chinese, "（1000）"), ({}, "at the most")):
        refused = await client.put(f"/schemes/{of.scheme_id}", json=body, headers=ORGANISER | language)
        assert code_of(refused) == (422, "places_above_standings")
        assert word in refused.json()["detail"]
    unknown = await client.get(f"/schemes/{of.scheme_id}", headers=chinese)
    assert unknown.json()["detail"] == "没有这个奖项方案"


async def test_every_operation_is_documented(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert all(one.get("summary") for one in operations)


async def test_the_sample_week_loads_twice_without_change(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    sample = json.loads(SAMPLE.read_text())
    await known.add_quizzes(["puyang-2023-contest"])
    for _ in range(2):
        for one in sample["schemes"]:
            answer = await client.put(f"/schemes/{one['scheme_id']}", json=one, headers=ORGANISER)
            assert answer.status_code == 200, answer.text
    loaded = (await client.get("/schemes")).json()["schemes"]
    assert sorted(one["scheme_id"] for one in loaded) == sorted(one["scheme_id"] for one in sample["schemes"])
    assert {one["kind"] for one in loaded} == {"certificate", "prize", "plaque", "flag"}
    assert "sample" in sample["notice"].lower()


async def test_an_award_that_follows_from_a_result_counts_in_the_metrics(kafka: str, mongo: str) -> None:
    quiz = new_id("quiz")
    of = certificate(quiz)
    async with week(kafka, mongo) as awards:
        await awards.put(of)
        before = await counted(awards)
        await awards.publish(completed(quiz, new_id("p")))
        await eventually(lambda: awards.awards(of.scheme_id), bool)

        # It is counted when MongoDB has confirmed it, a moment after it can be read.
        await eventually(lambda: counted(awards), lambda count: count >= before + 1)


async def counted(awards: Week) -> float:
    """How many certificates were issued, by the metrics."""
    line = 'kepu_awards_total{change="issued",kind="certificate",'
    text = (await awards.client.get("/metrics")).text
    return sum(float(one.split()[1]) for one in text.splitlines() if one.startswith(line))


async def test_every_kind_and_change_counts_from_zero(client: httpx.AsyncClient) -> None:
    text = (await client.get("/metrics")).text
    for kind in ("certificate", "prize", "plaque", "flag"):
        for change in ("issued", "revoked"):
            assert f'kepu_awards_total{{change="{change}",kind="{kind}",scheme="other"}}' in text
