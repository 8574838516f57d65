"""Standings that are frozen: what is held, and what becomes of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from services.quiz.attempts.submission import Submission
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.rules import QuizId
from services.quiz.results.rules import AttemptId, Result
from tests.quiz.builders import batch
from tests.quiz.parts import Grading, new_parts
from tests.quiz.standings.builders import all_of, assert_counted, database_of, graded, on_time, standing

pytestmark = pytest.mark.stack


async def test_a_freeze_shows_what_was_submitted_before_however_late_it_is_graded(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3) as parts:
        now = datetime.now(UTC).replace(microsecond=0)
        frozen_at, before, after = now, now - timedelta(seconds=30), now + timedelta(seconds=1)
        await graded(parts, on_time(parts, "wang", 2, before))
        await parts.freeze(frozen_at)
        later = [on_time(parts, "wang", 4, after, 2), on_time(parts, "li", 5, after)]
        assert await graded(parts, *later, on_time(parts, "mei", 1, before)) == ["wang", "li", "mei"]
        # At the very moment is before; a millisecond later is after.
        last = [
            on_time(parts, "an", 3, frozen_at),
            on_time(parts, "bo", 3, frozen_at + timedelta(milliseconds=1)),
        ]
        await graded(parts, *last)
        await graded(parts, on_time(parts, "wang", 3, before, 3))
        frozen = {"wang": 60, "mei": 20, "an": 60}
        for _ in range(2):
            # A repeat, another freeze and upkeep change nothing.
            assert await standing(parts) == frozen
            await assert_counted(database_of(parts), parts.quiz_id)
            await graded(parts, *later, *last)
            await parts.freeze(after)
            await parts.upkeep.turn()
        for _ in range(2):
            await parts.stores.quizzes.thaw(parts.quiz_id)
            await parts.upkeep.turn()
            assert await standing(parts) == {"wang": 80, "li": 100, "mei": 20, "an": 60, "bo": 60}
            await assert_counted(database_of(parts), parts.quiz_id)
        assert await database_of(parts)["held"].count_documents({}) == 0


async def test_what_is_held_by_a_grader_that_learns_late_of_the_thaw_is_released(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        now = datetime.now(UTC).replace(microsecond=0)
        await parts.freeze(now - timedelta(minutes=1))
        record = await parts.stores.quizzes.read(parts.quiz_id)
        assert record is not None
        assert record.frozen_at is not None
        frozen = {parts.quiz_id: record.frozen_at}
        await graded(parts, on_time(parts, "wang", 4, now))
        await parts.stores.quizzes.thaw(parts.quiz_id)
        await parts.upkeep.turn()
        assert await standing(parts) == {"wang": 80}
        # Frozen again, and then comes one who has looked during the first freeze.
        await parts.freeze(now + timedelta(minutes=1))
        late = [
            Result(
                AttemptId(f"{n}"),
                "s",
                QuizId(parts.quiz_id),
                1,
                ParticipantId(who),
                None,
                None,
                10,
                10,
                True,
                9,
                now,
                "",
            )
            for n, who in enumerate(("wang", "li"))
        ]
        await parts.stores.results.add(late, lambda results, _: parts.grading.grader._orders(results, frozen))
        assert await standing(parts) == {"wang": 80}
        await parts.upkeep.turn()
        assert await standing(parts) == {"wang": 100, "li": 100}, "submitted before the second freeze"
        await assert_counted(database_of(parts), parts.quiz_id)


async def test_several_release_while_graders_hold_and_raise(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3) as parts:
        now = datetime.now(UTC).replace(microsecond=0)
        people = [f"p{n}" for n in range(60)]
        sent = [on_time(parts, who, (n + k) % 6, now, k) for n, who in enumerate(people) for k in (1, 2, 3)]
        Random(7).shuffle(sent)  # noqa: S311 (no secret)
        await parts.freeze(now - timedelta(minutes=1))
        graders = [Grading(parts.stores, parts.catalogue, parts.publisher) for _ in range(3)]

        async def grade(grader: Grading, mine: Sequence[Submission]) -> None:
            for n in range(0, len(mine), 10):
                await grader.grade_submissions(batch(*mine[n : n + 10]))

        await all_of(grade(one, sent[n:90:3]) for n, one in enumerate(graders))
        assert await standing(parts) == {}
        await parts.stores.quizzes.thaw(parts.quiz_id)
        upkeeps = [parts.upkeep.turn() for _ in range(3)]
        await all_of([*upkeeps, *(grade(one, sent[90 + n :: 3]) for n, one in enumerate(graders))])
        await parts.upkeep.turn()
        best = {who: max((n + k) % 6 for k in (1, 2, 3)) * 20 for n, who in enumerate(people)}
        assert await standing(parts) == best
        await assert_counted(database_of(parts), parts.quiz_id)


async def test_a_repeat_by_an_earlier_version_of_what_was_graded_still_stands(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        sent = on_time(parts, "wang", 4, datetime.now(UTC))
        await graded(parts, sent)
        # As after a crash of a version that wrote results first.
        await database_of(parts)["standings"].delete_many({})
        await database_of(parts)["rank_changes"].delete_many({})
        await graded(parts, sent)
        assert await standing(parts) == {"wang": 80}
        await assert_counted(database_of(parts), parts.quiz_id)
