"""A quiz that changes: each attempt is graded by the version that its paper was drawn from."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.quiz.attempts.start import Start
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.blueprint import PaperLine
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.publish import VERSIONS_MAX, publish
from services.quiz.quizzes.rules import Quiz
from shared.contracts.events import Difficulty
from shared.runtime import clock
from shared.runtime.errors import Conflict, Rejected
from tests.quiz.builders import batch, question, quiz, submission
from tests.quiz.parts import Grading, Parts, Stores, new_parts, results_in

pytestmark = pytest.mark.stack


def other_key(of: Quiz) -> Quiz:
    """The same quiz, but every right answer is B, and the papers are drawn from other questions."""
    questions = tuple(
        question(n + 100, one.topic).model_copy(update={"key": "B"}) for n, one in enumerate(of.questions)
    )
    return of.model_copy(update={"questions": questions, "title": "第二版"})


async def change(parts: Parts, to: Quiz, now: datetime | None = None) -> bool:
    return await publish(parts.stores.quizzes, parts.quiz_id, to, now or clock.now())


async def refused(parts: Parts, to: Quiz, now: datetime | None = None) -> str:
    with pytest.raises(Rejected) as why:
        await change(parts, to, now)
    return why.value.code


async def begin(parts: Parts, catalogue: Catalogue, who: str) -> Any:
    offered = catalogue.find(parts.quiz_id)
    start = Start(offered, ParticipantId(who), clock.now())
    (outcome,) = await Stores(parts.stores.database).start(start)
    return outcome


async def test_a_change_a_moment_before_a_start_is_graded_by_the_paper_that_was_drawn(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        # Another grader that has not refreshed since.
        stale = Catalogue(parts.stores.quizzes)
        await stale.refresh()
        second = other_key(parts.quiz)
        assert await change(parts, second)
        sent = submission(parts.quiz_id, second, "wang", right=0, version=2)
        # "B" for all five, which is right in the second version, on questions that the first does not have.
        grading = Grading(parts.stores, stale, parts.publisher)
        one = batch(sent)
        ((_, event),) = results_in(await grading.grade_submissions(one))
        assert one.rejected == []
        assert (event.points, event.points_max, event.quiz_title) == (5, 5, "第二版")


async def test_a_paper_of_an_earlier_version_is_graded_by_it_and_one_without_by_the_latest(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3) as parts:
        first, second = parts.quiz, other_key(parts.quiz)
        assert await change(parts, second)
        await parts.catalogue.refresh()
        one = batch(
            submission(parts.quiz_id, first, "wang", right=4, number=1, version=1),
            submission(parts.quiz_id, second, "wang", right=0, number=2),
            submission(parts.quiz_id, first, "li", right=5),
            submission(parts.quiz_id, first, "mei", right=5, version=9),
        )
        events = [event for _, event in results_in(await parts.grading.grade_submissions(one))]
        assert [(event.participant_id, event.points) for event in events] == [("wang", 4), ("wang", 5)]
        assert [dead.why.code for dead in one.rejected] == ["question_unknown", "quiz_version_unknown"]
        (kept,) = (await parts.stores.results.of_attempts([events[0].result_id])).values()
        assert kept.quiz_version == 1


def lines(difficulty: Difficulty) -> tuple[PaperLine, ...]:
    return PaperLine(topic="天文", difficulty=difficulty, count=3), PaperLine(topic="健康", count=2)


async def test_a_refused_submission_leaves_no_papers_behind_for_the_next_version(
    kafka: str, mongo: str
) -> None:
    levels: tuple[Difficulty, Difficulty] = ("easy", "hard")
    questions = tuple(
        one.model_copy(update={"difficulty": levels[place % 2]}) for place, one in enumerate(quiz().questions)
    )
    drawn = {"blueprint": {}, "lines": lines("easy"), "questions": questions}
    async with new_parts(kafka, mongo, papers=1, **drawn) as parts:
        one = batch(msgspec.structs.replace(parts.submission(), answers={"q99": "A"}))
        await parts.grading.grade_submissions(one)
        assert [dead.why.code for dead in one.rejected] == ["question_unknown"]
        second = parts.quiz.model_copy(update={"lines": lines("hard")})
        assert await change(parts, second)
        await parts.catalogue.refresh()
        two = batch(submission(parts.quiz_id, second, "wang", right=4, version=2))
        ((_, event),) = results_in(await parts.grading.grade_submissions(two))
        assert two.rejected == []
        assert (event.points, event.points_max) == (4, 5)


async def test_whoever_begins_first_keeps_a_change_out_and_the_other_way_round(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        stale = Catalogue(parts.stores.quizzes)
        await stale.refresh()
        assert await change(parts, other_key(parts.quiz))
        outcome = await begin(parts, stale, "wang")
        assert isinstance(outcome, Conflict)
        assert outcome.code == "quiz_changed"
        await stale.refresh()
        assert (await begin(parts, stale, "wang")).quiz_version == 2
        assert await refused(parts, parts.quiz) == "quiz_in_use"


async def test_a_start_that_comes_too_early_keeps_no_change_out(kafka: str, mongo: str) -> None:
    opens_at = clock.now() + timedelta(minutes=30)
    async with new_parts(kafka, mongo, opens_at=opens_at) as parts:
        early = await begin(parts, parts.catalogue, "wang")
        assert isinstance(early, Conflict)
        assert early.code == "quiz_not_open"
        assert await change(parts, other_key(parts.quiz))


async def test_of_a_change_and_a_start_at_once_one_comes_first(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        for n in range(12):
            catalogue = Catalogue(parts.stores.quizzes)
            quiz_id = f"{parts.quiz_id}-{n}"
            await publish(parts.stores.quizzes, quiz_id, parts.quiz, clock.now())
            await catalogue.refresh()
            start = Start(catalogue.find(quiz_id), ParticipantId("wang"), clock.now())
            outcomes, changed = await asyncio.gather(
                Stores(parts.stores.database).start(start),
                publish(parts.stores.quizzes, quiz_id, other_key(parts.quiz), clock.now()),
                return_exceptions=True,
            )
            record = await parts.stores.quizzes.read(quiz_id)
            assert record is not None
            assert isinstance(outcomes, list)
            started = not isinstance(outcomes[0], Rejected)
            assert started == (record.version == 1)
            assert started == isinstance(changed, Conflict)


async def test_what_another_system_submitted_keeps_changes_out_also_while_it_waits(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.grading.grade_submissions(batch(parts.submission("wang", district=None)))
        assert await refused(parts, other_key(parts.quiz)) == "quiz_in_use"


async def test_an_open_quiz_keeps_its_times_attempts_and_number_of_questions(kafka: str, mongo: str) -> None:
    hour = timedelta(hours=1)
    async with new_parts(kafka, mongo) as parts:
        of = parts.quiz
        for changes in (
            {"opens_at": of.opens_at + hour},
            {"closes_at": of.closes_at - hour / 2},
            {"duration_seconds": of.duration_seconds - 1},
            {"grace_seconds": 0},
            {"attempts_per_day": 2},
            {"timezone": "Europe/Berlin"},
            {"blueprint": {"天文": 3}},
        ):
            assert await refused(parts, of.model_copy(update=changes)) == "quiz_opened", changes
        assert await change(parts, of.model_copy(update={"closes_at": of.closes_at + hour}))
        # Before it opens all of it may change.
        before = of.opens_at - hour
        assert await publish(parts.stores.quizzes, f"{parts.quiz_id}-late", of, before)
        earlier = quiz(opens_at=of.opens_at - hour / 2, grace_seconds=0, timezone="Europe/Berlin")
        assert await publish(parts.stores.quizzes, f"{parts.quiz_id}-late", earlier, before)


async def test_only_versions_that_were_open_are_kept_and_so_many(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        versions = parts.stores.database["quiz_versions"]
        long_before = parts.quiz.opens_at - timedelta(hours=1)
        for n in range(3):
            assert await change(parts, parts.quiz.model_copy(update={"title": f"改{n}"}), long_before)
        assert [one["version"] async for one in versions.find()] == [4]
        for n in range(VERSIONS_MAX - 1):
            assert await change(parts, parts.quiz.model_copy(update={"title": f"开{n}"}))
        assert await refused(parts, parts.quiz) == "too_many_versions"
        assert await versions.count_documents({}) == VERSIONS_MAX


async def test_a_quiz_that_would_be_over_is_refused(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        over = parts.quiz.closes_at
        with pytest.raises(Rejected) as why:
            await publish(parts.stores.quizzes, f"{parts.quiz_id}-over", parts.quiz, over)
        assert why.value.code == "quiz_over"
        assert await refused(parts, parts.quiz.model_copy(update={"title": "晚"}), over) == "quiz_over"
        # As it is, it may be put again at any time.
        assert not await change(parts, parts.quiz, over)


async def test_versions_count_definitions_and_revisions_all_changes(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        quizzes, now = parts.stores.quizzes, datetime.now(UTC)
        await quizzes.freeze(parts.quiz_id, now, now)
        await quizzes.thaw(parts.quiz_id)
        await quizzes.begin_closing(parts.quiz_id, now, now)
        assert await quizzes.revisions() == {parts.quiz_id: (4, 1)}
        # A look for what is new reads no definition again that it has.
        papers = parts.catalogue.find(parts.quiz_id).papers
        await parts.catalogue.refresh()
        assert parts.catalogue.find(parts.quiz_id).papers is papers
        assert parts.catalogue.find(parts.quiz_id).record.status == "closing"
