"""The issued awards over HTTP: codes, one's own awards, and a scheme's awards."""

import httpx
import pytest

from services.awards.known.store import KnownStore
from shared.contracts.events import AwardIssued
from shared.storage.mongo import Database
from shared.storage.outbox import waiting
from tests.awards.builders import NOW, confer, put, scheme
from tests.support.kafka import read_back
from tests.support.service import ORGANISER, as_participant, code_of, new_id

pytestmark = pytest.mark.stack


async def test_anyone_looks_a_code_up_and_sees_whether_it_holds(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    of, team = scheme(), new_id("group")
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


async def test_a_revocation_repeated_with_the_same_reason_changes_nothing_and_with_another_is_refused(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    of, team = scheme(), new_id("group")
    await put(client, of)
    await known.add_participants([team])
    award = (await confer(client, of, team)).json()
    path = f"/awards/{award['award_id']}/revoke"
    first = await client.post(path, json={"reason": "授予有误"}, headers=ORGANISER)
    again = await client.post(path, json={"reason": "授予有误"}, headers=ORGANISER)
    assert (again.status_code, again.json()) == (200, first.json())
    other = await client.post(path, json={"reason": "成绩复核后撤销"}, headers=ORGANISER)
    assert code_of(other) == (409, "award_revoked")
    assert (await client.get(f"/awards/{award['award_code']}")).json()["reason"] == "授予有误"


async def test_the_code_of_an_erased_persons_award_says_that_it_is_genuine_and_nothing_about_them(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    of, person = scheme(), new_id("p")
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


async def test_the_token_of_an_erased_person_is_no_longer_good(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    person = new_id("p")
    await known.erase([person])
    answer = await client.get("/me/awards", headers=as_participant(person))
    assert code_of(answer) == (401, "participant_erased")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_participants_see_their_own_awards_alone_page_by_page(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    one, other = new_id("p"), new_id("p")
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
    nobody = await client.get("/me/awards", headers=as_participant(new_id("p")))
    assert nobody.json() == {"awards": [], "after": None}
    assert code_of(await client.get("/me/awards")) == (401, "token_missing")


async def test_a_schemes_awards_are_read_page_by_page(client: httpx.AsyncClient, known: KnownStore) -> None:
    of, teams = scheme(), {new_id("group") for _ in range(7)}
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


async def test_a_revoked_award_is_reinstated_with_the_same_code(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    of, team = scheme(), new_id("group")
    await put(client, of)
    await known.add_participants([team])
    award = (await confer(client, of, team)).json()
    path = f"/awards/{award['award_id']}"
    await client.post(f"{path}/revoke", json={"reason": "授予有误"}, headers=ORGANISER)
    for _ in range(2):
        again = await client.post(f"{path}/reinstate", headers=ORGANISER)
        assert again.status_code == 200, again.text
        assert (again.json()["status"], again.json()["reason"]) == ("held", None)
    seen = (await client.get(f"/awards/{award['award_code']}")).json()
    assert seen["status"] == "held"
    told = read_back(await waiting(database), AwardIssued)
    versions = [one.event.version for one in told if one.event.award_id == award["award_id"]]
    assert versions == [1, 3]
    assert (await confer(client, of, team)).status_code == 200
    by_rule = {"$set": {"revoked_at": NOW, "code": "not_earned", "reason": "…"}}
    await database["awards"].update_one({"_id": award["award_id"]}, by_rule)
    refused = await client.post(f"{path}/reinstate", headers=ORGANISER)
    assert code_of(refused) == (409, "award_not_earned")
    nothing = await client.post("/awards/nothing/reinstate", headers=ORGANISER)
    assert code_of(nothing) == (404, "award_unknown")


async def test_an_erased_persons_award_is_not_reinstated(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    of, person = scheme(), new_id("p")
    await put(client, of)
    await known.add_participants([person])
    award = (await confer(client, of, person)).json()
    await client.post(f"/awards/{award['award_id']}/revoke", json={"reason": "授予有误"}, headers=ORGANISER)
    await known.erase([person])
    refused = await client.post(f"/awards/{award['award_id']}/reinstate", headers=ORGANISER)
    assert code_of(refused) == (409, "participant_erased")
