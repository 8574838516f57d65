"""The registrations of a session for organisers, on the real database."""

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, get_args

import httpx
import pytest

from services.registration.listing.lists import MEDIA_TYPES
from services.registration.listing.rules import Sort, Wanted
from services.registration.listing.store import ListingStore
from shared.storage.mongo import Database
from shared.web.tables import BOM
from tests.registration.builders import activity, ask, cancel, check_in, erase_whole, newcomer, put, soon
from tests.registration.builders import service as registration
from tests.support.service import ORGANISER, as_participant, code_of

pytestmark = pytest.mark.stack

LIST = "/sessions/one/registrations"
SCHOOL = {"name": "一中", "kind": "school", "district": "华龙区"}


@asynccontextmanager
async def week(
    mongo: str, capacity: int = 4
) -> AsyncIterator[tuple[httpx.AsyncClient, Database, list[dict[str, Any]]]]:
    """A session of four places, and five who have asked for one: three districts, a school."""
    async with registration(mongo) as ([client], database):
        await client.put("/groups/school-1", json=SCHOOL, headers=ORGANISER)
        await put(client, "street", activity("one", capacity=capacity, waiting_max=9, **soon()))
        await put(client, "hall", activity("two", capacity=9))
        people = [
            newcomer(district="华龙区", group_id="school-1"),
            newcomer(district="濮阳县", audience="farmers"),
            newcomer(district="华龙区"),
            newcomer(),
            newcomer(district="华龙区", audience="farmers"),
        ]
        registered = [(await ask(client, "one", participant=one)).json() for one in people]
        yield client, database, registered


async def listed(client: httpx.AsyncClient, **asked: Any) -> list[str]:
    """The ids of registrations, from all pages."""
    found: list[str] = []
    while True:
        answer = await client.get(LIST, params=asked, headers=ORGANISER)
        assert answer.status_code == 200, answer.text
        found += [one["registration_id"] for one in answer.json()["registrations"]]
        if answer.json()["after"] is None:
            return found
        asked["after"] = answer.json()["after"]


def ids(registered: list[dict[str, Any]], *numbers: int) -> list[str]:
    return [registered[number]["registration_id"] for number in numbers]


async def test_the_list_is_filtered_sorted_and_read_page_after_page(mongo: str) -> None:
    async with week(mongo) as (client, _, registered):
        await cancel(client, registered[1])
        for limit in (1, 2, 200):
            assert await listed(client, limit=limit) == ids(registered, 0, 1, 2, 3, 4)
            assert await listed(client, limit=limit, sort="-asked") == ids(registered, 4, 3, 2, 1, 0)
            by_status = ids(registered, 1, 0, 2, 3, 4)
            assert await listed(client, limit=limit, sort="status") == by_status
            assert await listed(client, limit=limit, sort="-status") == by_status[::-1]
            assert await listed(client, limit=limit, status="confirmed") == ids(registered, 0, 2, 3, 4)
            assert await listed(client, limit=limit, district="华龙区") == ids(registered, 0, 2, 4)
            assert await listed(client, limit=limit, audience="farmers") == ids(registered, 1, 4)
            both = {"district": "华龙区", "audience": "farmers"}
            assert await listed(client, limit=limit, **both) == ids(registered, 4)
            assert await listed(client, limit=limit, group_id="school-1") == ids(registered, 0)


async def test_one_registration_is_found_by_its_id_its_participant_or_its_ticket(mongo: str) -> None:
    async with week(mongo) as (client, _, registered):
        of = registered[2]
        for asked in ("registration_id", "participant_id"):
            assert await listed(client, **{asked: of[asked]}) == ids(registered, 2)
            assert await listed(client, limit=1, **{asked: of[asked]}) == ids(registered, 2)
            assert await listed(client, status="cancelled", **{asked: of[asked]}) == []
        other = {"registration_id": of["registration_id"], "participant_id": registered[1]["participant_id"]}
        assert await listed(client, **other) == []
        search = {"ticket_code": f" {of['ticket_code'].lower()} "}
        found = await client.post("/registrations/search", json=search, headers=ORGANISER)
        assert found.json()["registration_id"] == of["registration_id"]
        search = {"ticket_code": "00000-00000"}
        missed = await client.post("/registrations/search", json=search, headers=ORGANISER)
        assert code_of(missed) == (404, "ticket_unknown")


