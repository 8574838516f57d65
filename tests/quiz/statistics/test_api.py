"""Statistics over HTTP: who sees what, and what the figures are called."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.deployment.organisers import add
from services.quiz.quizzes.questions import Question
from services.quiz.results.store import ResultStore
from shared.messaging.create_topics import create_missing
from shared.runtime.acting import Role
from shared.storage.mongo import Database
from tests.quiz.builders import question, quiz, service
from tests.quiz.http import put
from tests.quiz.statistics.builders import attempts_of, store
from tests.support.service import ORGANISER, code_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

PATH = "/quizzes/one/statistics"
ROLES: tuple[Role, ...] = ("organiser", "door", "viewer")


@asynccontextmanager
async def contest(
    kafka: str, mongo: str, folder: Path
) -> AsyncIterator[tuple[httpx.AsyncClient, Database, dict[str, dict[str, str]]]]:
    """A quiz with results, and the headers of a key for each role. Of question 0 the key is wrong."""
    file = folder / "organisers.json"
    keys: dict[str, dict[str, str]] = {
        role: {"X-Organiser-Key": add(file, role, role, datetime.now(UTC))} for role in ROLES
    }
    several = question(1, kind="multiple", key="AB")
    of = quiz(questions=(question(0), several, *(question(n) for n in range(2, 10))), blueprint={"天文": 10})
    skills: list[float] = []

    def answer(one: Question, chance: random.Random) -> str:
        if len(skills) % 10 == 0:
            skills.append(chance.random())
        skill = skills[-1]
        skills.append(skill)
        right = "C" if one.id == "q0" else one.key
        return right if chance.random() < skill else chance.choice("ABD")

    await create_missing(kafka)
    async with service(mongo, kafka=kafka, organiser_keys_file=file) as ([client], database):
        assert (await put(client, "one", of)).is_success
        await store(attempts_of(of, 200, answer, quiz_id="one"), ResultStore(database), "one")
        yield client, database, keys


async def made(client: httpx.AsyncClient, who: dict[str, str], path: str = PATH) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def are_made() -> bool:
        found.update((await client.get(path, headers=who)).json())
        return not found["due"] and found["reading"] is None

    await eventually(are_made)
    return found


async def test_organisers_see_what_looks_wrong_and_nobody_else_learns_a_key(
    kafka: str, mongo: str, tmp_path: Path
) -> None:
    async with contest(kafka, mongo, tmp_path) as (client, database, keys):
        assert code_of(await client.get(PATH)) == (401, "organiser_key_missing")
        assert code_of(await client.get(PATH, headers=keys["door"])) == (403, "organiser_role")
        first = (await client.get(PATH, headers=keys["viewer"])).json()
        assert (first["due"], first["made_at"], first["paper"], first["questions"]) == (True, None, None, [])
        shown = await made(client, keys["organiser"])
        assert (shown["attempts"], shown["points_max"], shown["final"]) == (200, 10, False)
        assert 0 < shown["paper"]["alpha_percent"] < 100
        assert [one["id"] for one in shown["questions"]] == [f"q{n}" for n in range(10)]
        wrong, several = shown["questions"][:2]
        assert (wrong["key"], wrong["random_guess_percent"], wrong["intended_weight_percent"]) == (
            "A",
            25,
            10,
        )
        assert [one["option"] for one in wrong["options"]] == ["A", "B", "C", "D", None]
        assert sum(one["attempts"] for one in wrong["options"]) == wrong["attempts"] == 200
        assert [(one["code"], one["option"]) for one in wrong["doubts"]] == [
            ("negative_discrimination", None),
            ("option_scores_higher", "C"),
            ("option_chosen_more", "C"),
        ]
        assert several["discrimination_percent"] > 20
        assert several["doubts"] == []
        # A viewer sees neither keys nor what gives them away.
        as_viewer = await made(client, keys["viewer"])
        for one in as_viewer["questions"]:
            assert (one["key"], one["random_guess_percent"], one["options"]) == (None, None, [])
            assert all(doubt["option"] is None for doubt in one["doubts"])
        assert as_viewer["questions"][1]["facility_percent"] == several["facility_percent"]
        # Only those that look wrong, in Chinese.
        chinese = keys["organiser"] | {"Accept-Language": "zh-CN"}
        few = (await client.get(PATH, params={"doubtful": True}, headers=chinese)).json()
        assert [one["id"] for one in few["questions"]] == ["q0"]
        assert few["questions"][0]["doubts"][-1]["reason"].startswith("选这个错误选项的人")
        # After the close everybody who took part sees the keys, and so does a viewer.
        assert (await client.post("/quizzes/one/close", headers=ORGANISER)).status_code == 202
        await database["quizzes"].update_one(
            {"_id": "one"}, {"$set": {"status": "closed"}, "$inc": {"revision": 1}}
        )

        async def is_final() -> bool:
            return bool((await client.get(PATH, headers=keys["viewer"])).json()["final"])

        await eventually(is_final)
        closed = await made(client, keys["viewer"])
        assert [one["key"] for one in closed["questions"][:2]] == ["A", "AB"]


async def test_new_ones_are_made_when_asked_for_and_when_old_ones_are_read(
    kafka: str, mongo: str, tmp_path: Path
) -> None:
    async with contest(kafka, mongo, tmp_path) as (client, database, keys):
        assert code_of(await client.post(PATH, headers=keys["viewer"])) == (403, "organiser_role")
        unknown = await client.post("/quizzes/none/statistics", headers=keys["organiser"])
        assert code_of(unknown) == (404, "quiz_unknown")
        asked = await client.post(PATH, headers=keys["organiser"])
        assert (asked.status_code, asked.json()["quiz_id"]) == (202, "one")
        first = await made(client, keys["organiser"])
        again = (await client.get(PATH, headers=keys["organiser"])).json()
        assert (again["due"], again["made_at"]) == (False, first["made_at"]), "they are fresh"
        old = datetime.now(UTC) - timedelta(minutes=6)
        await database["statistics"].update_one({"_id": "one"}, {"$set": {"made_at": old}})
        shown = (await client.get(PATH, headers=keys["organiser"])).json()
        assert shown["due"]
        assert shown["questions"], "the old ones are shown meanwhile"
        assert (await made(client, keys["organiser"]))["made_at"] > first["made_at"]
