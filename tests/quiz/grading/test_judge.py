"""What is refused for good is looked at by the quiz as it is stored then, whatever a process knows."""

import asyncio
import time
from datetime import timedelta

import pytest

from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.publish import publish
from services.quiz.quizzes.rules import NOTICE_SECONDS
from services.quiz.quizzes.store import QuizStore
from shared.runtime import clock
from shared.runtime.errors import Conflict, Unavailable
from shared.runtime.versions import always
from tests.quiz.builders import attempt, batch, question, submission
from tests.quiz.lifecycle.builders import altering, remove
from tests.quiz.parts import Grading, Parts, new_parts, results_in
from tests.quiz.saving.builders import saves, sheet, stored

pytestmark = pytest.mark.stack


class Counted(QuizStore):
    """Counts how often the quizzes are looked at."""

    looks = 0

    async def revisions(self) -> dict[str, tuple[int, int]]:
        self.looks += 1
        return await super().revisions()


async def stale(parts: Parts) -> tuple[Grading, Counted]:
    """A grader that knows the quizzes as they are now, and looks at them only if it has to."""
    quizzes = Counted(parts.stores.database)
    catalogue = Catalogue(quizzes)
    await catalogue.refresh()
    quizzes.looks = 0
    return Grading(parts.stores, catalogue, parts.publisher), quizzes


async def test_what_intake_took_after_a_reopening_is_graded_by_a_grader_that_knows_the_early_close(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, grace_seconds=0) as parts:
        now = clock.now()
        await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now - timedelta(seconds=5))
        grading, _ = await stale(parts)
        await altering(parts).reopen(parts.quiz_id)
        one = batch(parts.submission("wang"))
        ((_, event),) = results_in(await grading.grade_submissions(one))
        assert (event.points, one.rejected) == (5, [])


async def test_what_was_saved_after_a_reopening_replaces_what_was_saved_before(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, grace_seconds=0) as parts:
        now = clock.now()
        of = attempt(parts.quiz_id, parts.quiz, "wang", started_at=now - timedelta(seconds=60))
        before = sheet(parts, of, right=0, saved_at=now - timedelta(seconds=20))
        await parts.grading.saved.keep_saved(saves(before))
        await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now - timedelta(seconds=5))
        grading, _ = await stale(parts)
        await altering(parts).reopen(parts.quiz_id)
        after = sheet(parts, of, revision=2)
        two = saves(after)
        await grading.saved.keep_saved(two)
        assert two.rejected == []
        kept = await stored(parts.stores, of)
        assert kept is not None
        assert kept.revision == 2


async def test_what_came_after_the_end_of_before_is_graded_by_a_grader_that_knows_no_other(
    kafka: str, mongo: str
) -> None:
    ends = clock.now() + timedelta(seconds=60)
    async with new_parts(kafka, mongo, closes_at=ends, grace_seconds=0) as parts:
        grading, _ = await stale(parts)
        await altering(parts).extend(parts.quiz_id, ends + timedelta(hours=1), always)
        later = parts.submission("wang", submitted_at=ends + timedelta(seconds=20))
        one = batch(later, appended_at=ends + timedelta(seconds=20))
        assert len(await grading.grade_submissions(one)) == 1
        assert one.rejected == []


async def test_a_paper_of_a_version_that_a_grader_does_not_know_is_not_refused_for_its_questions(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        grading, _ = await stale(parts)
        asked = tuple(question(n + 100, one.topic) for n, one in enumerate(parts.quiz.questions))
        second = parts.quiz.model_copy(update={"questions": asked})
        await publish(parts.stores.quizzes, parts.quiz_id, second, clock.now())
        # It names no version.
        one = batch(submission(parts.quiz_id, second, "wang"))
        ((_, event),) = results_in(await grading.grade_submissions(one))
        assert (event.points, one.rejected) == (5, [])


async def test_a_flood_of_late_submissions_asks_once_a_batch_and_good_ones_never(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        grading, quizzes = await stale(parts)
        late = batch(*(parts.submission(seconds=3_000) for _ in range(200)))
        assert not await grading.grade_submissions(late)
        assert (len(late.rejected), quizzes.looks) == (200, 1)
        await grading.grade_submissions(batch(*(parts.submission() for _ in range(20))))
        assert quizzes.looks == 1


async def test_a_grader_that_stood_still_looks_before_it_grades(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, grace_seconds=0) as parts:
        grading, quizzes = await stale(parts)
        now = clock.now()
        await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now - timedelta(seconds=60))
        time.sleep(NOTICE_SECONDS + 0.1)  # noqa: ASYNC251 (nothing at all may run)
        one = batch(parts.submission())
        assert not await grading.grade_submissions(one)
        assert [dead.why.code for dead in one.rejected] == ["attempt_late"]
        assert quizzes.looks == 2


async def test_what_meets_the_removal_of_its_quiz_is_refused_and_the_next_quiz_knows_nothing_of_it(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        grading, _ = await stale(parts)
        other, _ = await stale(parts)
        now = clock.now()
        await remove(parts)
        one = batch(parts.submission("wang", version=1))
        assert not await grading.grade_submissions(one)
        assert [dead.why.code for dead in one.rejected] == ["quiz_unknown"]
        # Of two that still know the removed quiz, one meets the next quiz of that name.
        await publish(parts.stores.quizzes, parts.quiz_id, parts.quiz, now)
        two = batch(parts.submission("li", version=1))
        assert not await other.grade_submissions(two)
        assert [dead.why.code for dead in two.rejected] == ["quiz_version_unknown"]
        record = await parts.stores.quizzes.read(parts.quiz_id)
        assert record is not None
        assert (record.version, record.begun) == (2, False)
        assert await parts.stores.standings.count(parts.quiz_id) == 0
        # What is graded of the next one keeps it from being removed, whatever a process has graded before.
        assert len(await other.grade_submissions(batch(parts.submission("li")))) == 1
        with pytest.raises(Conflict) as why:
            await remove(parts)
        assert why.value.code == "quiz_in_use"


async def test_of_a_removal_and_a_submission_of_another_system_one_comes_first(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        graded = 0
        for n in range(12):
            quiz_id = f"{parts.quiz_id}-{n}"
            await publish(parts.stores.quizzes, quiz_id, parts.quiz, clock.now())
            grading, _ = await stale(parts)
            one = batch(submission(quiz_id, parts.quiz))
            following, removed = await asyncio.gather(
                grading.grade_submissions(one),
                remove(parts, quiz_id),
                return_exceptions=True,
            )
            there = await parts.stores.quizzes.read(quiz_id) is not None
            # A quiz that changes at this moment is tried again.
            if isinstance(following, BaseException):
                assert isinstance(following, Unavailable)
                following = await grading.grade_submissions(one)
            assert there == isinstance(removed, Conflict) == (len(following) == 1) == (not one.rejected)
            graded += there
        assert await parts.stores.database["results"].count_documents({}) == graded


async def test_a_save_of_another_system_keeps_its_quiz(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        of = attempt(parts.quiz_id, parts.quiz, "wang")
        await parts.grading.saved.keep_saved(saves(sheet(parts, of)))
        with pytest.raises(Conflict) as why:
            await remove(parts)
        assert why.value.code == "quiz_in_use"