async def test_a_row_has_what_is_known_in_clear_and_no_name_or_contact(mongo: str) -> None:
    async with week(mongo) as (client, _, registered):
        answer = await client.get(LIST, params={"limit": 1}, headers=ORGANISER)
        [row] = answer.json()["registrations"]
        assert row | {"asked_at": ""} == {
            "registration_id": registered[0]["registration_id"],
            "participant_id": registered[0]["participant_id"],
            "session_id": "one",
            "status": "confirmed",
            "places": 1,
            "number": 1,
            "asked_at": "",
            "kind": "person",
            "group_id": "school-1",
            "district": "华龙区",
            "audience": "youth",
            "language": "zh-CN",
        }
        for word in ("李小明", "li@example.org", registered[0]["ticket_code"], "locked", "hash"):
            assert word not in answer.text


async def test_of_an_erased_participant_only_the_visit_is_listed(mongo: str) -> None:
    async with week(mongo) as (client, database, registered):
        await check_in(client, registered[0]["ticket_code"])
        await erase_whole(client, database, registered[0])
        [row] = (await client.get(LIST, params={"status": "checked_in"}, headers=ORGANISER)).json()[
            "registrations"
        ]
        personal = ("kind", "group_id", "district", "audience", "language")
        assert [row[name] for name in personal] == [None] * 5
        assert await listed(client, group_id="school-1") == []


async def test_a_page_costs_a_bounded_number_and_the_next_one_goes_on(mongo: str) -> None:
    async with week(mongo) as (_, database, registered):
        listing = ListingStore(database, read_max=2, looked_at_max=2)
        wanted, found = Wanted(district="濮阳县"), list[str]()
        after, pages = None, 0
        while pages == 0 or after is not None:
            rows, after = await listing.page("one", wanted, "-asked", after, 5)
            found += [row.registration.registration_id for row in rows]
            pages += 1
        assert found == ids(registered, 1)
        assert pages == 3


async def test_an_exported_file_has_all_that_is_wanted(mongo: str) -> None:
    async with week(mongo) as (client, _, registered):
        asked = {"district": "华龙区", "sort": "-asked"}
        answer = await client.get(f"{LIST}/export", params=asked, headers=ORGANISER)
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == 'attachment; filename="registrations-one.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix(BOM))))
        assert [row["registration_id"] for row in rows] == ids(registered, 4, 2, 0)
        assert rows[0] | {"asked_at": ""} == {
            "registration_id": registered[4]["registration_id"],
            "participant_id": registered[4]["participant_id"],
            "status": "waitlisted",
            "places": "1",
            "number": "5",
            "asked_at": "",
            "kind": "person",
            "group_id": "",
            "district": "华龙区",
            "audience": "farmers",
            "language": "zh-CN",
        }
        sheet = await client.get(f"{LIST}/export", params={"format": "xlsx"}, headers=ORGANISER)
        assert sheet.headers["content-type"] == MEDIA_TYPES["xlsx"]
        assert sheet.content[:2] == b"PK"


@pytest.mark.parametrize("sort", get_args(Sort))
async def test_a_file_is_made_of_several_reads_and_misses_and_doubles_nobody(mongo: str, sort: Sort) -> None:
    async with week(mongo) as (client, database, registered):
        await cancel(client, registered[2])
        listing = ListingStore(database, read_max=2)
        reads = [some async for some in listing.all("one", Wanted(), sort)]
        assert [len(some) for some in reads] == [2, 2, 1]
        found = [row.registration.registration_id for some in reads for row in some]
        assert found == await listed(client, sort=sort)
        assert sorted(found) == sorted(ids(registered, 0, 1, 2, 3, 4))


async def test_organisers_alone_read_lists(mongo: str) -> None:
    async with week(mongo) as (client, _, registered):
        own = as_participant(registered[0]["participant_id"])
        for path in (LIST, f"{LIST}/export"):
            assert code_of(await client.get(path, headers=own)) == (401, "organiser_key_missing")
        unknown = await client.get("/sessions/none/registrations", headers=ORGANISER)
        assert code_of(unknown) == (404, "session_unknown")
        wrong = await client.get(LIST, params={"status": "lost"}, headers=ORGANISER)
        assert code_of(wrong) == (422, "invalid")
        forged = await client.get(LIST, params={"after": "AAAA"}, headers=ORGANISER)
        assert code_of(forged) == (422, "after_invalid")
