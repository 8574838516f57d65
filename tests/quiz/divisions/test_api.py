"""Divisions over HTTP: read by everybody by the rules of the standings, frozen and sized by organisers."""

import csv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.quiz.divisions.boards import Boards
from services.quiz.divisions.export import BoardFiles
from services.quiz.divisions.rules import FREEZES_MAX
from services.quiz.participants.rules import Profile, ProfileChange
from services.quiz.standings.aliases import Aliases
from services.quiz.standings.export import StandingFiles
from tests.quiz.builders import ATTEMPT_KEY, as_resident, quiz, service
from tests.quiz.disqualifying.builders import Deciding
from tests.quiz.divisions.builders import QUIZ, Sat, know, make, sit
from tests.quiz.http import put
from tests.quiz.parts import Parts, new_parts
from tests.support.networks import check_turns
from tests.support.service import ORGANISER, code_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

# In all: seven of group a in district one; six of b, and two of small, in district two.
PEOPLE = (
    {f"a{n}": Profile("group-a", "华龙区", audience="youth") for n in range(7)}
    | {f"b{n}": Profile("group-b", "范县", audience="workers") for n in range(6)}
    | {f"s{n}": Profile("small", "范县", audience="workers") for n in range(2)}
    | {f"z{n}": Profile(None, "范县", audience="workers") for n in range(5)}
)
RIGHT = {"a": 4, "b": 3, "s": 5, "z": 1}


@asynccontextmanager
async def contest(
    kafka: str, mongo: str, **changes: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, Parts, str]]:
    """A client of a process that only answers, the parts, and the path of the quiz; boards are made."""
    async with new_parts(kafka, mongo, **QUIZ, **changes) as parts:
        await know(parts, PEOPLE)
        await sit_all(parts)
        await make(parts)
        name = parts.stores.database.name
        async with service(mongo, kafka=kafka, role="api", database=name) as ([client], _):
            yield client, parts, f"/quizzes/{parts.quiz_id}"


async def sit_all(parts: Parts, number: int = 1, right: dict[str, int] = RIGHT) -> None:
    at = parts.quiz.opens_at + timedelta(minutes=10 * number)
    await sit(parts, [Sat(who, number, right[who[0]], 60 + int(who[1]), at) for who in PEOPLE])


async def read(client: httpx.AsyncClient, path: str, **headers: str) -> dict[str, Any]:
    answer = await client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_everybody_reads_the_standings_of_a_division_in_pages(kafka: str, mongo: str) -> None:
    async with contest(kafka, mongo) as (client, parts, path):
        url = f"{path}/divisions/group/standings?name=group-a"
        first = await read(client, f"{url}&limit=3", **as_resident("a1"))
        assert (first["version"], first["final"], first["frozen_at"], first["participants"]) == (
            1,
            False,
            None,
            7,
        )
        assert [one["rank"] for one in first["standings"]] == [1, 2, 3]
        assert [one["yours"] for one in first["standings"]] == [False, True, False]
        aliases = Aliases(ATTEMPT_KEY)
        assert [one["alias"] for one in first["standings"]] == [
            aliases.of(parts.quiz_id, f"a{n}") for n in range(3)
        ]
        assert [one["participant_id"] for one in first["standings"]] == [None, "a1", None]
        assert first["standings"][0]["points"] == 4
        rest = await read(client, f"{url}&limit=100&after={first['after']}", **ORGANISER)
        assert [one["participant_id"] for one in rest["standings"]] == ["a3", "a4", "a5", "a6"]
        assert ([one["rank"] for one in rest["standings"]], rest["after"]) == ([4, 5, 6, 7], None)
        district = await read(client, f"{path}/divisions/district/standings?name=华龙区&limit=100")
        assert [one["alias"] for one in district["standings"]] == [
            aliases.of(parts.quiz_id, f"a{n}") for n in range(7)
        ]


