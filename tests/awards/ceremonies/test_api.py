"""Ceremonies over HTTP."""

import csv
import io
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from services.awards.ceremonies.arrivals import ArrivalStore
from services.awards.ceremonies.handlers import ArrivalHandler
from services.awards.ceremonies.rules import Item
from services.awards.ceremonies.store import CeremonyStore
from services.awards.known.store import KnownStore
from shared.contracts.events import AwardHandedOver
from shared.storage.mongo import Database
from shared.storage.outbox import waiting
from tests.awards.builders import put, scheme
from tests.awards.ceremonies.builders import (
    attendance_in,
    ceremony,
    checked_in,
    conferred,
    fresh,
    mark,
    not_checked_in,
    put_ceremony,
    script_of,
)
from tests.support.kafka import read_back
from tests.support.service import ORGANISER, as_participant, batch_of, code_of

pytestmark = pytest.mark.stack


async def come(database: Database, *events: Any) -> None:
    """As the consumer does."""
    handler = ArrivalHandler(ArrivalStore(database), KnownStore(database))
    assert await handler.keep(batch_of(*map(fresh, events))) == ()


async def said(database: Database) -> list[AwardHandedOver]:
    records = [one for one in await waiting(database) if one[0] == AwardHandedOver.topic]
    return [one.event for one in read_back(records, AwardHandedOver)]


