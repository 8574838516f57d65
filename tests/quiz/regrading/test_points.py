"""Points of a question that are corrected, and questions that are taken out."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec
import pytest

from ops.audit.log import Entry, Log
from services.quiz.attempts.submission import Submission
from services.quiz.quizzes.publish import publish
from services.quiz.regrading.question_changes import Change
from services.quiz.results.rules import Result
from shared.messaging.publisher import Record
from shared.runtime import clock
from shared.runtime.errors import Rejected
from shared.storage import outbox
from tests.quiz.builders import batch, envelope, question
from tests.quiz.parts import Parts, new_parts
from tests.quiz.regrading.builders import CANCELLED, Correcting, best_of
from tests.quiz.regrading.test_audit import checked, entries
from tests.quiz.standings.builders import assert_counted
from tests.support.logged import logged

pytestmark = pytest.mark.stack

OUT = Change(taken_out=True)
# Every paper has the questions of this topic; of the other one two of four.
ALL_AND_SOME = {"blueprint": {"天文": 6, "健康": 2}}


def crowd(parts: Parts, number: int) -> list[Submission]:
    return [parts.submission(f"p{n}", right=n % 9, seconds=60 + n) for n in range(number)]


def expected(
    parts: Parts, sent: Sequence[Submission], worth: Mapping[str, float]
) -> dict[str, tuple[float, float]]:
    """By attempt, its points and those of the paper: A is right, and gives a point, or what `worth` says."""
    found = {}
    for one in sent:
        ids = parts.catalogue.find(parts.quiz_id).paper(one.attempt_id).question_ids
        points = sum(worth.get(id_, 1) for id_ in ids if one.answers.get(id_) == "A")
        found[one.attempt_id] = points, sum(worth.get(id_, 1) for id_ in ids)
    return found


async def stored(at: Correcting) -> dict[str, tuple[float, float]]:
    found = await at.database["results"].find({"quiz_id": at.parts.quiz_id}).to_list(None)
    return {one["_id"]: (one["halves"] / 2, one["halves_max"] / 2) for one in found}


async def assert_follows(at: Correcting, sent: Sequence[Submission], worth: Mapping[str, float]) -> None:
    """Results, whether they pass, standings and counts are what other code computes."""
    points = expected(at.parts, sent, worth)
    assert await stored(at) == points
    found = await at.database["results"].find().to_list(None)
    assert all(one["passed"] == (100 * one["halves"] >= 60 * one["halves_max"]) for one in found)
    assert await at.standings() == best_of(sent, {id_: reached for id_, (reached, _) in points.items()})
    await assert_counted(at.database, at.parts.quiz_id)


async def correcting(parts: Parts) -> Correcting:
    at = Correcting(parts)
    await at.prepare()
    return at


async def refused(at: Correcting, question_id: str, change: Change) -> str:
    with pytest.raises(Rejected) as why:
        await at.correct(question_id, change)
    return why.value.code


@pytest.mark.parametrize(("change", "worth"), [(Change(points=2.5), 2.5), (OUT, 0)])
async def test_every_result_follows_points_that_are_changed(
    kafka: str, mongo: str, change: Change, worth: float
) -> None:
    async with new_parts(kafka, mongo, **ALL_AND_SOME) as parts:
        at, sent = await correcting(parts), crowd(parts, 30)
        await parts.grading.grade_submissions(batch(*sent))
        before = await stored(at)
        assert before == expected(parts, sent, {})
        preview = await at.preview("q1", change)
        await at.correct("q1", change)
        await at.regrade()
        await assert_follows(at, sent, {"q1": worth})
        done = (await at.regradings.of_quiz(parts.quiz_id))[1]
        assert preview.figures == done.figures
        assert done.figures.changed == len(sent), "every paper is worth other points"
        told = {event.result_id: event for _, event in await at.events()}
        after = await stored(at)
        assert told.keys() == after.keys()
        for id_, event in told.items():
            assert (event.points_before, event.points_max_before) == before[id_]
            assert (event.points, event.points_max) == after[id_]
        assert {event.code for event in told.values()} == {
            "question_taken_out" if change == OUT else "points_changed"
        }
        # Who comes later is graded so at once.
        late = parts.submission("late", right=8)
        await parts.grading.grade_submissions(batch(late))
        await assert_follows(at, [*sent, late], {"q1": worth})
        assert parts.catalogue.find(parts.quiz_id).half_points_max == 2 * (7 + worth)


async def test_what_was_told_first_is_told_the_same_again(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **ALL_AND_SOME) as parts:
        at, [one] = await correcting(parts), crowd(parts, 1)
        first = await parts.grading.grade_submissions(batch(one))
        await at.correct("q1", OUT)
        await at.regrade()
        again = await parts.grading.grade_submissions(batch(one))
        assert [record[2] for record in again if isinstance(record, tuple)] == [
            record[2] for record in first if isinstance(record, tuple)
        ]
        results: dict[str, Result] = await parts.stores.results.of_attempts([one.attempt_id])
        assert (results[one.attempt_id].version, results[one.attempt_id].half_points_max) == (2, 14)


async def test_a_correction_keeps_what_was_corrected_before(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **ALL_AND_SOME) as parts:
        at, sent = await correcting(parts), crowd(parts, 20)
        await parts.grading.grade_submissions(batch(*sent))
        keys = parts.catalogue

        async def graded_by(change: str | Change | None) -> tuple[str, bool, float]:
            await at.correct("q1", change)
            await at.regrade()
            offered = keys.find(parts.quiz_id)
            keyed = offered.keys.keyed(offered.record.quiz.questions[1], offered.record.quiz.marking)
            return keyed.key, keyed.cancelled, keyed.worth / 2

        assert await graded_by("B") == ("B", False, 1)
        assert await graded_by(Change(points=3)) == ("B", False, 3)
        assert await graded_by("A") == ("A", False, 3)
        assert await graded_by(CANCELLED) == ("A", True, 3)
        assert await graded_by(OUT) == ("A", True, 0)
        assert await refused(at, "q1", Change(points=2)) == "question_taken_out"
        assert await graded_by("A") == ("A", False, 3)
        assert await graded_by(Change(points=1)) == ("A", False, 1)
        await assert_follows(at, sent, {})
        # The same again is no correction.
        assert len((await at.correct("q1", Change(points=1))).corrections) == 7


async def test_points_stay_if_papers_would_not_be_worth_the_same(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **ALL_AND_SOME) as parts:
        at = await correcting(parts)
        await parts.grading.grade_submissions(batch(*crowd(parts, 3)))
        # Two of the four questions of this topic are on a paper.
        for change in (Change(points=2), OUT):
            assert await refused(at, "q7", change) == "question_not_in_all_papers"
        await at.correct("q7", "B")


async def test_points_stay_if_an_earlier_version_asks_something_else(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **ALL_AND_SOME) as parts:
        at, of = await correcting(parts), parts.quiz
        other = question(1).model_copy(update={"text": "别的？"})
        changed = of.model_copy(update={"questions": (of.questions[0], other, *of.questions[2:])})
        await publish(parts.stores.quizzes, parts.quiz_id, changed, clock.now())
        await parts.catalogue.refresh()
        await parts.grading.grade_submissions(batch(*crowd(parts, 3)))
        assert await refused(at, "q1", OUT) == "question_not_in_all_papers"
        await at.correct("q2", OUT)


async def test_a_paper_stays_within_its_bounds(kafka: str, mongo: str) -> None:
    of = {"questions": tuple(question(n).model_copy(update={"points": 20}) for n in range(10))}
    async with new_parts(kafka, mongo, blueprint={"天文": 10}, **of) as parts:
        at = await correcting(parts)
        await parts.grading.grade_submissions(batch(*crowd(parts, 1)))
        await at.correct("q0", Change(points=19.5))
        await at.regrade()
        await at.correct("q0", Change(points=20))
    async with new_parts(kafka, mongo, blueprint={"天文": 1}, questions=(question(0),)) as parts:
        at = await correcting(parts)
        await parts.grading.grade_submissions(batch(parts.submission("p", right=1)))
        assert await refused(at, "q0", OUT) == "paper_worth_nothing"


async def logged_week(parts: Parts, sent: Sequence[Submission]) -> tuple[Correcting, list[Entry]]:
    """Graded with corrections in between, and the log of it."""
    at = await correcting(parts)
    following = [*await parts.grading.grade_submissions(batch(*sent[:-5]))]
    for change in (Change(points=4), "B", OUT, "A"):
        await at.correct("q1", change)
        await at.regrade()
    following += await parts.grading.grade_submissions(batch(*sent[-5:]))
    submitted = [
        replace(logged(envelope(one), offset), time_ms=int(time.time() * 1000))
        for offset, one in enumerate(sent)
    ]
    records: list[Record] = [one for one in following if isinstance(one, tuple)]
    records += await outbox.waiting(at.database)
    return at, [*submitted, *entries(records, len(sent))]


@pytest.mark.parametrize("policy", ["partial", "all_or_nothing", "each_right"])
async def test_the_audit_computes_weighted_points_and_finds_a_wrong_one(
    kafka: str, mongo: str, policy: str
) -> None:
    several = [question(n, kind="multiple", key="ABC").model_copy(update={"points": 3}) for n in range(5, 8)]
    changes = {
        "questions": (*(question(n) for n in range(5)), *several),
        "blueprint": {},
        "lines": [
            {"topic": "天文", "kind": "single", "count": 5},
            {"topic": "天文", "kind": "multiple", "count": 2},
        ],
        "multiple_choice": policy,
        "wrong_costs": 0.5,
    }
    async with new_parts(kafka, mongo, **changes) as parts:
        at, log = await logged_week(parts, [parts.submission(f"p{n}", right=n % 8) for n in range(25)])
        assert await checked(at, Log(log)) == {}
        told = next(one for one in log if one.topic == "quiz.regraded")
        wrong = replace(told, value=msgspec.json.encode(told.body | {"points_max_before": 1.0}))
        others = [wrong if one is told else one for one in log]
        assert "each correction goes on from the points before" in await checked(at, Log(others))
        results = at.database["results"]
        for name in ("halves", "halves_max"):
            one = await results.find_one({})
            assert one is not None
            await results.update_one({"_id": one["_id"]}, {"$inc": {name: 1}})
            assert "scores are right" in await checked(at, Log(log))
            await results.replace_one({"_id": one["_id"]}, one)
