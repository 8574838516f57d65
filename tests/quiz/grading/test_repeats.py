"""
Stored is told: a process that dies between any two steps leaves nothing untold, and the first one counts.

Each test runs a few deliveries, dies at one point, delivers what was not committed again, and looks at
Kafka's log and the database. It does so for every point that there is.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from collections.abc import Collection as Ids
from typing import Any
from uuid import uuid4

import pytest

from services.quiz.attempts.submission import Submission
from services.quiz.grading.store import Waiting, WaitingStore
from services.quiz.participants.rules import Profile, ProfileChange
from services.quiz.results.rules import Result
from services.quiz.results.store import NOTHING_CORRECTED, OrdersOf, ResultStore
from shared.messaging.publisher import Publisher, Record
from shared.messaging.received import Batch
from tests.quiz.builders import batch, joined, people
from tests.quiz.builders import envelope as envelope_of
from tests.quiz.parts import Grading, Parts, Stores, new_parts
from tests.support.service import received

pytestmark = pytest.mark.stack

POINTS_MAX = 60


class DiedError(Exception):
    """The process ends here."""


class Life:
    """Dies at one of its points, once."""

    def __init__(self, dies_at: int) -> None:
        self.points = 0
        self._dies_at = dies_at

    def point(self) -> None:
        self.points += 1
        if self.points == self._dies_at:
            raise DiedError

    async def around(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            self.point()
        except DiedError:
            work.close()
            raise
        done = await work
        self.point()
        return done


class MortalResults(ResultStore):
    life: Life

    async def add(
        self, results: Sequence[Result], orders: OrdersOf, corrected: Mapping[str, int] = NOTHING_CORRECTED
    ) -> dict[str, Result]:
        stored: dict[str, Result] = await self.life.around(super().add(results, orders, corrected))
        return stored


class MortalWaiting(WaitingStore):
    life: Life

    async def add(self, waiting: Sequence[Waiting]) -> None:
        await self.life.around(super().add(waiting))

    async def remove(self, attempt_ids: Ids[str]) -> None:
        await self.life.around(super().remove(attempt_ids))


class MortalPublisher(Publisher):
    life: Life

    async def write(self, records: Sequence[Record]) -> None:
        await self.life.around(super().write(records))


def mortal(parts: Parts, kafka: str, life: Life) -> tuple[Grading, MortalPublisher]:
    store, publisher = Stores(parts.stores.database), MortalPublisher(kafka, "tests")
    results, waiting = MortalResults(store.database), MortalWaiting(store.database)
    results.life = waiting.life = publisher.life = life
    store.results, store.waiting = results, waiting
    return Grading(store, parts.catalogue, publisher), publisher


Delivery = Callable[[Grading, Publisher], Coroutine[Any, Any, None]]


def submitted(*records: tuple[Submission, int]) -> Delivery:
    """Submissions of one poll, each with the number of its event; as the consumer settles them."""

    async def deliver(grading: Grading, publisher: Publisher) -> None:
        one: Batch[Submission] = Batch([received(envelope_of(sent, nth), sent) for sent, nth in records])
        await publisher.publish(await grading.grade_submissions(one))
        assert one.rejected == []

    return deliver


def known(who: str) -> Delivery:
    async def deliver(grading: Grading, publisher: Publisher) -> None:
        await publisher.publish(await grading.keep_participants(people(joined(who))))

    return deliver


def told_at_once(first: Submission, second: Submission, who: str) -> list[Delivery]:
    return [submitted((first, 1), (second, 2)), known(who)]


def told_one_by_one(first: Submission, second: Submission, who: str) -> list[Delivery]:
    return [submitted((first, 1)), submitted((second, 2)), known(who)]


def known_in_between(first: Submission, second: Submission, who: str) -> list[Delivery]:
    return [submitted((first, 1)), known(who), submitted((second, 2))]


def read_from_the_beginning(first: Submission, second: Submission, who: str) -> list[Delivery]:
    once = told_at_once(first, second, who)
    return [*once, *once]


@pytest.mark.parametrize(
    "deliveries", [told_at_once, told_one_by_one, known_in_between, read_from_the_beginning]
)
@pytest.mark.parametrize("districts", [("范县", None), (None, "范县"), (None, None)])
async def test_a_death_between_any_two_steps_leaves_one_result_told_and_it_is_the_first(
    kafka: str,
    mongo: str,
    deliveries: Callable[[Submission, Submission, str], list[Delivery]],
    districts: tuple[str | None, str | None],
) -> None:
    async with new_parts(kafka, mongo) as parts:
        died: dict[str, int] = {}
        expected: dict[str, tuple[str, str]] = {}
        for dies_at in range(1, POINTS_MAX):
            who = str(uuid4())
            first = parts.submission(who, right=1, district=districts[0])
            second = parts.submission(who, right=5, district=districts[1])
            expected[first.attempt_id] = who, envelope_of(first, 1).context.id
            life = Life(dies_at)
            grading, publisher = mortal(parts, kafka, life)
            try:
                for deliver in deliveries(first, second, who):
                    try:
                        await deliver(grading, publisher)
                    except DiedError:
                        died[who] = dies_at
                        # Nothing of it was committed, so it comes again, to a process that knows nothing.
                        await deliver(parts.grading, parts.publisher)
            finally:
                await publisher.stop()
            if who not in died:
                break
        assert len(died) == len(expected) - 1 >= 4, "it died at every point but lived in the end"
        stored = await parts.stores.results.of_attempts(expected)
        assert {id_: (one.participant_id, one.submission_id) for id_, one in stored.items()} == expected
        told: dict[str, set[str]] = {}
        for _, event in await parts.completed(kafka):
            told.setdefault(event.result_id, set()).add(event.model_dump_json())
        assert told.keys() == expected.keys()
        assert {len(ways) for ways in told.values()} == {1}, "a repeat says the same"
        assert {one.half_points for one in stored.values()} == {2}, "the first in the log counts"
        waiting = await parts.stores.waiting.of_participants({who for who, _ in expected.values()})
        assert waiting == []


async def test_the_graded_one_is_told_also_behind_another_of_its_attempt(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        graded, other = parts.submission("wang", right=1), parts.submission("wang", right=5)
        # A sender with a partitioner of its own: the two have no order, and come in another one again.
        await parts.grading.grade_submissions(batch(graded))
        await submitted((other, 2), (graded, 1))(parts.grading, parts.publisher)
        assert [event.points for _, event in await parts.completed(kafka)] == [1]


async def test_what_was_graded_is_told_though_a_repeat_would_be_refused(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        sent = parts.submission("wang")
        one = batch(sent)
        await parts.grading.grade_submissions(one)
        # As after a death before the publication; the quiz is closed early meanwhile.
        now = sent.started_at
        await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now)
        await parts.catalogue.refresh()
        again = batch(sent)
        await parts.publisher.publish(await parts.grading.grade_submissions(again))
        assert again.rejected == []
        assert [event.participant_id for _, event in await parts.completed(kafka)] == ["wang"]
        late = batch(parts.submission("li"))
        assert await parts.grading.grade_submissions(late) == []
        assert [dead.why.code for dead in late.rejected] == ["attempt_late"]


async def test_a_waiting_submission_that_cannot_be_read_keeps_nobody_waiting(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.grading.grade_submissions(batch(*(parts.submission(who, district=None) for who in "ab")))
        await parts.stores.database["parked"].update_one({"participant_id": "a"}, {"$set": {"value": b"{"}})
        await parts.grading.keep_participants(people(joined("a"), joined("b")))
        assert [event.participant_id for _, event in await parts.completed(kafka)] == ["b"]
        assert await parts.stores.waiting.of_participants(["a", "b"]) == []


async def test_what_was_graded_at_the_close_is_told_when_it_is_read_again_and_waits_no_more(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        sent = parts.submission("wang", district=None)
        await submitted((sent, 1))(parts.grading, parts.publisher)
        await parts.grading.waiting_grader.grade_of_quiz(parts.quiz_id)
        await submitted((sent, 1))(parts.grading, parts.publisher)
        assert len(await parts.completed(kafka)) == 2
        assert await parts.stores.waiting.of_participants(["wang"]) == []


async def test_a_death_while_the_waiting_are_graded_leaves_nothing_waiting(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        sent = parts.submission("wang", district=None)
        await submitted((sent, 1))(parts.grading, parts.publisher)
        # Known by now, and the process that learnt it died before it could grade.
        await parts.stores.participants.save({"wang": ProfileChange(1, Profile("school-1", None))})
        died = 0
        for dies_at in range(1, POINTS_MAX):
            grading, publisher = mortal(parts, kafka, Life(dies_at))
            try:
                await submitted((sent, 1))(grading, publisher)
            except DiedError:
                died += 1
            else:
                break
            finally:
                await publisher.stop()
        assert died >= 4
        assert await parts.stores.waiting.of_participants(["wang"]) == []
        assert {event.group_id for _, event in await parts.completed(kafka)} == {"school-1"}
