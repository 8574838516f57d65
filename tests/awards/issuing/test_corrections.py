"""What awards does after a correction of a quiz: whatever comes twice, late or in another order."""

from itertools import permutations

import pytest

from shared.contracts.events import QuizCompleted, QuizRegraded
from tests.awards.builders import certificate, completed, regraded
from tests.awards.parts import new_parts
from tests.support.service import new_id

pytestmark = pytest.mark.stack

HISTORIES = [
    # The points of each version, and whether there is an award at the end in any order.
    ([50, 70], True),
    ([50, 70, 55], None),
    ([50, 70, 50, 80], True),
    ([50, 40], False),
    ([70, 90], True),
    ([80, 40, 50], None),
]


def events_of(quiz: str, points: list[int]) -> list[QuizCompleted | QuizRegraded]:
    first = completed(quiz, new_id("p"), points[0])
    later = [
        regraded(first, points[version], points[version - 1], version + 1)
        for version in range(1, len(points))
    ]
    return [first, *later]


@pytest.mark.parametrize(("points", "awarded"), HISTORIES)
async def test_the_points_of_now_decide_in_whatever_order_the_events_come(
    mongo: str, points: list[int], awarded: bool | None
) -> None:
    orders = list(permutations(range(len(points))))
    async with new_parts(mongo) as [at]:
        for order in orders:
            quiz = new_id("quiz")
            of, events = certificate(quiz), events_of(quiz, points)
            await at.schemes.put(of)
            told: dict[str, object] = {}
            for place in order:
                told |= await at.handle(events[place])
            found, _ = await at.results.of_quiz(quiz, None, 10)
            assert [(one.points, one.version) for one in found] == [(points[-1], len(points))]
            issued = await at.issued(of)
            assert len(told) == len(issued)
            if awarded is not None:
                assert len(issued) == awarded, order
            elif order[0] == len(points) - 1:
                assert issued == {}, "the fall was known before any rise"


async def test_only_what_the_correction_earns_is_issued_and_a_repeat_tells_the_same(mongo: str) -> None:
    quiz = new_id("quiz")
    of, higher = certificate(quiz), certificate(quiz, 90)
    async with new_parts(mongo) as [at]:
        for scheme in (of, higher):
            await at.schemes.put(scheme)
        results = [completed(quiz, new_id("p"), points) for points in (50, 59.5, 70, 89.5)]
        await at.handle(*results)
        assert len(await at.issued(of)) == 2
        corrected = [regraded(one, one.points + 1) for one in results]
        told = await at.handle(*corrected)
        assert {event.recipient_id for event in told.values()} == {
            results[1].participant_id,
            results[3].participant_id,
        }
        assert await at.handle(*corrected) == told
        assert (len(await at.issued(of)), len(await at.issued(higher))) == (3, 1)


async def test_an_award_that_the_points_do_not_earn_any_more_stays(mongo: str) -> None:
    quiz = new_id("quiz")
    of, result = certificate(quiz), completed(quiz, new_id("p"), 61)
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        told = await at.handle(result)
        assert await at.handle(regraded(result, 59)) == {}
        [award] = (await at.issued(of)).values()
        assert award.is_valid
        # The consumer died after it stored the award and before it published it: the repeat tells of it.
        assert await at.handle(result) == told
        # Somebody who comes late with the result of then gets nothing.
        late = completed(quiz, new_id("p"), 61)
        assert await at.handle(regraded(late, 59)) == {}
        assert await at.handle(late) == {}
        assert len(await at.issued(of)) == 1


async def test_a_scheme_that_is_put_late_counts_the_points_of_now(mongo: str) -> None:
    quiz = new_id("quiz")
    of = certificate(quiz)
    async with new_parts(mongo) as [at]:
        risen, fallen = completed(quiz, new_id("p"), 50), completed(quiz, new_id("p"), 70)
        await at.handle(risen, fallen, regraded(risen, 65), regraded(fallen, 55))
        await at.schemes.put(of)
        await at.apply(of)
        issued = await at.issued(of)
    assert {award.recipient_id for award in issued.values()} == {risen.participant_id}


async def test_whoever_passes_since_a_question_is_taken_out_gets_the_award(mongo: str) -> None:
    quiz = new_id("quiz")
    of, results = certificate(quiz), [completed(quiz, new_id("p"), points) for points in (58, 50)]
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        assert await at.handle(*results) == {}
        # 58 of 100 points do not pass; of 95 they do.
        less = {"points_max": 95, "points_max_before": 100, "code": "question_taken_out"}
        told = await at.handle(*(regraded(one, one.points).model_copy(update=less) for one in results))
        assert {event.recipient_id for event in told.values()} == {results[0].participant_id}
        found, _ = await at.results.of_quiz(quiz, None, 10)
        assert {one.points_max for one in found} == {95}
