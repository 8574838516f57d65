"""Results are graded again by a correction: all that change, each once, whatever is killed or at work."""

import asyncio
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

import msgspec
import pytest

from services.quiz.attempts.submission import Submission
from services.quiz.quizzes.begun import Begun
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.regrading.rules import Figures, Regrading
from services.quiz.regrading.store import RegradingStore
from services.quiz.results.rules import Result
from services.quiz.results.store import OrdersOf, ResultStore
from services.quiz.standings.writes import Orders
from shared.storage.unit_of_work import UnitOfWork, save_together
from tests.quiz.builders import batch, erased, people
from tests.quiz.parts import Grading, Parts, new_parts, results_in
from tests.quiz.regrading.builders import (
    CANCELLED,
    Correcting,
    assert_right,
    best_of,
    expected,
    graded,
)
from tests.quiz.standings.builders import assert_counted

pytestmark = pytest.mark.stack

MINUTE = timedelta(minutes=1)


def crowd(parts: Parts, number: int, attempts: int = 1) -> list[Submission]:
    """Submissions of so many people."""
    chance = Random(9)  # noqa: S311 (no secret)
    return [
        parts.submission(f"p{n}", right=chance.randint(0, 5), number=k, seconds=60 + n)
        for n in range(number)
        for k in range(1, attempts + 1)
    ]


async def correcting(parts: Parts, settle: timedelta = timedelta()) -> Correcting:
    at = Correcting(parts, settle)
    await at.prepare()
    return at


async def regrading_of(at: Correcting, number: int = 1) -> Regrading:
    return (await at.regradings.of_quiz(at.parts.quiz_id))[number]


async def test_every_result_with_the_question_follows_a_corrected_key_once(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3) as parts:
        at, sent = await correcting(parts), crowd(parts, 40, attempts=3)
        await graded(parts, sent)
        before = await at.points()
        assert before == expected(parts, sent, {})
        await at.correct("q1", "B")
        assert await at.regrade() > 5
        await assert_right(at, sent, before, {"q1": "B"})
        done = await regrading_of(at)
        assert done.ended_at is not None
        after = expected(parts, sent, {"q1": "B"})
        risen = [id_ for id_ in after if after[id_] > before[id_]]
        fallen = [id_ for id_ in after if after[id_] < before[id_]]
        best = best_of(sent, before), best_of(sent, after)
        assert done.figures.results == len(sent)
        assert (done.figures.changed, done.figures.raised) == (len(risen) + len(fallen), len(risen))
        assert done.figures.now_passed == sum(before[id_] < 3 <= after[id_] for id_ in after)
        assert done.figures.not_passed == sum(after[id_] < 3 <= before[id_] for id_ in after)
        # A person whose points stay may have them in another attempt, with another time.
        assert done.figures.standings >= sum(best[0][who] != best[1][who] for who in best[0])
        # Nothing is left to do, and doing it again changes nothing.
        assert await at.regrade() == 0
        await at.regrader().go_on(f"{parts.quiz_id}/1")
        await assert_right(at, sent, before, {"q1": "B"})
        assert (await at.statistics.state(parts.quiz_id)).due


