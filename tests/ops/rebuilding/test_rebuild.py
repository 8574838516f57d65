"""Projections are made again from the log: beside the live ones, or in their place by a replay."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.deployment import databases
from ops.deployment.databases import Databases
from ops.deployment.settle import wait_until_settled
from ops.local.services import Services, running
from ops.rebuilding.run import Outcome, rebuild
from shared.messaging.create_topics import create_missing
from tests.flow.strangers.week import Week
from tests.fuzz.play import sits
from tests.quiz.builders import quiz
from tests.quiz.http import definition
from tests.registration.builders import newcomer
from tests.support.servers import own_stack
from tests.support.service import bearer
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.own_servers]
PEOPLE = 12
MADE = ("results", "standings", "rank_counts", "rank_changes")


async def play(week: Week, everything: Databases) -> None:
    """A contest, and somebody who is erased afterwards."""
    contest = definition(quiz())
    await week.put(f"{week.apis.quiz}/quizzes/contest", contest)
    await asyncio.gather(*(sits(week, "contest") for _ in range(PEOPLE)))
    joined = await week.at("127.0.0.1").post(f"{week.apis.registration}/participants", json=newcomer())
    token = bearer(joined.json()["token"])
    left = await week.at("127.0.0.1").delete(f"{week.apis.registration}/participants/me", headers=token)
    assert left.is_success, left.text
    await wait_until_settled(week.services.stack.kafka, everything)


async def rebuilt(services: Services) -> dict[str, Outcome]:
    # As the command names them.
    deployment = services.deployment
    outcomes = await rebuild(deployment.kafka, deployment.mongo, lambda _: None)
    return {f"{one.service}.{one.collection}": one for one in outcomes}


async def stored(everything: Databases, name: str) -> list[Any]:
    found: list[Any] = await everything.quiz[name].find().sort("_id", 1).to_list(None)
    return [{field: value for field, value in one.items() if field != "writes"} for one in found]


def kepu(*words: str) -> str:
    done = CliRunner(env={"COLUMNS": "400"}).invoke(app, [*words])
    assert done.exit_code == 0, done.output
    return done.output


async def spoil(everything: Databases) -> Sequence[str]:
    """One document is changed, one deleted and one made up, each in another projection."""
    result = await everything.quiz["results"].find_one({})
    gone = await everything.awards["participants"].find_one({"erased": None})
    assert result is not None
    assert gone is not None
    await everything.quiz["results"].update_one({"_id": result["_id"]}, {"$inc": {"halves": 1}})
    await everything.awards["participants"].delete_one({"_id": gone["_id"]})
    await everything.notifications["contacts"].insert_one({"_id": "made-up"})
    return f"{result['_id']} (halves)", gone["_id"], "made-up"


async def again(services: Services, everything: Databases) -> None:
    """Quiz loses what it has made of the log, and gets it back."""
    before = {name: await stored(everything, name) for name in ("results", "standings")}
    assert len(before["results"]) == PEOPLE
    await asyncio.to_thread(services.stop, "quiz-worker")
    for name in MADE:
        await everything.quiz[name].delete_many({})
    words = "--from", "earliest", "--yes", "--no-wait", "--kafka", services.stack.kafka
    said = await asyncio.to_thread(kepu, "replay", "--group", "quiz-grading", *words)
    assert "Results and standings that are missing are made again" in said
    await asyncio.to_thread(services.start, "quiz-worker")

    async def now() -> dict[str, list[Any]]:
        return {name: await stored(everything, name) for name in before}

    await eventually(now, lambda found: found == before)


async def played(services: Services) -> None:
    async with databases.connected(services.stack.mongo) as everything, Week(services) as week:
        await play(week, everything)
        agreeing = await rebuilt(services)
        assert {name: one.difference for name, one in agreeing.items() if not one.agrees} == {}
        assert agreeing["quiz.results"].difference.compared == PEOPLE
        await again(services, everything)
        changed, deleted, made_up = await spoil(everything)
        found = {name: one.difference for name, one in (await rebuilt(services)).items() if not one.agrees}
        assert found["quiz.results"].differing == [changed]
        assert found["awards.participants"].missing == [deleted]
        assert found["notifications.contacts"].more == [made_up]
        assert len(found) == 3
        names = await everything.quiz.client.list_database_names()
        assert not [name for name in names if "rebuild" in name]


def test_projections_are_compared_with_the_log_and_come_back_from_it() -> None:
    with own_stack() as stack:
        asyncio.run(create_missing(stack.kafka))
        with running(Services(stack, detached=False)) as services:
            asyncio.run(played(services))