async def test_refusals_have_the_codes_of_the_standings(kafka: str, mongo: str) -> None:
    async with contest(kafka, mongo) as (client, parts, path):
        for url in (
            "divisions/group",
            "divisions/group/standings?name=x",
            "divisions/group/standings/export?name=x",
        ):
            assert code_of(await client.get(f"/quizzes/none/{url}")) == (404, "quiz_unknown")
        unknown = await client.get(f"{path}/divisions/group/standings?name=nobody")
        assert code_of(unknown) == (404, "division_unknown")
        assert code_of(await client.get(f"{path}/divisions/planet")) == (422, "invalid")
        bad = await client.get(f"{path}/divisions/group/standings?name=group-a&after=bad")
        assert code_of(bad) == (422, "after_invalid")
        early = await client.get(f"{path}/divisions/group/standings/export?name=group-a")
        assert code_of(early) == (409, "quiz_not_closed")
        mine = f"{path}/standings/me/divisions"
        assert code_of(await client.get(mine)) == (401, "token_missing")
        assert code_of(await client.get(mine, headers=as_resident("nobody"))) == (404, "standing_unknown")
        for act in ("freeze", "thaw"):
            assert code_of(await client.post(f"{path}/divisions/group/{act}")) == (
                401,
                "organiser_key_missing",
            )
        assert code_of(await client.post(f"{path}/divisions/group/freeze?name=x", headers=ORGANISER)) == (
            404,
            "division_unknown",
        )
        await parts.catalogue.refresh()
        await Deciding(parts).out("a1")

        async def is_refused() -> bool:
            return (await client.get(mine, headers=as_resident("a1"))).status_code == 403

        # The process learns that somebody was ever disqualified within a second.
        await eventually(is_refused)
        assert code_of(await client.get(mine, headers=as_resident("a1"))) == (403, "disqualified")


async def test_nobody_but_organisers_reads_boards_while_scores_are_withheld(kafka: str, mongo: str) -> None:
    async with contest(kafka, mongo, shows_scores="at_close") as (client, _, path):
        for url in ("divisions/group", "divisions/group/standings?name=group-a", "standings/me/divisions"):
            answer = await client.get(f"{path}/{url}", headers=as_resident("a1"))
            assert code_of(answer) == (409, "quiz_not_closed")
        assert (await read(client, f"{path}/divisions/group", **ORGANISER))["divisions"] != []


async def test_the_board_of_a_few_people_is_for_organisers_only(kafka: str, mongo: str) -> None:
    async with contest(kafka, mongo) as (client, _, path):
        url = f"{path}/divisions/group/standings?name=small"
        assert code_of(await client.get(url, headers=as_resident("s1"))) == (403, "division_hidden")
        assert len((await read(client, url, **ORGANISER))["standings"]) == 2
        own = await read(client, f"{path}/standings/me/divisions", **as_resident("s1"))
        assert [
            (one["kind"], one["name"], one["hidden"], one["standing"] and one["standing"]["rank"])
            for one in own["divisions"]
        ] == [
            ("audience", "workers", False, 2),
            ("district", "范县", False, 2),
            ("group", "small", True, None),
        ]
        table = await read(client, f"{path}/divisions/group?best=5")
        assert [
            (one["rank"], one["name"], one["people"], one["mean_points"]) for one in table["divisions"]
        ] == [
            (1, "group-a", 7, 4),
            (2, "group-b", 6, 3),
            (None, "small", 2, None),
        ]


async def test_divisions_against_each_other_by_points_and_by_participation(kafka: str, mongo: str) -> None:
    async with contest(kafka, mongo) as (client, _, path):
        sizes = f"{path}/divisions/district/sizes"
        assert code_of(await client.get(sizes)) == (401, "organiser_key_missing")
        assert (await read(client, sizes, **ORGANISER)) == {"sizes": {}}
        body = {"sizes": {"华龙区": 70, "范县": 100, "台前县": 5}}
        answer = await client.put(sizes, json=body, headers=ORGANISER)
        assert (answer.status_code, answer.json()) == (200, body)
        for bad in ({"华龙区": 0}, {"": 3}, {f"g{n}": 1 for n in range(2_001)}):
            refused = await client.put(sizes, json={"sizes": bad}, headers=ORGANISER)
            assert code_of(refused) == (422, "invalid")
        by_mean = await read(client, f"{path}/divisions/district?best=7")
        # 5, 5, and five with 3 of seven.
        assert [(one["rank"], one["name"], one["mean_points"]) for one in by_mean["divisions"]] == [
            (1, "华龙区", 4),
            (2, "范县", 3.5714),
        ]
        by_part = f"{path}/divisions/district?by=participation&limit=1"
        first = await read(client, by_part)
        [one] = first["divisions"]
        assert (one["rank"], one["name"], one["size"], one["participation_percent"]) == (1, "范县", 100, 13)
        rest = await read(client, f"{by_part}&after={first['after']}")
        assert [(one["rank"], one["name"], one["participation_percent"]) for one in rest["divisions"]] == [
            (2, "华龙区", 10)
        ]
        assert rest["after"] is None
        for best in (4, 101):
            assert code_of(await client.get(f"{path}/divisions/district?best={best}")) == (422, "invalid")


