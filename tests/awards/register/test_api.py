"""Awards over HTTP: schemes, conferring, revoking, codes, and who may do what."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from services.awards.app import assemble
from services.awards.known.store import KnownStore
from services.awards.schemes.rules import Scheme
from services.awards.wording import CHINESE
from shared.contracts.events import AwardIssued, AwardRevoked
from shared.storage.mongo import Database
from tests.awards.builders import (
    ORGANISER,
    Week,
    as_participant,
    certificate,
    completed,
    eventually,
    fresh,
    joined,
    prizes,
    running,
    scheme,
    settings,
    week,
)
from tests.support.kafka import fresh_database

pytestmark = pytest.mark.stack
SAMPLE = Path(__file__).parents[3] / "sample" / "puyang-2023" / "schemes.json"


@pytest.fixture
async def database(mongo: str) -> AsyncIterator[Database]:
    async with fresh_database(mongo) as database:
        yield database


@pytest.fixture
def known(database: Database) -> KnownStore:
    """Who and what awards knows of: no worker runs that would read it from Kafka."""
    return KnownStore(database)


@pytest.fixture
async def client(kafka: str, mongo: str, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with running(assemble(settings(kafka, mongo, role="api", database=database.name))) as client:
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
        await awards.tell(joined(team, kind="group"))
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


async def test_anyone_looks_a_code_up_and_sees_whether_it_holds(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    of, team = scheme(), fresh("group")
    await put(client, of)
    await known.add_participants([team])
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


async def test_the_code_of_an_erased_persons_award_says_that_it_is_genuine_and_nothing_about_them(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    of, person = scheme(), fresh("p")
    await put(client, of)
    await known.add_participants([person])
    award = (await confer(client, of, person)).json()
    path = f"/awards/{award['award_code']}"
    before = (await client.get(path)).json()
    await known.erase([person])
    assert (await client.get(path)).json() == before | {"recipient_id": None}
    reason = {"reason": "张三冒领"}
    await client.post(f"/awards/{award['award_id']}/revoke", json=reason, headers=ORGANISER)
    seen = (await client.get(path)).json()
    assert (seen["status"], seen["reason"], seen["recipient_id"]) == ("revoked", None, None)


async def test_the_token_of_an_erased_person_shows_no_awards(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    person = fresh("p")
    await known.erase([person])
    assert code_of(await client.get("/me/awards", headers=as_participant(person))) == (
        403,
        "participant_erased",
    )


async def test_participants_see_their_own_awards_alone_page_by_page(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    one, other = fresh("p"), fresh("p")
    await known.add_participants([one, other])
    first, second = scheme(), scheme()
    for of in (first, second):
        await put(client, of)
    await confer(client, first, one)
    await confer(client, second, one)
    await confer(client, first, other)
    mine = (await client.get("/me/awards", headers=as_participant(one))).json()
    assert [award["recipient_id"] for award in mine["awards"]] == [one, one]
    assert mine["after"] is None
    seen: list[str] = []
    query: dict[str, str] = {"limit": "1"}
    for _ in range(3):
        page = (await client.get("/me/awards", params=query, headers=as_participant(one))).json()
        seen += [award["award_code"] for award in page["awards"]]
        if page["after"] is None:
            break
        query["after"] = page["after"]
    assert seen == [award["award_code"] for award in mine["awards"]]
    nobody = await client.get("/me/awards", headers=as_participant(fresh("p")))
    assert nobody.json() == {"awards": [], "after": None}
    assert code_of(await client.get("/me/awards")) == (401, "token_missing")


async def test_a_scheme_in_use_changes_its_title_alone(client: httpx.AsyncClient, known: KnownStore) -> None:
    of, team = scheme(), fresh("group")
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
    quiz = fresh("quiz")
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
    put_in = sorted(fresh("scheme") for _ in range(5))
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


async def test_fields_that_nobody_knows_are_refused_everywhere(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    quiz, of = fresh("quiz"), scheme()
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


async def test_what_does_not_exist_is_awarded_by_nothing_and_to_nobody(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    quiz, flag = fresh("quiz"), scheme()
    of, too_many = certificate(quiz), prizes(quiz, gold=10, silver=1_200)
    await put(client, flag)
    no_quiz, nobody = await asyncio.gather(put(client, of), confer(client, flag, "service-team-weat"))
    assert code_of(no_quiz) == (404, "quiz_unknown")
    assert code_of(nobody) == (404, "recipient_unknown")
    await known.add_quizzes([quiz])
    assert code_of(await put(client, too_many)) == (422, "places_above_standings")
    listed = (await client.get("/schemes")).json()["schemes"]
    assert [one["scheme_id"] for one in listed] == [flag.scheme_id]
    state = await client.get(f"/schemes/{flag.scheme_id}/state", headers=ORGANISER)
    assert state.json() == {
        "scheme_id": flag.scheme_id,
        "in_use": False,
        "quiz_closed": False,
        "undecided": None,
    }


async def test_what_is_known_a_moment_later_is_waited_for(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    quiz, flag, team = fresh("quiz"), scheme(), fresh("group")
    await put(client, flag)

    async def a_moment_later() -> None:
        await known.add_quizzes([quiz])
        await known.add_participants([team])

    answers = await asyncio.gather(
        put(client, certificate(quiz)), confer(client, flag, team), a_moment_later()
    )
    assert [answer.status_code for answer in answers[:2]] == [200, 201]


async def test_what_cannot_be_is_refused_with_a_stable_code(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    mark, flag = certificate(fresh("quiz")), scheme()
    tiers = scheme(
        rule={"type": "rank_tiers", "quiz_id": fresh("quiz"), "tiers": [{"tier": "金", "places": 1}]}
    )
    await known.add_quizzes([quiz_id for of in (mark, tiers) if (quiz_id := of.quiz_id)])
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


async def test_refusals_are_told_in_chinese_to_who_reads_it(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    await known.add_quizzes([quiz := fresh("quiz")])
    of, chinese = prizes(quiz, gold=1_200), {"Accept-Language": "zh-CN"}
    body = of.model_dump(mode="json")
    for language, word in ((chinese, "（1000）"), ({}, "at the most")):
        refused = await client.put(f"/schemes/{of.scheme_id}", json=body, headers=ORGANISER | language)
        assert code_of(refused) == (422, "places_above_standings")
        assert word in refused.json()["detail"]
    unknown = await client.get(f"/schemes/{of.scheme_id}", headers=chinese)
    assert unknown.json()["detail"] == "没有这个奖励方案"


def test_every_code_of_awards_has_chinese_words() -> None:
    sources = "".join(path.read_text() for path in Path(assemble.__code__.co_filename).parent.rglob("*.py"))
    codes = set(re.findall(r'code="([a-z_]+)"', sources))
    assert len(codes) > 10
    assert codes <= CHINESE.keys()


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


async def test_a_schemes_awards_are_read_page_by_page(client: httpx.AsyncClient, known: KnownStore) -> None:
    of, teams = scheme(), {fresh("group") for _ in range(7)}
    await known.add_participants(teams)
    await put(client, of)
    for team in teams:
        await confer(client, of, team)
    seen: list[str] = []
    query: dict[str, str] = {"scheme_id": of.scheme_id, "limit": "3"}
    while True:
        page = (await client.get("/awards", params=query, headers=ORGANISER)).json()
        seen += [award["recipient_id"] for award in page["awards"]]
        if page["after"] is None:
            break
        query["after"] = page["after"]
    assert len(seen) == len(teams)
    assert set(seen) == teams


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


async def test_every_operation_is_documented(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert all(one.get("summary") for one in operations)


async def test_an_award_that_follows_from_a_result_counts_in_the_metrics(kafka: str, mongo: str) -> None:
    quiz = fresh("quiz")
    of = certificate(quiz)
    async with week(kafka, mongo) as awards:
        await awards.put(of)
        before = await counted(awards)
        await awards.tell(completed(quiz, fresh("p")))
        await eventually(lambda: awards.awards(of.scheme_id), bool)

        # It is counted when MongoDB has confirmed it, a moment after it can be read.
        await eventually(lambda: counted(awards), lambda count: count >= before + 1)


async def counted(awards: Week) -> float:
    """How many certificates were issued, by the metrics."""
    line = 'kepu_awards_total{change="issued",kind="certificate"} '
    [found] = [one for one in (await awards.client.get("/metrics")).text.splitlines() if one.startswith(line)]
    return float(found.removeprefix(line))


async def test_every_kind_and_change_counts_from_zero(client: httpx.AsyncClient) -> None:
    text = (await client.get("/metrics")).text
    for kind in ("certificate", "prize", "plaque", "flag"):
        for change in ("issued", "revoked"):
            assert f'kepu_awards_total{{change="{change}",kind="{kind}"}}' in text
