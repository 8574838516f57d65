"""A preview says what the correction then does, and changes nothing."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from services.quiz.regrading.rules import ranks_changed
from services.quiz.results.rules import Portion, Result
from services.quiz.results.store import ResultStore
from services.quiz.standings.rules import least_better
from shared.contracts.events import Ties
from tests.quiz.disqualifying.builders import Deciding
from tests.quiz.parts import Parts, new_parts
from tests.quiz.regrading.builders import CANCELLED, Correcting, graded
from tests.quiz.standings.builders import stored

# Every paper has every question.
ALL = {"天文": 6, "健康": 4}


async def ranks(at: Correcting, ties: Ties = "time_used") -> dict[str, int]:
    """By participant, the rank, counted one by one."""
    orders = await stored(at.database, at.parts.quiz_id)
    return {
        who: 1 + sum(other >= least_better(order, ties) for other in orders.values())
        for who, order in orders.items()
    }


async def contest(parts: Parts) -> Correcting:
    """Several attempts each; a freeze holds back some."""
    at, chance, now = Correcting(parts), Random(5), datetime.now(UTC)  # noqa: S311 (no secret)
    await at.prepare()
    await parts.freeze(now - timedelta(minutes=5))
    sent = [
        parts.submission(
            f"p{n}",
            right=chance.randint(0, 5),
            number=k,
            seconds=60 + chance.randint(0, 5),
            submitted_at=now - timedelta(minutes=chance.choice([1, 10]), seconds=chance.randint(0, 9)),
        )
        for n in range(40)
        for k in (1, 2, 3)
    ]
    await graded(parts, sent)
    return at


@pytest.mark.stack
@pytest.mark.parametrize("ties", ["time_used", "earlier_finish", "shared"])
@pytest.mark.parametrize("key", ["B", CANCELLED])
async def test_a_preview_is_what_the_correction_does(
    kafka: str, mongo: str, key: str | None, ties: Ties
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3, ties=ties) as parts:
        at = await contest(parts)
        points, before = await at.points(), await ranks(at, ties)
        preview = await at.preview("q1", key)
        assert (await at.points(), await at.events()) == (points, []), "nothing is changed"
        await at.correct("q1", key, matches=lambda number: number == preview.correction.number - 1)
        await at.regrade()
        done = (await at.regradings.of_quiz(parts.quiz_id))[1]
        assert preview.figures == done.figures
        assert done.figures.changed > 0
        after = await ranks(at, ties)
        assert preview.ranks == sum(before[who] != after[who] for who in before)


async def decide(at: Correcting) -> Deciding:
    """Of those in the contest, some do not count: three people, and single attempts of two others."""
    deciding = Deciding(at.parts)
    for who in ("p3", "p7", "p11"):
        await deciding.out(who)
    for who, numbers in {"p5": (1,), "p9": (1, 2, 3)}.items():
        ids = (at.parts.submission(who, number=number).attempt_id for number in numbers)
        await deciding.out(who, *ids)
    return deciding


@pytest.mark.stack
@pytest.mark.parametrize("key", ["B", CANCELLED])
async def test_a_preview_counts_nobody_whose_result_does_not_count(
    kafka: str, mongo: str, key: str | None
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3, blueprint=ALL) as parts:
        at = await contest(parts)
        with_all = await at.preview("q1", key)
        await decide(at)
        points, before = await at.points(), await ranks(at)
        preview = await at.preview("q1", key)
        await at.correct("q1", key)
        await at.regrade()
        assert preview.figures == (await at.regradings.of_quiz(parts.quiz_id))[1].figures
        after = await ranks(at)
        assert preview.ranks == sum(before[who] != after[who] for who in before)
        assert preview.figures is not None
        assert with_all.figures is not None
        out = {"p3", "p7", "p11", "p9"}
        changed = [id_ for id_, now in (await at.points()).items() if now != points[id_]]
        theirs = await at.database["results"].find({"_id": {"$in": changed}}).to_list(None)
        single = parts.submission("p5", number=1).attempt_id
        left_out = sum(one["participant_id"] in out or one["_id"] == single for one in theirs)
        assert 0 < left_out == preview.figures.left_out
        assert preview.figures.changed == len(changed) - left_out == with_all.figures.changed - left_out
        assert not out & before.keys(), "they have no rank"


@pytest.mark.stack
async def test_a_preview_says_if_somebody_was_disqualified_since(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3, blueprint=ALL) as parts:
        at = await contest(parts)

        async def is_outdated() -> bool:
            preview = await at.previews.read(parts.quiz_id)
            assert preview is not None
            return preview.is_outdated(await at.corrections.read(parts.quiz_id))

        first = await at.preview("q1", "B")
        assert not await is_outdated()
        deciding = await decide(at)
        assert await is_outdated(), "it counts people whose results do not count any more"
        second = await at.preview("q1", "B")
        assert not await is_outdated()
        assert second.figures != first.figures
        await deciding.back("p3")
        assert await is_outdated()
        third = await at.preview("q1", "B")
        await at.correct("q1", "B")
        assert await is_outdated(), "the quiz was corrected"
        await at.regrade()
        assert third.figures == (await at.regradings.of_quiz(parts.quiz_id))[1].figures


class DiesOnce(ResultStore):
    dies = True

    async def of_portion(self, quiz_id: str, portion: Portion) -> list[Result]:
        if self.dies and portion.first.startswith("5"):
            self.dies = False
            raise RuntimeError
        return await super().of_portion(quiz_id, portion)


@pytest.mark.stack
async def test_a_preview_whose_worker_died_is_made_by_another_and_counts_nothing_twice(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3) as parts:
        at = await contest(parts)
        whole = await at.preview("q1", "B")
        with pytest.raises(RuntimeError):
            await at.preview("q1", "B", at.previewer(DiesOnce(at.database, portion_results=10)))
        again = at.previewer()
        while due := await again.pending("", 10):
            await again.go_on(due[0])
        made = await at.previews.read(parts.quiz_id)
        assert made is not None
        assert (made.figures, made.ranks) == (whole.figures, whole.ranks)


def test_ranks_that_change_are_those_of_brute_force() -> None:
    chance = Random(3)  # noqa: S311 (no secret)

    def rank(place: int, of: list[int]) -> int:
        return sum(other > place for other in of)

    for _ in range(200):
        people = [chance.randint(0, 20) for _ in range(12)]
        moved = [chance.randint(0, 20) if chance.random() < 0.4 else place for place in people]
        both = list(zip(people, moved, strict=True))
        changed = sum(rank(old, people) != rank(new, moved) for old, new in both)
        moves = {one: both.count(one) for one in both if one[0] != one[1]}
        assert ranks_changed({place: people.count(place) for place in people}, moves) == changed
