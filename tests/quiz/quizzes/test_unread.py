"""A quiz that is stored and cannot be read for a while: nothing is lost by it, and nothing is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.quiz.closing.close import CloseError
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.publish import publish
from services.quiz.quizzes.rules import Quiz, QuizRecord
from services.quiz.quizzes.store import QuizStore
from shared.runtime import clock
from shared.runtime.errors import NotFound, Unavailable
from tests.quiz.builders import batch, erased, joined, people
from tests.quiz.workshop import Grading, Stores, Workshop, closer, results_in, sweeper, workshop

pytestmark = pytest.mark.stack


class Faulty(QuizStore):
    """Cannot read those of `faults`."""

    faults: frozenset[str] = frozenset()

    async def read(self, quiz_id: str, known: tuple[int, Quiz] | None = None) -> QuizRecord | None:
        if quiz_id in self.faults:
            raise ValueError("it cannot be read")
        return await super().read(quiz_id, known)


def faulty(shop: Workshop) -> tuple[Stores, Faulty]:
    """A store of another process, which cannot read the workshop's quiz until `faults` is emptied."""
    store = Stores(shop.stores.database)
    store.quizzes = quizzes = Faulty(shop.stores.database)
    quizzes.faults = frozenset({shop.quiz_id})
    return store, quizzes


async def test_a_submission_waits_for_a_quiz_that_cannot_be_read(kafka: str, mongo: str) -> None:
    async with workshop(kafka, mongo) as shop:
        store, quizzes = faulty(shop)
        grading = Grading(store, Catalogue(store.quizzes), shop.publisher)
        sent = batch(shop.submission("wang"))
        with pytest.raises(Unavailable):
            await grading.grade_submissions(sent)
        assert sent.rejected == []
        quizzes.faults = frozenset()
        assert len(results_in(await grading.grade_submissions(sent))) == 1


async def test_what_waited_for_its_participant_waits_for_its_quiz_too(kafka: str, mongo: str) -> None:
    async with workshop(kafka, mongo) as shop:
        await shop.grading.grade_submissions(batch(shop.submission("wang", district=None)))
        store, quizzes = faulty(shop)
        grading = Grading(store, Catalogue(store.quizzes), shop.publisher)
        with pytest.raises(Unavailable):
            await grading.keep_participants(people(joined("wang")))
        assert len(await store.waiting.of_quiz(shop.quiz_id)) == 1
        quizzes.faults = frozenset()
        await grading.keep_participants(people(joined("wang")))
        assert await store.standings.count(shop.quiz_id) == 1


async def test_what_is_known_of_before_a_change_is_shown_and_not_gone_by(kafka: str, mongo: str) -> None:
    async with workshop(kafka, mongo) as shop:
        store, quizzes = faulty(shop)
        quizzes.faults = frozenset()
        catalogue = Catalogue(store.quizzes)
        await catalogue.refresh()
        papers = catalogue.find(shop.quiz_id).papers
        await publish(shop.stores.quizzes, f"{shop.quiz_id}-other", shop.quiz, clock.now())
        now = clock.now()
        await store.quizzes.begin_closing(shop.quiz_id, now, now)
        quizzes.faults = frozenset({shop.quiz_id})
        await catalogue.refresh()
        assert catalogue.find(f"{shop.quiz_id}-other")
        assert catalogue.get(shop.quiz_id) is None
        assert catalogue.current_if_fresh(shop.quiz_id) is None
        for look in (catalogue.current, catalogue.look_up):
            with pytest.raises(Unavailable):
                await look(shop.quiz_id)
        assert shop.quiz_id in [one.record.quiz_id for one in catalogue.all()]
        quizzes.faults = frozenset()
        found = await catalogue.look_up(shop.quiz_id)
        assert found.record.status == "closing"
        assert found.papers is papers
        assert catalogue.unread() == []


async def test_a_quiz_that_is_taken_away_is_not_waited_for(kafka: str, mongo: str) -> None:
    async with workshop(kafka, mongo) as shop:
        store, _ = faulty(shop)
        catalogue = Catalogue(store.quizzes)
        await catalogue.refresh()
        assert catalogue.unread() == [shop.quiz_id]
        await store.database["quizzes"].delete_one({"_id": shop.quiz_id})
        with pytest.raises(NotFound):
            await catalogue.look_up(shop.quiz_id)
        assert catalogue.unread() == []


async def test_a_sweep_is_not_over_while_a_quiz_cannot_be_read(kafka: str, mongo: str) -> None:
    async with workshop(kafka, mongo) as shop:
        await shop.grading.grade_submissions(batch(shop.submission("wang")))
        await shop.grading.keep_participants(people(erased("wang")))
        store, quizzes = faulty(shop)
        catalogue = Catalogue(store.quizzes)
        sweep = sweeper(store, catalogue)
        await catalogue.refresh()
        for _ in range(3):
            await sweep.turn()
        assert len(await store.participants.to_sweep(clock.now() + timedelta(days=1))) == 1
        assert await store.standings.count(shop.quiz_id) == 1
        quizzes.faults = frozenset()
        await catalogue.refresh()
        await sweep.turn()
        assert await store.standings.count(shop.quiz_id) == 0


async def test_the_others_close_and_the_turn_fails_where_none_does(kafka: str, mongo: str) -> None:
    now = datetime.now(UTC)
    over: dict[str, Any] = {
        "closes_at": now - timedelta(seconds=1),
        "grace_seconds": 0,
        "duration_seconds": 600,
    }
    async with workshop(kafka, mongo, **over) as shop:
        other = f"{shop.quiz_id}-other"
        await publish(shop.stores.quizzes, other, shop.quiz, now - timedelta(minutes=1))
        store, _ = faulty(shop)
        catalogue = Catalogue(store.quizzes)
        grading = Grading(store, catalogue, shop.publisher)
        one = closer(store, catalogue, grading, kafka)
        await one.turn()
        record = await store.quizzes.read(other)
        assert record is not None
        assert record.status == "closed"
        with pytest.raises(CloseError):
            await one.turn()