async def all_that_is_read(client: httpx.AsyncClient, path: str, kind: str, name: str) -> list[Any]:
    """What every route says of a division, apart from when boards were made."""
    query = f"?name={name}"
    board = await read(client, f"{path}/divisions/{kind}/standings{query}&limit=100", **ORGANISER)
    urls = [f"{path}/divisions/{kind}?by={by}&best=5" for by in ("mean", "participation")]
    tables = [[one for one in (await read(client, url))["divisions"] if one["name"] == name] for url in urls]
    file = (await client.get(f"{path}/divisions/{kind}/standings/export{query}", headers=ORGANISER)).text
    own = [
        one
        for who in PEOPLE
        for one in (await read(client, f"{path}/standings/me/divisions", **as_resident(who)))["divisions"]
        if (one["kind"], one["name"]) == (kind, name)
    ]
    tables = [[{**one, "rank": None} for one in table] for table in tables]
    return [board["standings"], board["participants"], board["frozen_at"], tables, file, own]


async def test_nothing_of_what_comes_after_a_freeze_is_read_anywhere(kafka: str, mongo: str) -> None:
    async with contest(kafka, mongo) as (client, parts, path):
        freeze = f"{path}/divisions/group/freeze?name=group-a"
        answer = await client.post(freeze, headers=ORGANISER)
        frozen_at = answer.json()["frozen_at"]
        assert datetime.fromisoformat(frozen_at) <= datetime.now(UTC)
        assert (await client.post(freeze, headers=ORGANISER)).json() == answer.json()
        all_of = await client.post(f"{path}/divisions/district/freeze", headers=ORGANISER)
        assert all_of.json()["name"] is None
        frozen = [("group", "group-a"), ("district", "华龙区"), ("district", "范县")]
        before = [await all_that_is_read(client, path, *one) for one in frozen]
        assert before[0][2] == frozen_at
        live = await all_that_is_read(client, path, "group", "group-b")

        await sit_all(parts, 2, {"a": 5, "b": 5, "s": 5, "z": 5})
        await know(parts, {"new": Profile("group-a", "华龙区", audience="youth")})
        await sit(parts, [Sat("new", 1, 5, 1, parts.quiz.opens_at + timedelta(minutes=30))])
        for _ in range(2):
            await make(parts)
            assert [await all_that_is_read(client, path, *one) for one in frozen] == before
        assert await all_that_is_read(client, path, "group", "group-b") != live
        whole = await read(client, f"{path}/standings")
        assert whole["frozen_at"] is None

        for act in ("group/thaw?name=group-a", "district/thaw"):
            for _ in range(2):
                thawed = await client.post(f"{path}/divisions/{act}", headers=ORGANISER)
                assert thawed.json()["frozen_at"] is None
        await make(parts)
        for one, then in zip(frozen, before, strict=True):
            now = await all_that_is_read(client, path, *one)
            assert now[2] is None
            assert now[0] != then[0]
        assert len((await all_that_is_read(client, path, "group", "group-a"))[0]) == 8


