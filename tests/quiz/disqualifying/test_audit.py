"""The audit computes standings with decisions and revised closings, and finds what does not fit."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ops.audit.decisions import decision_checks
from ops.audit.findings import Check
from ops.audit.log import Entry, Log
from ops.audit.quiz import audit_quiz
from shared.storage import outbox
from tests.quiz.builders import batch, envelope
from tests.quiz.disqualifying.builders import Deciding
from tests.quiz.parts import Parts, new_parts
from tests.quiz.regrading.test_audit import entries
from tests.support.logged import logged

pytestmark = pytest.mark.stack

MINUTE = timedelta(minutes=1)


async def checked(at: Deciding, log: list[Entry]) -> set[str]:
    found: list[Check] = await audit_quiz(Log(log), at.database, [])
    return {one.name for one in found if not one.agrees}


async def decided(parts: Parts, kafka: str) -> tuple[Deciding, list[Entry]]:
    """A closed quiz with decisions before and after the close, and its log."""
    at, now = Deciding(parts), datetime.now(UTC)
    sent = [parts.submission(f"p{n}", right=n % 6, seconds=60 + n) for n in range(20)]
    following = await parts.grading.grade_submissions(batch(*sent))
    await at.out("p5")
    await at.out("p4", next(one.attempt_id for one in sent if one.participant_id == "p4"))
    await at.settle()
    await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now)
    await parts.closer(kafka).close_due(now + MINUTE)
    await at.out("p11")
    await at.back("p4")
    await at.revise()
    now_ms = int(time.time() * 1000)
    submitted = [replace(logged(envelope(one), n), time_ms=now_ms) for n, one in enumerate(sent)]
    records = [one for one in following if isinstance(one, tuple)]
    return at, [*submitted, *entries([*records, *await outbox.waiting(at.database)], len(sent))]


async def test_the_audit_agrees_and_finds_each_wrong_value(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        at, log = await decided(parts, kafka)
        assert await checked(at, log) == set()
        told = [one for one in log if one.topic == "quiz.disqualification_decided"]
        closings = sorted(
            (one for one in log if one.topic == "quiz.closed"), key=lambda one: one.body["version"]
        )
        assert (len(told), len(closings)) == (4, 2)
        # A decision that nobody was told of.
        without = await checked(at, [one for one in log if one is not told[0]])
        assert "decisions about results are published (quiz.disqualification_decided)" in without
        assert "everyone graded has a standing" in without
        # The second version of the final standings is missing, or comes twice.
        without = await checked(at, [one for one in log if one is not closings[1]])
        assert without == {"closed quizzes are published once", "final ranks are right"}
        assert "closed quizzes are published once" in await checked(
            at, [*log, replace(closings[1], event_id="another")]
        )
        # A standing of a disqualified person is back.
        standings, quizzes = at.database["standings"], at.database["quizzes"]
        stored = await standings.find_one({"_id": f"{parts.quiz_id}/p1"})
        assert stored is not None
        await standings.insert_one(stored | {"_id": f"{parts.quiz_id}/p5"})
        assert "everyone graded has a standing" in await checked(at, log)
        await standings.delete_one({"_id": f"{parts.quiz_id}/p5"})
        # What is stored of a decision is not what was said.
        which = {"_id": f"{parts.quiz_id}/p11"}
        await at.database["disqualifications"].update_one(which, {"$set": {"decisions.0.whole": False}})
        assert await checked(at, log) == {"decisions are published as they are stored"}
        await at.database["disqualifications"].update_one(which, {"$set": {"decisions.0.whole": True}})
        # Changed standings wait to be published.
        await quizzes.update_one({"_id": parts.quiz_id}, {"$set": {"revise_at": datetime.now(UTC)}})
        assert await checked(at, log) == {"final standings that have changed are published again"}


async def test_the_audit_finds_decisions_that_an_erasure_has_left(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        at, log = await decided(parts, kafka)
        stored = {one["_id"]: one async for one in at.database["disqualifications"].find()}
        [left] = [one for one in decision_checks(Log(log), stored, {"p5"}) if not one.agrees and one.wrong]
        assert (left.name, left.wrong) == ("decisions about the erased are deleted", [f"{parts.quiz_id}/p5"])
