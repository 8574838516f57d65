"""Statistics are made in the background: all that counts is read once, by one worker at a time."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from services.quiz.participants.erased import Erased
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.publish import publish
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.rules import Quiz
from services.quiz.results.rules import Answered, Portion
from services.quiz.results.store import ResultStore
from services.quiz.statistics.compute import LOOP, Statistician
from services.quiz.statistics.figures import Statistics
from services.quiz.statistics.store import State, StatisticsStore
from shared.runtime import clock
from shared.runtime.errors import Unavailable
from shared.storage.lease import Lease
from shared.storage.unit_of_work import save_together
from tests.quiz.builders import quiz
from tests.quiz.parts import FAR, Stores
from tests.quiz.statistics.builders import attempts_of, statistics, store
from tests.support.kafka import fresh_database

pytestmark = pytest.mark.stack


def by_chance(of: Question, chance: random.Random) -> str:
    return chance.choice("AAABC")


@dataclass
class Room:
    stores: Stores
    catalogue: Catalogue
    erased: Erased
    statistics: StatisticsStore
    quiz: Quiz
    # Small, so that a reading has many portions.
    portion_results: int = 10

    def worker(self, kind: type[ResultStore] = ResultStore) -> Statistician:
        """A worker that stores its progress after each portion, and never rests."""
        database = self.stores.database
        results = kind(database, portion_results=self.portion_results)
        lease = Lease(database, LOOP, owner="tests")
        left_out = self.stores.disqualified
        return Statistician(
            self.statistics, results, self.catalogue, self.erased, left_out, lease, rests=0, turn_seconds=0
        )

    async def made(self, quiz_id: str) -> tuple[State, Statistics | None]:
        return await self.statistics.state(quiz_id), await self.statistics.made(quiz_id)

    async def close(self, quiz_id: str) -> None:
        await self.stores.quizzes.end_freezes(quiz_id, FAR, datetime.now(UTC))
        await save_together(
            self.stores.database, lambda unit: self.stores.quizzes.finish_closing(unit, quiz_id)
        )
        await self.catalogue.refresh()


async def turns(worker: Statistician, most: int = 1_000) -> int:
    """Let a worker do all that is due; returns the number of its turns."""
    for done in range(most):
        due = await worker.pending("", 1)
        if not due:
            return done
        await worker.go_on(due[0])
    raise AssertionError("it does not end")


@asynccontextmanager
async def room(mongo: str, *quiz_ids: str) -> AsyncIterator[Room]:
    async with fresh_database(mongo) as database:
        stores, of = Stores(database), quiz()
        await stores.prepare()
        for quiz_id in quiz_ids:
            await publish(stores.quizzes, quiz_id, of, clock.now())
        catalogue, erased = Catalogue(stores.quizzes), Erased(stores.participants)
        await catalogue.refresh()
        made = StatisticsStore(database)
        await made.prepare()
        yield Room(stores, catalogue, erased, made, of)


async def test_all_results_of_a_quiz_are_read_once_and_no_others(mongo: str) -> None:
    async with room(mongo, "one", "two") as of:
        results = attempts_of(of.quiz, 60, by_chance, quiz_id="one")
        others = attempts_of(of.quiz, 30, by_chance, quiz_id="two", seed=8)
        await store(results, of.stores.results, "one")
        await store(others, of.stores.results, "two")
        gone = [{"_id": who, "erased": True, "erased_at": clock.now()} for who in ("person-3", "person-7")]
        await of.stores.database["participants"].insert_many(gone)
        worker = of.worker()
        assert await turns(worker) == 0, "nobody has asked"
        await of.statistics.ask("one")
        before = clock.now()
        assert await turns(worker) > 5
        state, made = await of.made("one")
        alive = [one for one in results if one.participant_id not in ("person-3", "person-7")]
        expected = statistics(alive, {1: of.quiz}, quiz_id="one")
        assert made is not None
        assert made.attempts == 58
        assert made.paper == expected.paper
        in_order = sorted(expected.questions, key=lambda one: one.question_id)
        assert sorted(made.questions, key=lambda one: one.question_id) == in_order
        assert state == State(made_at=state.made_at)
        assert state.made_at is not None
        assert state.made_at > before - timedelta(milliseconds=1)
        assert await of.made("two") == (State(), None)


async def test_progress_is_seen_and_one_worker_reads_at_a_time(mongo: str) -> None:
    async with room(mongo, "one", "two") as of:
        await store(attempts_of(of.quiz, 60, by_chance, quiz_id="one"), of.stores.results, "one")
        worker, other = of.worker(), of.worker()
        for quiz_id in ("one", "two"):
            await of.statistics.ask(quiz_id)
        percents = []
        assert await worker.pending("", 1) == ["one"]
        for _ in range(3):
            await worker.go_on("one")
            state = await of.statistics.state("one")
            assert state.reading is not None
            percents.append(state.reading.percent)
            assert await worker.pending("", 1) == ["one"], "the other quiz waits"
            assert await other.pending("", 1) == []
        assert percents == sorted(set(percents))
        assert 0 < percents[0] < percents[-1] < 100
        await turns(worker)
        assert [(await of.statistics.state(quiz_id)).made_at is not None for quiz_id in ("one", "two")] == [
            True,
            True,
        ]


async def test_a_reading_whose_worker_died_is_made_by_another_and_counts_nothing_twice(mongo: str) -> None:
    async with room(mongo, "one") as of:
        results = attempts_of(of.quiz, 40, by_chance, quiz_id="one")
        await store(results, of.stores.results, "one")
        await of.statistics.ask("one")
        # Stopped, not dead: it has half of the results, and its lease ends.
        stopped, next_ = of.worker(), of.worker()
        assert await stopped.pending("", 1)
        for _ in range(3):
            await stopped.go_on("one")
        await stopped._lease.give_up()
        await turns(next_)
        state, made = await of.made("one")
        assert made is not None
        assert made.attempts == 40
        # It wakes up, and finishes what counts no more.
        reading = stopped._reading
        assert reading is not None
        while stopped._reading is not None:
            await stopped.go_on("one")
        assert await of.made("one") == (state, made)


class FailsOnce(ResultStore):
    """Does not answer the third question."""

    asked = 0

    async def answers(self, quiz_id: str, portion: Portion) -> list[Answered]:
        self.asked += 1
        if self.asked == 3:
            raise Unavailable("the database is away")
        return await super().answers(quiz_id, portion)


async def test_a_reading_that_fails_in_the_middle_begins_again(mongo: str) -> None:
    async with room(mongo, "one") as of:
        await store(attempts_of(of.quiz, 40, by_chance, quiz_id="one"), of.stores.results, "one")
        await of.statistics.ask("one")
        worker = of.worker(FailsOnce)
        with pytest.raises(Unavailable):
            await turns(worker)
        assert (await of.statistics.state("one")).reading is not None, "it is not forgotten"
        await turns(worker)
        _, made = await of.made("one")
        assert made is not None
        assert made.attempts == 40


async def test_asking_while_they_are_made_makes_them_again(mongo: str) -> None:
    async with room(mongo, "one") as of:
        await store(attempts_of(of.quiz, 40, by_chance, quiz_id="one"), of.stores.results, "one")
        await of.statistics.ask("one")
        worker = of.worker()
        await worker.pending("", 1)
        await worker.go_on("one")
        began = (await of.statistics.state("one")).reading
        await of.statistics.ask("one")
        await turns(worker)
        state = await of.statistics.state("one")
        assert began is not None
        assert state.made_at is not None
        assert state.made_at > began.began_at
        assert state == State(made_at=state.made_at)


async def test_after_the_close_they_are_made_once_more_and_are_final(mongo: str) -> None:
    async with room(mongo, "one") as of:
        await store(attempts_of(of.quiz, 4, by_chance, quiz_id="one"), of.stores.results, "one")
        worker = of.worker()
        await of.close("one")
        assert await turns(worker) > 0
        state, made = await of.made("one")
        assert (state.final, made) == (True, Statistics(4, None, []))
        assert await turns(worker) == 0
        await of.statistics.ask("one")
        await turns(worker)
        assert (await of.statistics.state("one")).final


async def test_a_version_that_was_replaced_is_counted_by_its_own_key(mongo: str) -> None:
    async with room(mongo, "one") as of:
        changed = of.quiz.model_copy(
            update={
                "questions": tuple(
                    one.model_copy(update={"key": "B"}) if one.id == "q0" else one
                    for one in of.quiz.questions
                )
            }
        )
        await publish(of.stores.quizzes, "one", changed, clock.now())
        await of.catalogue.refresh()
        first = attempts_of(of.quiz, 20, lambda *_: "A", quiz_id="one")
        second = attempts_of(changed, 20, lambda *_: "A", version=2, seed=8, quiz_id="one")
        await store([*first, *second], of.stores.results, "one")
        await of.statistics.ask("one")
        await turns(of.worker())
        _, made = await of.made("one")
        assert made is not None
        of_q0 = {
            one.quiz_version: one.figures.facility
            for one in made.questions
            if one.question_id == "q0" and one.figures
        }
        assert of_q0 == {1: 1.0, 2: 0.0}