async def test_the_script_has_who_is_there_whether_they_came_before_or_after_the_ceremony_was_put(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    of, codes = await conferred(client, known, 4)
    early, late, proxy, away = codes
    await come(database, checked_in(early), checked_in(away, session_id="elsewhere"))
    assert (await put_ceremony(client, ceremony(Item(scheme_id=of.scheme_id)))).status_code == 200
    await come(database, checked_in(late))
    body = {"receiver_name": "李大明", "reason": "在外地上学"}
    path = f"/ceremonies/closing/proxies/{proxy}"
    assert (await client.put(path, json=body, headers=ORGANISER)).status_code == 200
    script = await script_of(client)
    assert attendance_in(script) == {early: "present", late: "present", proxy: "proxy", away: "absent"}
    assert script["counts"] == {
        "awards": 4,
        "present": 2,
        "by_proxy": 1,
        "absent": 1,
        "handed_over": 0,
        "to_send": 4,
    }
    [call] = script["calls"]
    assert {one["award_code"] for one in call["recipients"]} == set(codes.values())
    # Words about who comes are for organisers, and the script for all readers.
    assert "李大明" not in str(script)


async def test_an_undone_check_in_counts_in_any_order_and_however_often_it_comes(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    of, codes = await conferred(client, known, 2)
    gone, back = codes
    await put_ceremony(client, ceremony(Item(scheme_id=of.scheme_id)))
    await come(database, not_checked_in(gone, 3), checked_in(back, 2), not_checked_in(back, 3))
    await come(database, checked_in(gone, 2), checked_in(back, 4), checked_in(gone, 2))
    await come(database, not_checked_in(back, 3))
    assert attendance_in(await script_of(client)) == {gone: "absent", back: "present"}


async def test_the_revoked_and_the_erased_are_not_called(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    of, codes = await conferred(client, known, 3)
    revoked, erased, stays = codes
    await put_ceremony(client, ceremony(Item(scheme_id=of.scheme_id)))
    listed = (await client.get("/awards", params={"scheme_id": of.scheme_id}, headers=ORGANISER)).json()
    [id_] = [one["award_id"] for one in listed["awards"] if one["recipient_id"] == revoked]
    await client.post(f"/awards/{id_}/revoke", json={"reason": "误发"}, headers=ORGANISER)
    await known.erase([erased])
    assert set(attendance_in(await script_of(client))) == {stays}
    assert code_of(await mark(client, codes[revoked])) == (409, "award_not_held")
    assert code_of(await mark(client, codes[erased])) == (409, "participant_erased")
    await come(database, checked_in(erased))
    assert await database["arrivals"].find({"participant_id": erased}).to_list(None) == []


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_the_script_is_a_file_without_formulas(
    client: httpx.AsyncClient, known: KnownStore, kind: str
) -> None:
    of, codes = await conferred(client, known, 3)
    item = Item(scheme_id=of.scheme_id, presenter="=HYPERLINK(1)", group_size=2)
    await put_ceremony(client, ceremony(item))
    answer = await client.get("/ceremonies/closing/script/export", params={"format": kind}, headers=ORGANISER)
    if kind == "csv":
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    else:
        [sheet] = load_workbook(io.BytesIO(answer.content)).worksheets
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
        rows = [[str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    found = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert {one["award_code"] for one in found} == set(codes.values())
    assert [(one["call"], one["part"]) for one in found] == [("1", "1/2"), ("1", "1/2"), ("2", "2/2")]
    assert found[0]["presenter"] == ("'" if kind == "csv" else "") + "=HYPERLINK(1)"
    assert (found[0]["attendance"], found[0]["handed_over"]) == ("absent", "no")


async def test_what_is_handed_over_is_noted_once_and_can_be_undone(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    of, codes = await conferred(client, known, 3)
    (one, proxy, other), (first, second, third) = codes, codes.values()
    await put_ceremony(client, ceremony(Item(scheme_id=of.scheme_id)))
    path = f"/ceremonies/closing/proxies/{proxy}"
    await client.put(path, json={"receiver_id": other}, headers=ORGANISER)
    answer = await mark(client, first.lower(), second, first)
    assert answer.status_code == 200, answer.text
    assert [(x["recipient_id"], x["by_proxy"]) for x in answer.json()["changed"]] == [
        (one, False),
        (proxy, True),
    ]
    assert (await mark(client, first)).json() == {"changed": []}
    assert (await script_of(client))["counts"]["to_send"] == 1
    assert [x["handed_over"] for x in (await mark(client, first, undo=True)).json()["changed"]] == [False]
    assert (await mark(client, first, third, undo=True)).json() == {"changed": []}
    assert (await script_of(client))["counts"]["to_send"] == 2
    assert [(e.recipient_id, e.version, e.handed_over, e.by_proxy) for e in await said(database)] == [
        (one, 1, True, False),
        (proxy, 1, True, True),
        (one, 2, False, False),
    ]


async def test_a_marking_that_is_refused_marks_nothing(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    of, codes = await conferred(client, known, 1)
    _, more = await conferred(client, known, 1)
    [code], [elsewhere] = codes.values(), more.values()
    await put_ceremony(client, ceremony(Item(scheme_id=of.scheme_id)))
    await put_ceremony(client, ceremony(Item(scheme_id=of.scheme_id), ceremony_id="second"))
    assert code_of(await mark(client, code, elsewhere)) == (409, "award_not_called")
    assert code_of(await mark(client, code, "KW-00000-00000")) == (404, "award_unknown")
    assert code_of(await mark(client, code, "KW-1")) == (422, "award_code_malformed")
    assert code_of(await mark(client, code, of="none")) == (404, "ceremony_unknown")
    assert await said(database) == []
    assert (await mark(client, code)).is_success
    assert code_of(await mark(client, code, of="second")) == (409, "handed_over_elsewhere")
    gone = await client.delete("/ceremonies/closing", headers=ORGANISER)
    assert code_of(gone) == (409, "ceremony_in_use")
    assert (await client.delete("/ceremonies/second", headers=ORGANISER)).status_code == 204
    assert len(await said(database)) == 1


async def test_a_ceremony_names_schemes_and_tiers_that_are_there(client: httpx.AsyncClient) -> None:
    of = scheme()
    await put(client, of)
    none = ceremony(Item(scheme_id="none"))
    assert code_of(await put_ceremony(client, none)) == (404, "scheme_unknown")
    tier = ceremony(Item(scheme_id=of.scheme_id, tiers=("一等奖",)))
    assert code_of(await put_ceremony(client, tier)) == (422, "tier_unknown")
    twice = ceremony(Item(scheme_id=of.scheme_id)).model_dump(mode="json")
    twice["items"] *= 2
    answer = await client.put("/ceremonies/closing", json=twice, headers=ORGANISER)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "called_twice")
    good = ceremony(Item(scheme_id=of.scheme_id))
    assert (await put_ceremony(client, good)).json() == good.model_dump(mode="json")
    differs = await client.put("/ceremonies/other", json=good.model_dump(mode="json"), headers=ORGANISER)
    assert code_of(differs) == (422, "ceremony_id_differs")
    listed = (await client.get("/ceremonies", headers=ORGANISER)).json()
    assert [one["ceremony_id"] for one in listed["ceremonies"]] == ["closing"]


async def test_proxies_go_when_either_of_the_two_is_erased(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    of, codes = await conferred(client, known, 3)
    first, second, receiver = codes
    await put_ceremony(client, ceremony(Item(scheme_id=of.scheme_id)))
    path = "/ceremonies/closing/proxies"
    for one, body in ((first, {"receiver_name": "李大明"}), (second, {"receiver_id": receiver})):
        assert (await client.put(f"{path}/{one}", json=body, headers=ORGANISER)).is_success
    nobody = await client.put(f"{path}/{first}", json={"receiver_id": "nobody"}, headers=ORGANISER)
    assert code_of(nobody) == (404, "recipient_unknown")
    both = await client.put(f"{path}/{first}", json={}, headers=ORGANISER)
    assert (both.status_code, both.json()["errors"][0]["code"]) == (422, "one_receiver")
    listed = (await client.get(path, headers=ORGANISER)).json()["proxies"]
    assert sorted(one["recipient_id"] for one in listed) == sorted([first, second])
    await CeremonyStore(database).forget([first, receiver])
    assert (await client.get(path, headers=ORGANISER)).json() == {"proxies": []}
    assert code_of(await client.get(f"{path}/{first}", headers=ORGANISER)) == (404, "proxy_unknown")
    await known.erase([first])
    late = await client.put(f"{path}/{first}", json={"receiver_name": "李大明"}, headers=ORGANISER)
    assert code_of(late) == (409, "participant_erased")


async def test_a_ceremony_that_calls_too_many_is_refused(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    of, _ = await conferred(client, known, 1)
    await put_ceremony(client, ceremony(Item(scheme_id=of.scheme_id)))
    [one] = await database["awards"].find().to_list(None)
    begins = one["_id"][:-6]
    many = [one | {"_id": f"{begins}{n:06}", "award_code": f"KW-{n}"} for n in range(2_000)]
    await database["awards"].insert_many([copy for copy in many if copy["_id"] != one["_id"]])
    answer = await client.get("/ceremonies/closing/script", headers=ORGANISER)
    assert code_of(answer) == (409, "too_many_awards")


async def test_nobody_but_organisers_changes_a_ceremony(client: httpx.AsyncClient, known: KnownStore) -> None:
    of, codes = await conferred(client, known, 1)
    await put_ceremony(client, ceremony(Item(scheme_id=of.scheme_id)))
    [(person, code)] = codes.items()
    for headers in ({}, as_participant(person)):
        assert (await client.get("/ceremonies/closing/script", headers=headers)).status_code == 401
        answer = await client.post(
            "/ceremonies/closing/handed-over", json={"award_codes": [code]}, headers=headers
        )
        assert answer.status_code == 401
