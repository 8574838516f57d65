"""Corrections, withheld scores and saved answers together: each pair of them, and all three at once."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from services.quiz.attempts.rules import Attempt
from services.quiz.attempts.submission import Submission
from shared.contracts.events import QuizClosed, QuizCompleted
from shared.messaging.consuming import consuming
from shared.runtime import clock
from shared.storage import outbox
from tests.quiz.builders import as_resident, batch, service
from tests.quiz.closing.builders import is_closed
from tests.quiz.parts import Parts, new_parts, results_in, subscriptions_of
from tests.quiz.regrading.builders import CANCELLED, Correcting, best_of, expected
from tests.quiz.regrading.test_regrade import correcting
from tests.quiz.saving.builders import minutes_ago, saves, sheet
from tests.quiz.saving.test_hand_in import grade, in_the_log, over
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

SILENT = [f"silent-{n}" for n in range(6)]


async def handed_in(parts: Parts, kafka: str) -> list[Submission]:
    """People who saved and never submitted: what is handed in, each with other points."""
    begun = [over(parts, who) for who in SILENT]
    await parts.stores.attempts.add(begun)
    await save(parts, begun)
    await parts.grading.hand_in.hand_in_due(clock.now())
    found = [one.event for one in await in_the_log(kafka, parts.quiz_id)]
    assert {one.attempt_id for one in found if one.automatic} == {one.attempt_id for one in begun}
    return found


async def save(parts: Parts, of: Sequence[Attempt]) -> None:
    for right, one in enumerate(of):
        kept = saves(sheet(parts, one, right=right, saved_at=minutes_ago(5)))
        await parts.grading.saved.keep_saved(kept)
        assert kept.rejected == []


async def begin_closing(parts: Parts) -> None:
    closes_at = minutes_ago(1)
    await parts.stores.quizzes.begin_closing(parts.quiz_id, closes_at, closes_at)
    await parts.catalogue.refresh()


async def close(parts: Parts, kafka: str) -> QuizClosed:
    """Hand in, grade and close, as a worker does; returns what the close says."""
    closer = parts.closer(kafka)
    async with consuming(kafka, subscriptions_of(parts.grading), parts.publisher):

        async def is_over() -> bool:
            await parts.grading.hand_in.hand_in_due(clock.now())
            await closer.close_due(clock.now())
            return await is_closed(parts)

        await eventually(is_over)
    [said] = [
        QuizClosed.model_validate_json(value or b"")
        for topic, _, value, _ in await outbox.waiting(parts.stores.database)
        if topic == QuizClosed.topic
    ]
    return said


async def told_once(parts: Parts, kafka: str) -> dict[str, QuizCompleted]:
    """By result, the one thing that `quiz.completed` says of it."""
    said: dict[str, set[str]] = {}
    for id_, event in await parts.completed(kafka):
        said.setdefault(event.result_id, set()).add(f"{id_} {event.model_dump_json()}")
    assert {len(ways) for ways in said.values()} <= {1}
    return {event.result_id: event for _, event in await parts.completed(kafka)}


async def results_read(client: httpx.AsyncClient, sent: Sequence[Submission]) -> dict[str, Any]:
    """By attempt, what its participant reads."""
    found: dict[str, Any] = {}
    for one in sent:
        path = f"/attempts/{one.attempt_id}/result"
        found[one.attempt_id] = (await client.get(path, headers=as_resident(one.participant_id))).json()
    return found


async def test_what_was_handed_in_of_a_quiz_that_withholds_scores_is_told_at_the_close(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, shows_scores="at_close", grace_seconds=0) as parts:
        sent = await handed_in(parts, kafka)
        assert await grade(parts, kafka) == []
        points = expected(parts, sent, {})
        name = parts.stores.database.name
        async with service(mongo, kafka=kafka, role="api", database=name) as ([client], _):
            before = await results_read(client, sent)
            assert {one["status"] for one in before.values()} == {"received"}
            assert {one["points"] for one in before.values()} == {None}
            assert await parts.completed(kafka) == []
            await begin_closing(parts)
            said = await close(parts, kafka)
            told = await told_once(parts, kafka)
            assert {id_: event.points for id_, event in told.items()} == points
            assert {event.automatic for event in told.values()} == {True}
            assert {one.participant_id: one.points for one in said.standings} == best_of(sent, points)

            async def are_shown() -> bool:
                return {one["status"] for one in (await results_read(client, sent)).values()} == {"graded"}

            # This process learns of the close within a second.
            await eventually(are_shown)
            after = await results_read(client, sent)
            assert {id_: one["points"] for id_, one in after.items()} == points


async def test_a_correction_grades_again_what_was_handed_in(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        at, sent = await correcting(parts), await handed_in(parts, kafka)
        first = await grade(parts, kafka)
        in_time = [
            parts.submission(f"p{n}", right=n, submitted_at=minutes_ago(1), seconds=60) for n in range(6)
        ]
        await parts.grading.grade_submissions(batch(*in_time, appended_at=minutes_ago(1)))
        before = await at.points()
        await at.correct("q1", "B")
        await at.regrade()
        await at.correct("q2", CANCELLED)
        await at.regrade()
        points = expected(parts, [*sent, *in_time], {"q1": "B", "q2": CANCELLED})
        assert points != before
        assert await at.points() == points
        assert await at.standings() == best_of([*sent, *in_time], points)
        await assert_told_in_a_chain(at, before, points)
        found = await parts.stores.results.of_attempts([one.attempt_id for one in (*sent, *in_time)])
        assert {id_ for id_, one in found.items() if one.automatic} == {one.attempt_id for one in sent}
        # The hand-in comes again: it says what it said first.
        assert sorted(await grade(parts, kafka), key=str) == sorted(first, key=str)
        assert await at.points() == points


async def assert_told_in_a_chain(at: Correcting, before: dict[str, float], points: dict[str, float]) -> None:
    """What was told of each result leads from its points before to those of now."""
    chains: dict[str, list[tuple[int, float, float]]] = {}
    for _, event in await at.events():
        chains.setdefault(event.result_id, []).append((event.version, event.points_before, event.points))
    for id_, now in points.items():
        last = before[id_]
        for number, (version, was, is_) in enumerate(sorted(chains.get(id_, ())), 2):
            assert (version, was) == (number, last)
            last = is_
        assert last == now


async def test_a_quiz_that_withholds_scores_is_corrected_before_its_close_and_tells_the_points_of_now_once(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, shows_scores="at_close", grace_seconds=0) as parts:
        at = await correcting(parts)
        automatic = await handed_in(parts, kafka)
        assert await grade(parts, kafka) == []
        moment = minutes_ago(2)
        in_time = [parts.submission(f"p{n}", right=n % 6, submitted_at=moment, seconds=60) for n in range(30)]
        sent = [*automatic, *in_time]
        some = batch(*in_time[:20], appended_at=moment)
        assert await parts.grading.grade_submissions(some) == []
        before = await at.points()
        await begin_closing(parts)
        await at.correct("q1", "B")
        # The rest is graded by the keys of now, and the first ones again.
        rest = batch(*in_time[20:], appended_at=moment)
        assert await parts.grading.grade_submissions(rest) == []
        closer = parts.closer(kafka)
        for _ in range(3):
            await closer.close_due(clock.now())
        assert not await is_closed(parts), "results are being graded again"
        assert await parts.completed(kafka) == []
        await at.regrade()
        points = expected(parts, sent, {"q1": "B"})
        assert any(points[id_] != was for id_, was in before.items())
        said = await close(parts, kafka)
        told = await told_once(parts, kafka)
        assert {id_: event.points for id_, event in told.items()} == points
        assert {id_ for id_, event in told.items() if event.automatic} == {
            one.attempt_id for one in automatic
        }
        assert await at.events() == [], "nobody knew other points"
        assert {one.participant_id: one.points for one in said.standings} == best_of(sent, points)
        # A batch that comes again after the close says the same.
        again = results_in(await parts.grading.grade_submissions(batch(*in_time, appended_at=moment)))
        assert {event.result_id: event for _, event in again} == {
            one.attempt_id: told[one.attempt_id] for one in in_time
        }
