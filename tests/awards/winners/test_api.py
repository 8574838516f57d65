"""The list of winners over HTTP: who may read it, what it has, and what is kept of the reading."""

import csv
import io
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from services.awards.known.store import KnownStore
from services.awards.names.store import NameStore
from shared.runtime import clock
from shared.storage.mongo import Database
from tests.awards.builders import confer, erased, put, scheme, service
from tests.awards.names.builders import AT_HOME, named
from tests.support.service import ORGANISER, as_participant, code_of, new_id

pytestmark = pytest.mark.stack
REASON = {"reason": "寄送奖品"}


async def holders(client: httpx.AsyncClient, known: KnownStore, database: Database) -> tuple[str, list[str]]:
    """A scheme with three awards: a person at home, one who shows no name, one awards knows no name of."""
    of = scheme()
    await put(client, of)
    people = [new_id("person") for _ in range(3)]
    await known.add_participants(people)
    for one in people:
        assert (await confer(client, of, one)).is_success
    school = named("school", "第一中学", kind="group", shown="full")
    at_home = named(people[0], address=AT_HOME, group_id="school")
    await NameStore(database).keep([school, at_home, named(people[1], shown="none")], clock.now())
    return of.scheme_id, people


async def winners(client: httpx.AsyncClient, scheme_id: str, **query: Any) -> dict[str, dict[str, Any]]:
    answer = await client.post(f"/schemes/{scheme_id}/winners", json=REASON, params=query, headers=ORGANISER)
    assert answer.status_code == 200, answer.text
    return {one["recipient_id"]: one for one in answer.json()["winners"]}


async def acts(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/acts", headers=ORGANISER)).json()["acts"]
    return [one for one in found if "/winners" in one["route"]]


async def test_winners_are_read_with_names_and_the_reading_is_kept(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    scheme_id, (at_home, hidden, unheard) = await holders(client, known, database)
    found = await winners(client, scheme_id)
    assert found[at_home]["name"] == "李小明"
    assert (found[at_home]["unit"], found[at_home]["district"]) == ("第一中学", "华龙区")
    assert found[at_home]["address"]["street"] == AT_HOME["street"]
    assert found[hidden]["name"] == "李小明"
    assert (found[unheard]["name"], found[unheard]["address"]) == (None, None)
    [act] = await acts(client)
    assert act["details"] == {"people": 3, "reason": REASON["reason"]}
    assert (act["ids"], act["status"]) == ({"scheme_id": scheme_id}, 200)


async def test_pages_lead_to_all_winners(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    scheme_id, people = await holders(client, known, database)
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        path = f"/schemes/{scheme_id}/winners"
        page = (await client.post(path, json=REASON, params={"limit": "2"} | after, headers=ORGANISER)).json()
        seen += [one["recipient_id"] for one in page["winners"]]
        if page["after"] is None:
            break
        after = {"after": page["after"]}
    assert sorted(seen) == sorted(people)


async def test_the_erased_and_the_revoked_are_left_out(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    scheme_id, (gone, revoked, stays) = await holders(client, known, database)
    await known.erase([gone])
    listed = (await client.get("/awards", params={"scheme_id": scheme_id}, headers=ORGANISER)).json()
    [award_id] = [one["award_id"] for one in listed["awards"] if one["recipient_id"] == revoked]
    await client.post(f"/awards/{award_id}/revoke", json={"reason": "误发"}, headers=ORGANISER)
    assert set(await winners(client, scheme_id)) == {stays}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_a_file_has_all_winners_and_no_formulas(
    client: httpx.AsyncClient, known: KnownStore, database: Database, kind: str
) -> None:
    scheme_id, (at_home, _, _) = await holders(client, known, database)
    answer = await client.post(
        f"/schemes/{scheme_id}/winners/export", json=REASON, params={"format": kind}, headers=ORGANISER
    )
    assert answer.status_code == 200
    rows = _rows(answer.content, kind)
    row = dict(zip(rows[0], next(one for one in rows if at_home in one), strict=True))
    assert len(rows) == 4
    assert (row["name"], row["unit"], row["address_phone"]) == ("李小明", "第一中学", AT_HOME["phone"])
    # A spreadsheet would take the text for a formula.
    assert row["address_street"] == ("'" if kind == "csv" else "") + AT_HOME["street"]
    [act] = await acts(client)
    assert act["details"] == {"people": 3, "reason": REASON["reason"]}


def _rows(content: bytes, kind: str) -> list[list[Any]]:
    if kind == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    [sheet] = load_workbook(io.BytesIO(content)).worksheets
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    return [list(row) for row in sheet.iter_rows(values_only=True)]


async def test_nobody_else_reads_winners(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    scheme_id, (at_home, _, _) = await holders(client, known, database)
    path = f"/schemes/{scheme_id}/winners"
    assert (await client.post(path, json=REASON)).status_code == 401
    assert (await client.post(path, json=REASON, headers=as_participant(at_home))).status_code == 401
    assert (await client.post(path, json={}, headers=ORGANISER)).status_code == 422
    unknown = await client.post("/schemes/none/winners", json=REASON, headers=ORGANISER)
    assert code_of(unknown) == (404, "scheme_unknown")
    assert all("people" not in act["details"] for act in await acts(client))


async def test_without_a_key_nothing_is_opened(kafka: str, mongo: str, database: Database) -> None:
    async with service(mongo, kafka=kafka, role="api", database=database.name, name_private_key=None) as (
        [client],
        _,
    ):
        scheme_id, _ = await holders(client, KnownStore(database), database)
        for path in ("winners", "winners/export"):
            answer = await client.post(f"/schemes/{scheme_id}/{path}", json=REASON, headers=ORGANISER)
            assert code_of(answer) == (409, "names_closed")


async def test_a_code_shows_the_name_as_its_holder_has_chosen(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    scheme_id, people = await holders(client, known, database)
    names = NameStore(database)
    listed = (await client.get("/awards", params={"scheme_id": scheme_id}, headers=ORGANISER)).json()[
        "awards"
    ]
    codes = {one["recipient_id"]: one["award_code"] for one in listed}

    async def shown(person: str) -> str | None:
        found: str | None = (await client.get(f"/awards/{codes[person]}")).json()["name_shown"]
        return found

    assert [await shown(person) for person in people] == ["李*明", None, None]
    await names.keep([named(people[0], version=2, shown="full")], clock.now())
    assert await shown(people[0]) == "李小明"
    # One of the two topics of an erasure is enough.
    await names.erase([erased(people[0])], clock.now())
    assert await shown(people[0]) is None
    await names.keep([named(people[1], version=2, shown="full")], clock.now())
    await known.erase([people[1]])
    assert await shown(people[1]) is None
