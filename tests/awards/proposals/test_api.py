"""Notices over HTTP: what everybody sees, what organisers do, and refusals."""

from datetime import UTC, datetime

import httpx
import pytest

from services.awards.known.store import KnownStore
from shared.storage.mongo import Database
from tests.awards.builders import noticed, put, scheme
from tests.support.service import ORGANISER, as_participant, code_of, new_id

pytestmark = pytest.mark.stack


async def post(client: httpx.AsyncClient, path: str, body: object = None) -> httpx.Response:
    return await client.post(path, json=body, headers=ORGANISER)


async def test_a_notice_from_the_first_proposal_to_its_confirmation(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    of, team, other, person = noticed(scheme()), new_id("group"), new_id("group"), new_id("p")
    path = f"/schemes/{of.scheme_id}"
    assert (await put(client, of)).is_success
    assert (await client.get(path)).json()["issue"]["type"] == "after_notice"
    await known.add_participants([team, other, person])
    assert code_of(await client.get(f"{path}/notice")) == (404, "notice_unknown")
    assert code_of(await post(client, f"{path}/notice")) == (409, "nobody_proposed")
    assert code_of(await post(client, f"{path}/notice/confirm", {"version": 1})) == (
        409,
        "notice_unpublished",
    )
    assert code_of(await post(client, f"{path}/proposals")) == (422, "scheme_conferred")
    conferred = {"scheme_id": of.scheme_id, "recipient_id": team}
    assert code_of(await post(client, "/awards", conferred)) == (409, "scheme_after_notice")

    body = {
        "recipients": [
            {"recipient_id": team, "note": "推荐"},
            {"recipient_id": other},
            {"recipient_id": "no"},
        ]
    }
    named = (await post(client, f"{path}/conferrals", body)).json()["outcomes"]
    assert [(one["outcome"], one["code"]) for one in named] == [
        ("proposed", None),
        ("proposed", None),
        ("refused", "recipient_unknown"),
    ]
    listed = (await client.get(f"{path}/proposals", headers=ORGANISER)).json()
    assert {one["recipient_id"]: one["note"] for one in listed["proposals"]} == {team: "推荐", other: None}

    published = (await post(client, f"{path}/notice")).json()
    assert (published["status"], published["version"]) == ("running", 1)
    seen = (await client.get(f"{path}/notice")).json()
    assert {one["recipient_id"]: one["status"] for one in seen["entries"]} == {
        team: "proposed",
        other: "proposed",
    }
    assert "note" not in seen["entries"][0]

    against = {"recipient_id": other, "text": "请核实"}
    made = await client.post(f"{path}/objections", json=against, headers=as_participant(person))
    again = await client.post(f"{path}/objections", json=against, headers=as_participant(person))
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json()
    assert "text" not in made.json()
    by_organiser = await post(client, f"{path}/objections", {"recipient_id": team, "text": "来电反映"})
    assert by_organiser.status_code == 201
    assert (await client.post(f"{path}/objections", json=against)).status_code == 401
    assert (await client.get(f"{path}/objections")).status_code == 401
    objections = (await client.get(f"{path}/objections", headers=ORGANISER)).json()["objections"]
    assert {(one["by"], one["text"]) for one in objections} == {(person, "请核实"), (None, "来电反映")}
    for objection, outcome in ((made, "upheld"), (by_organiser, "dismissed")):
        decision = {"outcome": outcome, "reason": "经核实"}
        url = f"{path}/objections/{objection.json()['objection_id']}/decision"
        assert (await post(client, url, decision)).json()["outcome"] == outcome
    assert code_of(await post(client, f"{path}/objections/nothing/decision", decision)) == (
        404,
        "objection_unknown",
    )

    assert code_of(await post(client, f"{path}/notice/confirm", {"version": 2})) == (409, "notice_running")
    ended = {"$set": {"ends_at": datetime(2024, 1, 1, tzinfo=UTC)}}
    await database["notices"].update_one({"_id": of.scheme_id}, ended)
    assert code_of(
        await client.post(
            f"{path}/objections", json=against | {"recipient_id": team}, headers=as_participant(person)
        )
    ) == (409, "notice_ended")
    assert code_of(await post(client, f"{path}/notice/confirm", {"version": 1})) == (409, "notice_differs")
    assert (await post(client, f"{path}/notice/confirm", {"version": 2})).json()["status"] == "confirmed"
    seen = (await client.get(f"{path}/notice")).json()
    assert {one["recipient_id"]: one["code"] for one in seen["entries"]} == {team: None}


async def test_a_scheme_that_issues_at_once_has_no_notice(client: httpx.AsyncClient) -> None:
    of = scheme()
    await put(client, of)
    for way in ("proposals", "notice"):
        assert code_of(await post(client, f"/schemes/{of.scheme_id}/{way}")) == (409, "scheme_at_once")


@pytest.mark.parametrize("terms", [{"days": 0}, {"days": 31}, {"days": 1, "seconds": 86_400}])
async def test_a_notice_has_some_time_and_not_more_than_a_month(
    client: httpx.AsyncClient, terms: dict[str, int]
) -> None:
    body = scheme().model_dump(mode="json") | {"issue": {"type": "after_notice"} | terms}
    answer = await client.put(f"/schemes/{body['scheme_id']}", json=body, headers=ORGANISER)
    assert code_of(answer) == (422, "invalid")


async def test_how_a_scheme_issues_stays_once_somebody_is_proposed(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    of, team = noticed(scheme()), new_id("group")
    await put(client, of)
    await known.add_participants([team])
    await post(client, f"/schemes/{of.scheme_id}/conferrals", {"recipients": [{"recipient_id": team}]})
    at_once = scheme(of.scheme_id)
    assert code_of(await put(client, at_once)) == (409, "scheme_in_use")
    assert (await put(client, noticed(scheme(of.scheme_id, title="另一个名称")))).is_success


async def test_what_is_drawn_does_not_wait_for_a_notice(client: httpx.AsyncClient) -> None:
    assert code_of(await put(client, noticed(scheme(rule={"type": "drawn"})))) == (422, "drawn_at_once")
