"""Awards over HTTP: schemes, conferring, revoking, codes, and who may do what."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from services.awards.app import assemble
from services.awards.schemes import Scheme
from shared.contracts.events import AwardIssued, AwardRevoked
from tests.awards.builders import (
    ORGANISER,
    Week,
    as_participant,
    certificate,
    completed,
    eventually,
    fresh,
    running,
    scheme,
    settings,
    week,
)

pytestmark = pytest.mark.stack
SAMPLE = Path(__file__).parents[2] / "sample" / "puyang-2023" / "schemes.json"


@pytest.fixture
async def known(mongo: str) -> AsyncIterator[KnownStore]:
    """Who and what awards knows of, without a worker that reads it from Kafka."""
    async with fresh_database(mongo) as database:
        yield KnownStore(database)


@pytest.fixture
async def client(kafka: str, mongo: str, known: KnownStore) -> AsyncIterator[httpx.AsyncClient]:
    async with running(assemble(settings(kafka, mongo, role="api", database=known.database))) as client:
        yield client


async def put(client: httpx.AsyncClient, of: Scheme) -> httpx.Response:
    body = of.model_dump(mode="json")
    return await client.put(f"/schemes/{of.scheme_id}", json=body, headers=ORGANISER)


async def confer(client: httpx.AsyncClient, of: Scheme, recipient_id: str, **more: str) -> httpx.Response:
    body = {"scheme_id": of.scheme_id, "recipient_id": recipient_id, **more}
    return await client.post("/awards", json=body, headers=ORGANISER)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_conferring_at_once_and_again_makes_one_award_told_once(kafka: str, mongo: str) -> None:
    of, team = scheme(), fresh("group")
    async with week(kafka, mongo) as awards:
        await awards.put(of)
        answers = await asyncio.gather(
            *[confer(awards.client, of, team, note="2023-05-20 授旗") for _ in range(10)]
        )
        assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
        assert len({answer.text for answer in answers}) == 1
        award = answers[0].json()
        [(_, event)] = await eventually(lambda: said(awards, of), bool)
        again = await confer(awards.client, of, team)
        assert (again.status_code, again.json()) == (200, award)

        path = f"/awards/{award['award_id']}/revoke"
        revoked = await awards.client.post(path, json={"reason": "授予有误"}, headers=ORGANISER)
        assert revoked.json()["status"] == "revoked"
        assert code_of(await confer(awards.client, of, team)) == (409, "award_revoked")
        told = await eventually(lambda: said(awards, of), lambda told: len(told) > 1)
    assert isinstance(event, AwardIssued)
    assert (event.recipient_id, event.kind, event.award_code) == (team, "flag", award["award_code"])
    assert {type(event) for _, event in told} == {AwardIssued, AwardRevoked}
    assert len(told) == 2


async def said(awards: Week, of: Scheme) -> list[tuple[str, AwardIssued | AwardRevoked]]:
    return await awards.said(of.scheme_id)


async def test_anyone_looks_a_code_up_and_sees_whether_it_holds(client: httpx.AsyncClient) -> None:
    of, team = scheme(), fresh("group")
    await put(client, of)
    award = (await confer(client, of, team)).json()
    code = award["award_code"]
    seen = (await client.get(f"/awards/{code.lower().replace('0', 'o')}")).json()
    assert seen["status"] == "held"
    assert (seen["scheme_title"], seen["kind"], seen["recipient_id"]) == (of.title, of.kind, team)
    assert not {"note", "cause", "award_id"} & seen.keys()
    await client.post(f"/awards/{award['award_id']}/revoke", json={"reason": "授予有误"}, headers=ORGANISER)
    seen = (await client.get(f"/awards/{code}")).json()
    assert (seen["status"], seen["reason"]) == ("revoked", "授予有误")
    assert seen["revoked_at"] is not None

    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert code_of(await client.get(f"/awards/{wrong}")) == (422, "award_code_malformed")
    assert code_of(await client.get("/awards/KW-00000-00000")) == (404, "award_unknown")


async def test_participants_see_their_own_awards_alone(client: httpx.AsyncClient) -> None:
    one, other = fresh("p"), fresh("p")
    first, second = scheme(), scheme()
    for of in (first, second):
        await put(client, of)
    await confer(client, first, one)
    await confer(client, second, one)
    await confer(client, first, other)
    mine = (await client.get("/me/awards", headers=as_participant(one))).json()
    assert [award["recipient_id"] for award in mine] == [one, one]
    assert (await client.get("/me/awards", headers=as_participant(fresh("p")))).json() == []
    assert code_of(await client.get("/me/awards")) == (401, "token_missing")


async def test_a_scheme_in_use_changes_its_title_alone(client: httpx.AsyncClient) -> None:
    of = scheme()
    assert (await put(client, of)).status_code == 200
    changed = certificate("contest", 70).model_copy(update={"scheme_id": of.scheme_id})
    assert (await put(client, changed)).status_code == 200
    assert (await put(client, of)).json() == of.model_dump(mode="json")
    before = (await confer(client, of, fresh("group"))).json()
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
    assert (await client.get("/schemes")).json() == [of.model_dump(mode="json")]


async def test_what_cannot_be_is_refused_with_a_stable_code(client: httpx.AsyncClient) -> None:
    mark, flag = certificate(fresh("quiz")), scheme()
    tiers = scheme(
        rule={"type": "rank_tiers", "quiz_id": fresh("quiz"), "tiers": [{"tier": "金", "places": 1}]}
    )
    for of in (mark, flag, tiers):
        await put(client, of)
    assert code_of(await confer(client, mark, "p")) == (422, "scheme_not_conferred")
    assert code_of(await confer(client, scheme(), "p")) == (404, "scheme_unknown")
    assert code_of(await confer(client, flag, "not an id")) == (422, "invalid")
    for of, expected in ((flag, (422, "scheme_conferred")), (tiers, (409, "quiz_not_closed"))):
        answer = await client.post(f"/schemes/{of.scheme_id}/apply", headers=ORGANISER)
        assert code_of(answer) == expected
    revoked = await client.post("/awards/unknown/revoke", json={"reason": "…"}, headers=ORGANISER)
    assert code_of(revoked) == (404, "award_unknown")
    body = flag.model_dump(mode="json") | {"rule": {"type": "pass_mark", "quiz_id": "q", "score": 60}}
    wrong = await client.put(f"/schemes/{flag.scheme_id}", json=body, headers=ORGANISER)
    assert code_of(wrong) == (422, "invalid")
    other = await client.put(
        f"/schemes/{flag.scheme_id}", json=mark.model_dump(mode="json"), headers=ORGANISER
    )
    assert code_of(other) == (422, "scheme_id_differs")


async def test_organisers_alone_put_confer_list_apply_and_revoke(client: httpx.AsyncClient) -> None:
    of = scheme()
    requests = [
        ("PUT", f"/schemes/{of.scheme_id}", of.model_dump(mode="json")),
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


async def test_a_schemes_awards_are_read_page_by_page(client: httpx.AsyncClient) -> None:
    of, teams = scheme(), {fresh("group") for _ in range(7)}
    await put(client, of)
    for team in teams:
        await confer(client, of, team)
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        query: dict[str, str] = {"scheme_id": of.scheme_id, "limit": "3", "after": after}
        page = (await client.get("/awards", params=query, headers=ORGANISER)).json()
        seen += [award["recipient_id"] for award in page["awards"]]
        after = page["after"]
    assert len(seen) == len(teams)
    assert set(seen) == teams


async def test_the_sample_week_loads_twice_without_change(client: httpx.AsyncClient) -> None:
    sample = json.loads(SAMPLE.read_text())
    for _ in range(2):
        for one in sample["schemes"]:
            answer = await client.put(f"/schemes/{one['scheme_id']}", json=one, headers=ORGANISER)
            assert answer.status_code == 200, answer.text
    loaded = (await client.get("/schemes")).json()
    assert sorted(one["scheme_id"] for one in loaded) == sorted(one["scheme_id"] for one in sample["schemes"])
    assert {one["kind"] for one in loaded} == {"certificate", "prize", "plaque", "flag"}
    assert "sample" in sample["notice"].lower()


async def test_every_operation_is_documented(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert all(one.get("summary") for one in operations)


async def test_an_award_that_follows_from_a_result_counts_in_the_metrics(kafka: str, mongo: str) -> None:
    quiz = fresh("quiz")
    of = certificate(quiz)
    async with week(kafka, mongo) as awards:
        await awards.put(of)
        await awards.tell(completed(quiz, fresh("p")))
        await eventually(lambda: awards.awards(of.scheme_id), bool)

        async def text() -> str:
            return (await awards.client.get("/metrics")).text

        line = 'kepu_awards_total{change="issued",kind="certificate"}'
        # It is counted when MongoDB has confirmed it, a moment after it can be read.
        await eventually(text, lambda seen: line in seen)
