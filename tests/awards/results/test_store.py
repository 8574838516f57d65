"""Results on the real database: each once, in order, and no longer than needed."""

from datetime import UTC, datetime, timedelta

import pytest

from services.awards.results.rules import RESULTS_KEPT
from services.awards.results.upkeep import UPKEEP_SECONDS, Upkeep
from tests.awards.builders import NOW, completed
from tests.awards.parts import new_parts
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def test_results_are_read_page_by_page_in_the_order_in_which_they_were_handed_in(mongo: str) -> None:
    quiz, people = new_id("quiz"), [new_id("p") for _ in range(12)]
    async with new_parts(mongo) as [at]:
        late_first = [
            completed(quiz, person, completed_at=NOW + timedelta(milliseconds=place))
            for place, person in enumerate(people)
        ][::-1]
        for start in range(0, 12, 3):
            await at.handle(*late_first[start : start + 3])
        found: list[str] = []
        after: str | None = ""
        while after is not None:
            results, after = await at.results.of_quiz(quiz, after, 5)
            assert len(results) == (2 if after is None else 5)
            found += [result.participant_id for result in results]
    assert found == people


async def test_a_result_is_remembered_once_however_often_and_with_whomever_it_comes(mongo: str) -> None:
    quiz = new_id("quiz")
    results = [completed(quiz, new_id("p")) for _ in range(20)]
    async with new_parts(mongo, copies=2) as [one, other]:
        await one.handle(*results)
        await other.handle(*results)
        await one.handle(*results[::-1])
        await other.handle(*results[5:15])
        for result in results[:5]:
            await one.handle(result)
        assert await one.database["results"].count_documents({}) == 20
        found, after = await one.results.of_quiz(quiz, None, 100)
    assert after is None
    assert {result.result_id for result in found} == {result.result_id for result in results}
    assert {(result.points, result.points_max, result.completed_at) for result in found} == {
        (80, 100, results[0].completed_at)
    }


async def test_what_is_remembered_of_results_goes_by_itself(mongo: str) -> None:
    now, quizzes = datetime.now(UTC), [new_id("quiz") for _ in range(3)]
    ages = [timedelta(weeks=27), timedelta(weeks=26, seconds=1), timedelta(weeks=25), timedelta(0)]
    results = [completed(quiz, new_id("p"), completed_at=now - age) for quiz in quizzes for age in ages]
    async with new_parts(mongo) as [at]:
        await at.handle(*results)
        assert await Upkeep(at.results).turn() == UPKEEP_SECONDS
        left = [one["_id"] async for one in at.database["results"].find({}, {"_id": 1})]
        assert await at.results.forget_before(now - RESULTS_KEPT) == 0
    assert len(left) == 6
    for quiz in quizzes:
        assert len([id_ for id_ in left if id_.startswith(f"{quiz}/")]) == 2
