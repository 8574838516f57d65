"""A quiz is removed with all that hangs on its name, and the next one of that name knows nothing of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from services.quiz.disqualified.rules import REMOVED, Decision, Disqualification
from services.quiz.lifecycle.rules import REINSTATED_MAX
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.publish import publish
from services.quiz.quizzes.rules import QuizId
from shared.contracts.events import QuizDisqualificationDecided
from shared.messaging.create_topics import create_missing
from shared.runtime import clock
from shared.runtime.errors import Conflict
from shared.storage import outbox
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together
from tests.quiz.builders import as_resident, batch, envelope, erased, joined, people, quiz, service
from tests.quiz.disqualifying.builders import Deciding
from tests.quiz.disqualifying.test_audit import checked
from tests.quiz.http import put
from tests.quiz.lifecycle.builders import remove
from tests.quiz.parts import new_parts
from tests.quiz.regrading.test_audit import entries
from tests.support.logged import logged
from tests.support.service import ORGANISER, code_of, new_id

pytestmark = pytest.mark.stack

# What may name a removed quiz: its last version, its name, decisions that do not hold any more, acts of
# organisers, events under way.
NAMED_AFTER = {"removed_quizzes", "disqualifications", "acts", "outbox", "quiz_names"}
MEASURE = {"tiers": [{"name": "甲", "from_percent": 10}], "cell_min": 5}


async def naming(database: Database, quiz_id: str) -> set[str]:
    """The collections that name a quiz."""
    found = set()
    for name in await database.list_collection_names():
        async for document in database[name].find():
            if quiz_id in str(document):
                found.add(name)
    return found


async def decisions_in(database: Database) -> list[QuizDisqualificationDecided]:
    return [
        QuizDisqualificationDecided.model_validate_json(value or b"")
        for topic, _, value, _ in await outbox.waiting(database)
        if topic == QuizDisqualificationDecided.topic
    ]


async def test_nothing_of_a_removed_quiz_is_left_for_the_next_one_of_its_name(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    quiz_id = new_id()
    path = f"/quizzes/{quiz_id}"
    out = {"participant_id": "wang", "reason": "两台设备同时作答"}
    posts: list[tuple[str, Mapping[str, Any] | None]] = [
        ("disqualifications", out),
        ("statistics", None),
        ("literacy", None),
        ("flags", None),
        ("standings/freeze", None),
    ]
    async with service(mongo, kafka=kafka, role="api") as ([client], database):
        wang = {"_id": "wang", "group_id": None, "district": "华龙区", "version": 1}
        await database["participants"].insert_one(wang)
        await put(client, quiz_id, quiz())
        for name, body in posts:
            assert (await client.post(f"{path}/{name}", json=body, headers=ORGANISER)).is_success, name
        measured = await client.put(f"{path}/literacy/measure", json=MEASURE, headers=ORGANISER)
        assert measured.is_success
        before = await naming(database, quiz_id)
        assert {"statistics", "literacy", "examinations", "disqualifications"} < before
        assert (await client.delete(path, headers=ORGANISER)).status_code == 204
        assert await naming(database, quiz_id) <= NAMED_AFTER

        await put(client, quiz_id, quiz(title="第二个"))
        listed = (await client.get(f"{path}/disqualifications", headers=ORGANISER)).json()
        [one] = listed["disqualifications"]
        assert (one["disqualified"], one["version"], one["decisions"][1]["reason"]) == (False, 2, REMOVED)
        measure = (await client.get(f"{path}/literacy/measure", headers=ORGANISER)).json()
        assert measure["tiers"] != MEASURE["tiers"]
        assert (await client.post(f"{path}/attempts", headers=as_resident("wang"))).status_code == 201
        # A decision in the next quiz is heard of by everybody who keeps the highest version.
        again = await client.post(f"{path}/disqualifications", json=out, headers=ORGANISER)
        assert (again.json()["disqualified"], again.json()["version"]) == (True, 3)
        told = await decisions_in(database)
        assert [(one.version, one.disqualified) for one in told] == [(1, True), (2, False), (3, True)]


async def test_who_was_disqualified_in_a_removed_quiz_stands_in_the_next_one(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.grading.keep_participants(people(joined("wang"), joined("li")))
        at = Deciding(parts)
        await at.out("wang")
        await at.out("li")
        await at.back("li")
        await remove(parts)
        # Nothing waits to be settled: that would take a standing out of the next quiz.
        assert await at.settle() == 0
        await publish(parts.stores.quizzes, parts.quiz_id, parts.quiz, clock.now())
        await parts.catalogue.refresh()
        sent = [parts.submission("wang", right=5), parts.submission("li", right=4)]
        following = await parts.grading.grade_submissions(batch(*sent))
        await at.assert_standings({"wang": 5, "li": 4})
        now_ms = clock.epoch_ms(clock.now())
        graded = [replace(logged(envelope(one), n), time_ms=now_ms) for n, one in enumerate(sent)]
        results = entries([one for one in following if isinstance(one, tuple)], 10)

        async def wrong(*, without: int | None = None) -> set[str]:
            log = entries(await outbox.waiting(at.database), 20)
            told = [one for one in log if one.topic == QuizDisqualificationDecided.topic]
            gone = told[without] if without is not None else None
            return await checked(at, [*graded, *results, *(one for one in log if one is not gone)])

        assert await wrong() == set()
        # That wang was reinstated with the removal.
        assert "decisions about results are published (quiz.disqualification_decided)" in await wrong(
            without=3
        )
        await at.out("wang")
        await at.settle()
        await at.assert_standings({"li": 4})
        versions = [(one.participant_id, one.version, one.disqualified) for one in await at.decided()]
        assert versions == [
            ("wang", 1, True),
            ("li", 1, True),
            ("li", 2, False),
            ("wang", 2, False),
            ("wang", 3, True),
        ]


async def test_what_was_decided_about_the_erased_goes_though_the_quiz_is_removed(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.grading.keep_participants(people(joined("wang"), joined("li")))
        at = Deciding(parts)
        await at.out("wang")
        await at.out("li")
        # One is erased before the removal, and is told nothing of it; the other one after it.
        await parts.grading.keep_participants(people(erased("li")))
        await remove(parts)
        assert [one.version for one in await at.decided() if one.participant_id == "li"] == [1]
        await parts.grading.keep_participants(people(erased("wang")))
        await parts.sweeper().turn()
        assert await at.database["disqualifications"].count_documents({}) == 0


async def test_a_quiz_in_which_very_many_are_disqualified_stays(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        quiz_id, now = QuizId(parts.quiz_id), clock.now()
        out = (Decision(True, (), "x", "an organiser", now),)
        states = [Disqualification(quiz_id, ParticipantId(f"p{n}"), out) for n in range(REINSTATED_MAX + 1)]

        async def work(unit: UnitOfWork) -> None:
            for state in states:
                await parts.stores.disqualified.save(unit, state, now)

        await save_together(parts.stores.database, work)
        with pytest.raises(Conflict) as why:
            await remove(parts)
        assert why.value.code == "quiz_in_use"
        await parts.stores.disqualified.remove("p0")
        await remove(parts)
        assert await parts.stores.quizzes.read(parts.quiz_id) is None


async def test_a_closed_quiz_stays_since_its_standings_are_published(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.close()
        with pytest.raises(Conflict) as why:
            await remove(parts)
        assert why.value.code == "quiz_is_final"


async def test_a_decision_and_the_removal_at_once_leave_nothing_in_force(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    async with service(mongo, kafka=kafka, role="api", copies=2) as ([here, there], database):
        wang = {"_id": "wang", "group_id": None, "district": "华龙区", "version": 1}
        await database["participants"].insert_one(wang)
        for _ in range(6):
            quiz_id = new_id()
            await put(here, quiz_id, quiz())
            path, out = f"/quizzes/{quiz_id}", {"participant_id": "wang", "reason": "x"}
            await there.get(path)
            decided, gone = await asyncio.gather(
                there.post(f"{path}/disqualifications", json=out, headers=ORGANISER),
                here.delete(path, headers=ORGANISER),
            )
            assert gone.status_code == 204
            assert decided.status_code == 200 or code_of(decided) == (404, "quiz_unknown")
            kept = await database["disqualifications"].find({"quiz_id": quiz_id}).to_list(None)
            assert [one["decisions"][-1]["whole"] for one in kept] in ([], [False])