async def test_the_close_ends_freezes_and_the_file_is_for_everybody(kafka: str, mongo: str) -> None:
    async with contest(kafka, mongo) as (client, parts, path):
        await client.post(f"{path}/divisions/group/freeze", headers=ORGANISER)
        await sit_all(parts, 2, {"a": 5, "b": 5, "s": 5, "z": 5})
        await make(parts)
        await parts.close()
        await parts.catalogue.refresh()
        file = f"{path}/divisions/group/standings/export?name=group-a"
        await _until_closed(client, path)
        assert code_of(await client.get(file)) == (409, "quiz_not_closed"), "the boards are not final yet"
        await make(parts)
        board = await read(client, f"{path}/divisions/group/standings?name=group-a")
        assert (board["final"], board["frozen_at"], board["standings"][0]["points"]) == (True, None, 5)
        lines = [*csv.reader((await client.get(file)).text.removeprefix("\ufeff").splitlines())]
        assert lines[0] == ["rank", "alias", "points", "points_max", "time_used_seconds", "finished_at"]
        assert [(line[0], line[1], line[2]) for line in lines[1:]] == [
            (str(one["rank"]), one["alias"], "5") for one in board["standings"]
        ]
        ids = [*csv.reader((await client.get(file, headers=ORGANISER)).text.splitlines())]
        assert [line[-1] for line in ids[1:]] == [f"a{n}" for n in range(7)]
        hidden = await client.get(file.replace("group-a", "small"))
        assert code_of(hidden) == (403, "division_hidden")
        refused = await client.post(f"{path}/divisions/group/freeze", headers=ORGANISER)
        assert code_of(refused) == (409, "quiz_closed")
        # Strangers read both files, in turns of their networks.
        await check_turns(client, BoardFiles, file)
        await check_turns(client, StandingFiles, f"{path}/standings/export")


async def _until_closed(client: httpx.AsyncClient, path: str) -> None:
    async def is_closed() -> bool:
        return bool((await client.get(path)).json()["status"] == "closed")

    await eventually(is_closed)


async def test_nobody_who_is_erased_is_shown_while_boards_still_have_them(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **QUIZ) as parts:
        await know(parts, PEOPLE)
        await sit_all(parts)
        await make(parts)
        await parts.stores.participants.save({"a0": ProfileChange(2, None)})
        name = parts.stores.database.name
        async with service(mongo, kafka=kafka, role="api", database=name) as ([client], _):
            path = f"/quizzes/{parts.quiz_id}"
            board = await read(client, f"{path}/divisions/group/standings?name=group-a", **ORGANISER)
            assert [one["participant_id"] for one in board["standings"]] == [f"a{n}" for n in range(1, 7)]
            file = f"{path}/divisions/group/standings/export?name=group-a"
            assert "a0" not in (await client.get(file, headers=ORGANISER)).text.splitlines()[1].split(",")
            mine = await client.get(f"{path}/standings/me/divisions", headers=as_resident("a0"))
            assert code_of(mine) == (401, "participant_erased")


async def test_freezes_have_a_bound_and_need_an_open_quiz(kafka: str, mongo: str) -> None:
    async with contest(kafka, mongo) as (client, parts, path):
        many = [{"kind": "group", "name": f"g{n}", "at": datetime.now(UTC)} for n in range(FREEZES_MAX)]
        states = parts.stores.database["divisions"]
        await states.update_one({"_id": parts.quiz_id}, {"$set": {"frozen": many, "freezes": 1}})
        full = await client.post(f"{path}/divisions/group/freeze?name=group-a", headers=ORGANISER)
        assert code_of(full) == (409, "freezes_full")
        now = datetime.now(UTC)
        of = quiz(opens_at=now + timedelta(hours=1), closes_at=now + timedelta(hours=2))
        assert (await put(client, "later", of)).is_success
        early = await client.post("/quizzes/later/divisions/group/freeze", headers=ORGANISER)
        assert code_of(early) == (409, "quiz_not_open")


async def test_a_process_keeps_the_boards_that_were_read_last(kafka: str, mongo: str) -> None:
    async with contest(kafka, mongo) as (_, parts, _):
        boards = Boards(parts.stores.divisions, tables_max=1)
        state = await parts.stores.divisions.state(parts.quiz_id)
        first = await boards.table(parts.quiz_id, state, "group")
        assert await boards.table(parts.quiz_id, state, "group") is first
        await boards.table(parts.quiz_id, state, "district")
        assert await boards.table(parts.quiz_id, state, "group") is not first