async def test_everybody_who_has_a_cancelled_question_gets_its_point(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        at, sent = await correcting(parts), crowd(parts, 60)
        await graded(parts, sent)
        before = await at.points()
        await at.correct("q2", CANCELLED)
        await at.regrade()
        await assert_right(at, sent, before, {"q2": CANCELLED})
        assert {event.code for _, event in await at.events()} == {"question_cancelled"}
        # And who comes later gets it at once.
        late = parts.submission("late", right=0)
        asked = parts.catalogue.find(parts.quiz_id).paper(late.attempt_id).question_ids
        await graded(parts, [late])
        assert (await at.points())[late.attempt_id] == float("q2" in asked)


async def test_a_correction_can_be_corrected(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        at, sent = await correcting(parts), crowd(parts, 30)
        await graded(parts, sent)
        before = await at.points()
        for key in ("B", CANCELLED, "A"):
            await at.correct("q1", key)
            await at.regrade()
            assert await at.points() == expected(parts, sent, {"q1": key})
            # What was said first is said the same way for ever.
            again = await parts.grading.grade_submissions(batch(*sent))
            assert {event.result_id: event.points for _, event in results_in(again)} == before
        assert await at.points() == before
        told: dict[str, list[tuple[int, float, float]]] = {}
        for _, event in await at.events():
            told.setdefault(event.result_id, []).append((event.version, event.points_before, event.points))
        assert len({id_ for id_, _ in await at.events()}) == len(await at.events())
        for id_, versions in told.items():
            assert [version for version, _, _ in versions] == list(range(2, len(versions) + 2))
            assert versions[0][1] == versions[-1][2] == before[id_]


async def test_nothing_leaks_during_a_freeze(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=2) as parts:
        at, now = await correcting(parts), datetime.now(UTC).replace(microsecond=0)
        await parts.freeze(now - 5 * MINUTE)
        shown = [
            parts.submission(f"p{n}", right=5 - n % 3, submitted_at=now - 10 * MINUTE) for n in range(30)
        ]
        held = [
            parts.submission(f"p{n}", right=5 - n % 2, number=2, submitted_at=now - MINUTE)
            for n in range(15, 45)
        ]
        await graded(parts, [*shown, *held])
        await at.correct("q1", "B")
        await at.regrade()
        points = expected(parts, [*shown, *held], {"q1": "B"})
        assert await at.points() == points
        assert await at.standings() == best_of(shown, points)
        assert await at.held() == best_of(held, points)
        await assert_counted(at.database, parts.quiz_id)
        await parts.stores.quizzes.thaw(parts.quiz_id)
        await at.correct("q1", CANCELLED)
        await at.regrade()
        await parts.upkeep.turn()
        points = expected(parts, [*shown, *held], {"q1": CANCELLED})
        assert await at.standings() == best_of([*shown, *held], points)
        assert await at.held() == {}
        await assert_counted(at.database, parts.quiz_id)


class DiedError(Exception):
    """The process ends here."""


class MortalRegradings(RegradingStore):
    """Dies before or after one of its steps."""

    dies_at = 0
    steps = 0

    def _step(self) -> None:
        self.steps += 1
        if self.steps == self.dies_at:
            raise DiedError

    async def count(self, unit: UnitOfWork, regrading: Regrading, figures: Figures) -> None:
        self._step()
        await super().count(unit, regrading, figures)
        self._step()

    async def advance(self, regrading: Regrading, results: int) -> bool:
        self._step()
        advanced = await super().advance(regrading, results)
        self._step()
        return advanced

    async def end(self, unit: UnitOfWork, regrading: Regrading, now: datetime) -> None:
        self._step()
        await super().end(unit, regrading, now)
        self._step()


async def test_a_worker_that_dies_between_any_two_steps_leaves_nothing_out_and_nothing_twice(
    kafka: str, mongo: str
) -> None:
    for dies_at in range(1, 200):
        async with new_parts(kafka, mongo) as parts:
            at, sent = await correcting(parts), crowd(parts, 14)
            await graded(parts, sent)
            before = await at.points()
            await at.correct("q1", "B")
            mortal = MortalRegradings(at.database)
            mortal.dies_at = dies_at
            try:
                await at.regrade(at.regrader(regradings=mortal, people_max=3))
            except DiedError:
                await at.regrade()
                await assert_right(at, sent, before, {"q1": "B"})
                assert (await regrading_of(at)).figures.results == len(sent)
            else:
                assert dies_at > 6
                return


async def test_several_workers_at_once_change_each_result_once_while_graders_work(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3) as parts:
        at, sent = await correcting(parts), crowd(parts, 60, attempts=3)
        early, late = sent[:90], sent[90:]
        await graded(parts, early)
        before = await at.points()
        await at.correct("q1", "B")
        graders = [Grading(parts.stores, parts.catalogue, parts.publisher) for _ in range(2)]

        async def grade(grader: Grading, mine: Sequence[Submission]) -> None:
            for begin in range(0, len(mine), 7):
                await grader.grade_submissions(batch(*mine[begin : begin + 7]))

        async with asyncio.TaskGroup() as group:
            for worker in [at.regrader(people_max=3) for _ in range(3)]:
                group.create_task(at.regrade(worker))
            for nth, grader in enumerate(graders):
                group.create_task(grade(grader, late[nth::2]))
        new = expected(parts, late, {"q1": "B"})
        await assert_right(at, sent, before | new, {"q1": "B"})


async def test_a_grader_that_does_not_know_the_correction_yet_grades_by_it(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        at, sent = await correcting(parts), crowd(parts, 30)
        stale = Catalogue(parts.stores.quizzes)
        await stale.refresh()
        await Begun(parts.stores.database).mark({(parts.quiz_id, 1)})
        await at.correct("q1", "B")
        following = await Grading(parts.stores, stale, parts.publisher).grade_submissions(batch(*sent))
        right = expected(parts, sent, {"q1": "B"})
        assert await at.points() == right
        assert {event.result_id: event.points for _, event in results_in(following)} == right
        await at.regrade()
        assert await at.events() == []


class SlowResults(ResultStore):
    """A transaction that has read the quiz waits before it commits."""

    has_read: threading.Event
    may_go_on: threading.Event

    async def add(
        self, results: Sequence[Result], orders: OrdersOf, corrected: Mapping[str, int] | None = None
    ) -> dict[str, Result]:
        def slowly(some: Iterable[Result], frozen: Mapping[str, datetime]) -> Orders:
            self.has_read.set()
            self.may_go_on.wait(10)
            return orders(some, frozen)

        return await super().add(results, slowly, corrected or {})


async def test_a_transaction_that_began_before_the_correction_is_found(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        at, sent = await correcting(parts), crowd(parts, 20)
        await Begun(parts.stores.database).mark({(parts.quiz_id, 1)})
        slow = SlowResults(at.database)
        slow.has_read, slow.may_go_on = threading.Event(), threading.Event()
        stores = parts.stores
        stores.results = slow
        grading = asyncio.create_task(
            Grading(stores, parts.catalogue, parts.publisher).grade_submissions(batch(*sent))
        )
        await asyncio.to_thread(slow.has_read.wait, 10)
        await at.correct("q1", "B")
        slow.may_go_on.set()
        await grading
        before = expected(parts, sent, {})
        assert await at.points() == before, "by the keys of before"
        await at.regrade()
        await assert_right(at, sent, before, {"q1": "B"})


async def test_results_are_graded_again_only_when_no_earlier_transaction_lives(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        at, sent = await correcting(parts, settle=MINUTE), crowd(parts, 5)
        await graded(parts, sent)
        await at.correct("q1", "B")
        assert await at.regrader().pending("", 10) == []
        due = await at.regradings.due(datetime.now(UTC) + MINUTE)
        assert due == [f"{parts.quiz_id}/1"]


class Interrupted(ResultStore):
    """Between reading and writing, somebody's other attempt is graded."""

    parts: Parts
    other: Submission | None

    async def regrade(self, unit: UnitOfWork, results: Sequence[Result]) -> None:
        other, self.other = self.other, None
        if other is not None:
            await graded(self.parts, [other])
        await super().regrade(unit, results)


async def test_a_standing_that_falls_meets_an_attempt_that_is_graded_at_the_same_moment(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=2) as parts:
        at = await correcting(parts)
        best, other = parts.submission("wang", right=5), parts.submission("wang", number=2, seconds=200)
        await graded(parts, [best])
        first, second = sorted(best.answers)[:2]
        keys: dict[str, str | None] = {first: "C", second: "C"}
        # With four points by the keys of then, and slower: no better than the standing of now, which has four
        # points by the keys of now, and will have three.
        wrong = sorted(other.answers)[-1]
        answers = {id_: "D" if id_ == wrong else keys.get(id_) or "A" for id_ in other.answers}
        other = msgspec.structs.replace(other, answers=answers)
        for question_id in (first, second):
            await at.correct(question_id, "C")
            results = Interrupted(at.database)
            results.parts, results.other = parts, other if question_id == second else None
            await at.regrade(at.regrader(results=results))
        points = expected(parts, [best, other], keys)
        assert await at.points() == points == {best.attempt_id: 3, other.attempt_id: 4}
        assert await at.standings() == {"wang": 4}
        await assert_counted(at.database, parts.quiz_id)


async def test_an_erased_person_gets_no_standing_again(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        at, sent = await correcting(parts), crowd(parts, 12)
        await graded(parts, sent)
        await at.correct("q1", CANCELLED)
        # One is known as erased; of another one only the standing is gone yet.
        await parts.grading.keep_participants(people(erased("p3")))
        for who in ("p3", "p4"):
            await parts.stores.standings.remove(parts.quiz_id, who)
        await parts.grading.erased.refresh()
        await at.regrade()
        assert set(await at.standings()) == {f"p{n}" for n in range(12)} - {"p3", "p4"}
        assert "p3" not in {event.participant_id for _, event in await at.events()}
        await assert_counted(at.database, parts.quiz_id)


async def test_a_quiz_closes_only_when_all_is_graded_again(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        at, sent = await correcting(parts), crowd(parts, 12)
        await graded(parts, sent)
        now = datetime.now(UTC)
        await at.correct("q1", "B")
        await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now)
        over = now + MINUTE
        await parts.closer(kafka).close_due(over)
        # Also if the correction comes after the look for what is due.
        quizzes = parts.stores.quizzes
        for corrected in (0, 1):
            finish = partial(quizzes.finish_closing, quiz_id=parts.quiz_id, corrected=corrected)
            assert not await save_together(at.database, finish)
        record = await parts.stores.quizzes.read(parts.quiz_id)
        assert record is not None
        assert record.status == "closing"
        await at.regrade()
        await parts.closer(kafka).close_due(over)
        record = await parts.stores.quizzes.read(parts.quiz_id)
        assert record is not None
        assert record.status == "closed"
        assert await at.points() == expected(parts, sent, {"q1": "B"})
