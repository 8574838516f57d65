"""Statistics of awards over HTTP: as a recount of the database, for whom, and as a file."""

import csv
import io
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from ops.deployment.organisers import add
from services.awards.known.store import KnownStore
from services.awards.names.store import NameStore
from services.awards.schemes.rules import Scheme
from services.awards.statistics.count import Counting, Wanted
from services.awards.statistics.rules import By
from services.awards.statistics.store import StatisticsStore
from shared.runtime import clock
from shared.storage.mongo import Database
from tests.awards.builders import (
    certificate,
    completed,
    confer,
    erased,
    joined,
    prizes,
    published,
    put,
    scheme,
    service,
)
from tests.awards.names.builders import named
from tests.awards.parts import Parts, new_parts
from tests.support.service import ORGANISER, new_id

pytestmark = pytest.mark.stack
LARGE = {"华龙区": 9, "=范县": 9}
# One small district alone would be what the others lack.
SMALL = {"华龙区": 9, "濮阳县": 6, "=范县": 2}
AUDIENCES = ("youth", "elderly")


async def read(client: httpx.AsyncClient, by: str, **query: str) -> dict[str, Any]:
    answer = await client.get("/awards/statistics", params={"by": by} | query, headers=ORGANISER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def figures(found: dict[str, Any]) -> dict[str | None, tuple[int, int] | None]:
    """By name, how many are held and revoked; None: hidden."""
    return {
        one["name"]: (one["count"]["held"], one["count"]["revoked"]) if one["count"] else None
        for one in found["cells"]
    }


async def people_with_awards(
    client: httpx.AsyncClient, known: KnownStore, of: Mapping[str, int]
) -> tuple[list[Scheme], list[str]]:
    """People of these districts, one in three of a school, with one or two awards each; some revoked."""
    districts = [name for name, number in of.items() for _ in range(number)]
    people = [new_id("person") for _ in districts]
    events = [
        joined(one, district=name, audience=AUDIENCES[n % 2], group_id=None if n % 3 else "school")
        for n, (one, name) in enumerate(zip(people, districts, strict=True))
    ]
    await known.add_participants([*people, "school"])
    await known.keep_profiles([*events, joined("school", kind="group", district="华龙区", audience="other")])
    schemes = [scheme(), scheme(title="奖牌", kind="plaque")]
    for scheme_ in schemes:
        await put(client, scheme_)
    for n, one in enumerate([*people, "school"]):
        for scheme_ in schemes[: 1 + n % 2]:
            award = (await confer(client, scheme_, one)).json()
            if n % 4 == 3:
                path = f"/awards/{award['award_id']}/revoke"
                assert (await client.post(path, json={"reason": "误发"}, headers=ORGANISER)).is_success
    return schemes, people


async def recounted(database: Database, name: str) -> dict[str | None, tuple[int, int]]:
    """The same, counted award by award."""
    profiles = {one["_id"]: one async for one in database["participants"].find()}
    held: Counter[str | None] = Counter()
    revoked: Counter[str | None] = Counter()
    async for award in database["awards"].find():
        profile = profiles[award["recipient_id"]]
        unit = profile["_id"] if profile.get("group") else profile.get("group_id")
        audience = None if profile.get("group") else profile.get("audience")
        names = {"unit": unit, "audience": audience, "district": profile.get("district")}
        names |= {"scheme": award["scheme_id"], "kind": award["kind"], "tier": award.get("tier")}
        (revoked if "revoked_at" in award else held)[names[name]] += 1
    return {one: (held[one], revoked[one]) for one in held.keys() | revoked.keys()}


async def test_statistics_are_a_recount_of_the_awards(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    schemes, people = await people_with_awards(client, known, LARGE)
    for by in get_args(By):
        found = await read(client, by)
        assert figures(found) == await recounted(database, by), by
    exact = await recounted(database, "district")
    everybody = (await read(client, "district"))["all"]
    assert (everybody["held"], everybody["revoked"]) == tuple(map(sum, zip(*exact.values(), strict=True)))
    assert everybody["recipients"] == len(people) + 1
    filtered = await read(client, "kind", scheme_id=schemes[1].scheme_id)
    assert figures(filtered) == {"plaque": (await recounted(database, "kind"))["plaque"]}
    assert figures(await read(client, "scheme", kind="flag")).keys() == {schemes[0].scheme_id}
    # Of an award that another one has replaced.
    one = await database["awards"].find_one_and_update(
        {"revoked_at": {"$exists": True}}, {"$set": {"superseded_by": "another"}}
    )
    assert one is not None
    again = (await read(client, "scheme"))["all"]
    assert (again["superseded"], again["revoked"]) == (1, everybody["revoked"] - 1)


async def test_only_organisers_count_by_what_is_known_of_recipients(mongo: str, tmp_path: Path) -> None:
    file = tmp_path / "organisers.json"
    viewer = {"X-Organiser-Key": add(file, "press", "viewer", datetime.now(UTC))}
    async with service(mongo, role="api", organiser_keys_file=file) as ([client], _):
        for by, status in {"scheme": 200, "tier": 200, "kind": 200, "district": 403, "unit": 403}.items():
            for path in ("/awards/statistics", "/awards/statistics/export"):
                answer = await client.get(path, params={"by": by}, headers=viewer)
                assert answer.status_code == status, by
        assert (await client.get("/awards/statistics")).status_code == 401
        for name, code in {"scheme_id": "scheme_unknown", "quiz_id": "quiz_unknown"}.items():
            answer = await client.get("/awards/statistics", params={name: "no-such"}, headers=viewer)
            assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_a_file_has_all_cells_and_no_formulas(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    await people_with_awards(client, known, SMALL)
    school = named("school", "第一中学", kind="group", shown="full")
    await NameStore(database).keep([school], clock.now())

    async def rows(by: str) -> list[list[str]]:
        answer = await client.get("/awards/statistics/export", params={"by": by}, headers=ORGANISER)
        assert answer.content.startswith("\ufeff".encode())
        return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))

    heads, everybody, *cells = await rows("district")
    assert (heads[4], everybody[0]) == ("有效", "合计")
    held = (await recounted(database, "district"))["华龙区"][0]
    hidden = ["人数过少"]
    assert {one[1]: one[4:5] + one[7:] for one in cells} == {
        "'=范县": ["", *hidden],
        "濮阳县": ["", *hidden],
        "华龙区": [str(held), ""],
    }
    assert {one[1]: one[2] for one in (await rows("unit"))[2:]} == {"school": "第一中学", "": ""}


async def test_pages_lead_to_all_cells_and_the_erased_are_of_no_district(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    _, people = await people_with_awards(client, known, SMALL)
    await known.erase(people[:6])
    # Late, and told again.
    await known.keep_profiles([joined(one, version=9) for one in people[:6]])
    seen: list[str | None] = []
    query: dict[str, str] = {"limit": "1"}
    while True:
        page = await read(client, "district", **query)
        seen += [one["name"] for one in page["cells"]]
        if page["after"] is None:
            break
        query["after"] = page["after"]
    assert seen == [*sorted(SMALL), None]
    assert page["all"]["recipients"] == len(people) + 1


async def test_the_awards_of_a_quiz_are_those_of_its_schemes_and_profiles_keep_the_latest(mongo: str) -> None:
    quiz = new_id("quiz")
    of, other = certificate(quiz), prizes(new_id("quiz"), gold=2)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.schemes.put(other)
        moved = [joined("wang", version=2, district="清丰县"), joined("wang", version=1)]
        await at.know(published(quiz), *moved, joined("li"), erased("li"))
        await at.handle(completed(quiz, "wang"), completed(quiz, "li"), completed(quiz, "zhao"))
        assert await _districts(at, Wanted(of_people=True, quiz_id=quiz)) == {"清丰县": 1, None: 1}
        assert await _districts(at, Wanted(of_people=True, quiz_id=other.quiz_id)) == {}
        assert await _districts(at, Wanted(of_people=True)) == {"清丰县": 1, None: 1}


async def _districts(at: Parts, wanted: Wanted) -> dict[str | None, int]:
    counting = Counting(at.schemes, StatisticsStore(at.database))
    rows = (await counting.of(wanted, "key")).rows
    return {row.names["district"]: row.count.held for row in rows}
