"""A correction of a quiz that withholds its scores is told of at the close, as part of the result."""

import pytest

from services.quiz.regrading.question_changes import Change
from shared.runtime.errors import Conflict
from tests.quiz.closing.test_tell import tell, teller
from tests.quiz.parts import new_parts
from tests.quiz.regrading.builders import best_of, expected, graded
from tests.quiz.regrading.test_regrade import correcting, crowd

pytestmark = pytest.mark.stack


async def test_a_correction_of_withheld_results_is_told_at_the_close_only(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, shows_scores="at_close") as parts:
        at, sent = await correcting(parts), crowd(parts, 40)
        one = teller(parts, parts.publisher)
        await graded(parts, sent)
        before = await at.points()
        await at.correct("q1", "B")
        # What is being graded again is not told.
        assert not await tell(parts, one)
        await at.regrade()
        await at.correct("q1", "C")
        await at.regrade()
        points = expected(parts, sent, {"q1": "C"})
        assert points != before
        assert await at.points() == points
        assert await at.standings() == best_of(sent, points)
        assert await parts.completed(kafka) == []
        assert await tell(parts, one)
        assert {event.result_id: event.points for _, event in await parts.completed(kafka)} == points
        assert await at.events() == []
        with pytest.raises(Conflict, match="look at it again"):
            await at.correct("q2", "B")


async def test_the_close_tells_what_papers_are_worth_then(kafka: str, mongo: str) -> None:
    blueprint = {"天文": 6, "健康": 2}
    async with new_parts(kafka, mongo, shows_scores="at_close", blueprint=blueprint) as parts:
        at, sent = await correcting(parts), crowd(parts, 10)
        await graded(parts, sent)
        await at.correct("q1", Change(taken_out=True))
        await at.regrade()
        assert await at.events() == []
        assert await tell(parts, teller(parts, parts.publisher))
        told = [event for _, event in await parts.completed(kafka)]
        assert len(told) == 10
        assert {event.points_max for event in told} == {7}
        assert all(event.passed == (100 * event.points >= 60 * 7) for event in told)
