"""People are counted once each in the background, and organisers alone read the report."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.audit.literacy import literacy_checks
from ops.deployment.organisers import add
from services.quiz.literacy.compute import LOOP, Counter
from services.quiz.literacy.store import LiteracyStore
from services.quiz.participants.rules import ParticipantId, Profile, ProfileChange
from services.quiz.participants.store import ParticipantStore
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.publish import publish
from services.quiz.quizzes.rules import Quiz, QuizId
from services.quiz.quizzes.store import QuizStore
from services.quiz.standings.rules import order
from services.quiz.standings.store import StandingStore
from services.quiz.standings.writes import StandingKey, raise_standings
from shared.runtime import clock
from shared.runtime.acting import Role
from shared.storage import mongo as storage
from shared.storage.lease import Lease
from shared.storage.mongo import Database
from shared.storage.unit_of_work import save_together
from tests.quiz.builders import question, quiz, service
from tests.quiz.http import put
from tests.quiz.parts import FAR, Stores
from tests.support.kafka import fresh_database
from tests.support.service import code_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

PATH = "/quizzes/one/literacy"
ROLES: tuple[Role, ...] = ("organiser", "door", "viewer")
# Of 40 half points, 28 are 70 percent.
PEOPLE = {
    f"person-{n:03}": (
        Profile(f"unit-{n % 3}", "华龙区" if n < 90 else "范县", audience="youth"),
        28 if n % 2 else 27,
    )
    for n in range(150)
}


def contest_of(**changes: Any) -> Quiz:
    """A quiz with twenty points."""
    return quiz(questions=tuple(question(n) for n in range(20)), blueprint={"天文": 20}, **changes)


async def stand(database: Database, quiz_id: str, points: dict[str, int]) -> None:
    """Let people have these half points in the standings."""
    now = datetime.now(UTC)
    orders = {
        StandingKey(QuizId(quiz_id), ParticipantId(who)): order(half_points, 60, now, now)
        for who, half_points in points.items()
    }
    await storage.in_sync_transaction(database, lambda db, session: raise_standings(db, session, orders))


async def fill(database: Database) -> None:
    changes = {who: ProfileChange(1, profile) for who, (profile, _) in PEOPLE.items()}
    await ParticipantStore(database).save(changes | {"person-003": ProfileChange(2, None)})
    await stand(database, "one", {who: half_points for who, (_, half_points) in PEOPLE.items()})
    await stand(database, "other", {"person-005": 40})


@asynccontextmanager
async def contest(
    mongo: str, folder: Path, *, withheld: bool = False
) -> AsyncIterator[tuple[httpx.AsyncClient, Database, dict[str, dict[str, str]]]]:
    """A quiz with standings, and the headers of a key for each role."""
    file = folder / "organisers.json"
    keys: dict[str, dict[str, str]] = {
        role: {"X-Organiser-Key": add(file, role, role, datetime.now(UTC))} for role in ROLES
    }
    of = contest_of(shows_scores="at_close" if withheld else "at_once")
    async with service(mongo, organiser_keys_file=file) as ([client], database):
        assert (await put(client, "one", of)).is_success
        await fill(database)
        yield client, database, keys


def worker(database: Database, catalogue: Catalogue, lease: Lease) -> Counter:
    """A worker that stores its progress after each page of twenty people, and never rests."""
    return Counter(
        LiteracyStore(database),
        StandingStore(database),
        ParticipantStore(database),
        catalogue,
        lease,
        rests=0,
        turn_seconds=0,
        page_people=20,
    )


async def test_everybody_in_the_standings_counts_once_and_nobody_who_is_erased(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        quizzes, literacy = QuizStore(database), LiteracyStore(database)
        await Stores(database).prepare()
        await publish(quizzes, "one", contest_of(), clock.now())
        catalogue = Catalogue(quizzes)
        await catalogue.refresh()
        await fill(database)
        await literacy.ask("one")
        lease, other_lease = (Lease(database, LOOP, owner="tests") for _ in range(2))
        dies, goes_on = worker(database, catalogue, lease), worker(database, catalogue, other_lease)
        assert await dies.pending("", 1) == ["one"]
        await dies.go_on("one")
        assert (await literacy.state("one")).percent in range(10, 20)
        assert await literacy.census("one") is None
        assert await goes_on.pending("", 1) == []
        # After a death the lease ends, and another worker begins again.
        await lease.give_up()
        while due := await goes_on.pending("", 1):
            await goes_on.go_on(due[0])
        census = await literacy.census("one")
        assert census is not None
        assert census.all.points == {27: 75, 28: 74}
        assert {cell.name: cell.people for cell in census.districts} == {"华龙区": 89, "范县": 60}
        assert {cell.name: cell.people for cell in census.units} == {"unit-0": 49, "unit-1": 50, "unit-2": 50}
        assert not (await literacy.state("one")).due


async def test_a_closed_quiz_is_counted_and_again_whenever_its_final_standings_have_changed(
    mongo: str,
) -> None:
    async with fresh_database(mongo) as database:
        quizzes, literacy = QuizStore(database), LiteracyStore(database)
        await Stores(database).prepare()
        await publish(quizzes, "one", contest_of(), clock.now())
        await fill(database)
        catalogue = Catalogue(quizzes)
        await catalogue.refresh()
        counts = worker(database, catalogue, Lease(database, LOOP, owner="tests"))
        assert await counts.pending("", 1) == [], "nobody has asked"
        await quizzes.end_freezes("one", FAR, datetime.now(UTC))
        await save_together(database, lambda unit: quizzes.finish_closing(unit, "one"))
        await catalogue.refresh()
        await until_counted(counts)
        assert (await literacy.state("one")).final
        assert await counts.pending("", 1) == [], "it is counted once"
        # Somebody else was disqualified or corrected, and the standings were published again.
        await stand(database, "one", {"person-001": 40})
        revised = {"$set": {"revised_at": clock.now(), "closing_version": 2}, "$inc": {"revision": 1}}
        await database["quizzes"].update_one({"_id": "one"}, revised)
        await catalogue.refresh()
        await until_counted(counts)
        census = await literacy.census("one")
        assert census is not None
        assert census.all.points == {27: 75, 28: 73, 40: 1}
        assert await counts.pending("", 1) == []

        assert await audited(database) == []
        await database["literacy"].update_one({"_id": "one"}, {"$inc": {"census.districts.0.points.40": 1}})
        assert await audited(database) == ["one/districts"]


async def audited(database: Database) -> list[str]:
    """What the audit finds wrong in the report; one person is erased."""
    quizzes = {one["_id"]: one async for one in database["quizzes"].find()}
    [check] = [one async for one in literacy_checks(database, quizzes, {"person-003"})]
    assert check.expected == 3
    return list(check.wrong)


async def until_counted(counts: Counter) -> None:
    turns = 0
    while due := await counts.pending("", 1):
        await counts.go_on(due[0])
        turns += 1
    assert turns


async def report(client: httpx.AsyncClient, who: dict[str, str], query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def is_counted() -> bool:
        found.update((await client.get(f"{PATH}{query}", headers=who)).json())
        return not found["due"]

    await eventually(is_counted)
    return found


async def test_a_report_has_shares_with_intervals_and_other_tiers_at_once(mongo: str, tmp_path: Path) -> None:
    async with contest(mongo, tmp_path) as (client, _, keys):
        assert code_of(await client.get(PATH)) == (401, "organiser_key_missing")
        assert code_of(await client.get(PATH, headers=keys["door"])) == (403, "organiser_role")
        assert code_of(await client.get(f"{PATH}/export", headers=keys["organiser"])) == (
            404,
            "literacy_not_counted",
        )
        shown = await report(client, keys["organiser"])
        assert (shown["by"], [cell["name"] for cell in shown["cells"]]) == ("audience", ["youth"])
        [tier] = shown["all"]["tiers"]
        assert (shown["all"]["people"], tier["name"], tier["people"]) == (149, "具备科学素质", 74)
        assert tier["share"]["percent"] == pytest.approx(49.66)
        assert tier["share"]["low"] < 49.66 < tier["share"]["high"]

        tiers = {"tiers": [{"name": "some", "from_percent": 60}, {"name": "good", "from_percent": 70}]}
        assert code_of(await client.put(f"{PATH}/measure", json=tiers, headers=keys["viewer"])) == (
            403,
            "organiser_role",
        )
        put_ = await client.put(f"{PATH}/measure", json=tiers | {"cell_min": 80}, headers=keys["organiser"])
        assert put_.json() == (await client.get(f"{PATH}/measure", headers=keys["organiser"])).json()
        shown = await report(client, keys["organiser"], "?by=district")
        assert [tier["people"] for tier in shown["all"]["tiers"]] == [75, 74]
        assert [(cell["name"], cell["hidden"], cell["people"], cell["tiers"]) for cell in shown["cells"]] == [
            ("华龙区", True, None, []),
            ("范县", True, None, []),
        ]


async def test_cells_come_in_pages_and_as_a_file(mongo: str, tmp_path: Path) -> None:
    async with contest(mongo, tmp_path) as (client, _, keys):
        first = await report(client, keys["organiser"], "?by=unit&limit=2")
        assert [cell["name"] for cell in first["cells"]] == ["unit-0", "unit-1"]
        rest = await report(client, keys["organiser"], f"?by=unit&limit=2&after={first['after']}")
        assert ([cell["name"] for cell in rest["cells"]], rest["after"]) == (["unit-2"], None)
        file = (await client.get(f"{PATH}/export", headers=keys["organiser"])).text
        lines = [line.split(",") for line in file.removeprefix("\ufeff").splitlines()]
        assert lines[0][:3] == ["by", "name", "people"]
        assert [line[:3] for line in lines[1:]] == [
            ["all", "", "149"],
            ["audience", "youth", "149"],
            ["district", "华龙区", "89"],
            ["district", "范县", "60"],
            ["unit", "unit-0", "49"],
            ["unit", "unit-1", "50"],
            ["unit", "unit-2", "50"],
        ]


@pytest.mark.parametrize("withheld", [False, True])
async def test_nobody_but_organisers_reads_the_report(mongo: str, tmp_path: Path, *, withheld: bool) -> None:
    # Of two reports before and after one person, the difference tells in which tier the person is.
    async with contest(mongo, tmp_path, withheld=withheld) as (client, _, keys):
        for path in (PATH, f"{PATH}/export"):
            assert code_of(await client.get(path, headers=keys["viewer"])) == (403, "organiser_role")
        assert (await report(client, keys["organiser"]))["all"]["people"] == 149
