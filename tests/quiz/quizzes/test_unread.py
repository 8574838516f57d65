"""A quiz that is stored and cannot be read for a while: nothing is lost by it, and nothing is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.publish import publish
from services.quiz.quizzes.record import QuizRecord
from services.quiz.quizzes.rules import Quiz
from services.quiz.quizzes.store import QuizStore
from shared.runtime import clock
from shared.runtime.errors import NotFound, Unavailable
from tests.quiz.builders import batch, erased, joined, people
from tests.quiz.parts import Grading, Parts, Stores, closer, new_parts, results_in, sweeper

pytestmark = pytest.mark.stack


class Faulty(QuizStore):
    """Cannot read those of `faults`."""

    faults: frozenset[str] = frozenset()

    async def read(self, quiz_id: str, known: tuple[int, Quiz] | None = None) -> QuizRecord | None:
        if quiz_id in self.faults:
            raise ValueError("it cannot be read")
        return await super().read(quiz_id, known)


def faulty(parts: Parts) -> tuple[Stores, Faulty]:
    """A store of another process, which cannot read the quiz of the parts until `faults` is emptied."""
    store = Stores(parts.stores.database)
    store.quizzes = quizzes = Faulty(parts.stores.database)
    quizzes.faults = frozenset({parts.quiz_id})
    return store, quizzes


async def test_a_submission_waits_for_a_quiz_that_cannot_be_read(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        store, quizzes = faulty(parts)
        grading = Grading(store, Catalogue(store.quizzes), parts.publisher)
        sent = batch(parts.submission("wang"))
        with pytest.raises(Unavailable):
            await grading.grade_submissions(sent)
        assert sent.rejected == []
        quizzes.faults = frozenset()
        assert len(results_in(await grading.grade_submissions(sent))) == 1


async def test_what_waited_for_its_participant_waits_for_its_quiz_too(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.grading.grade_submissions(batch(parts.submission("wang", district=None)))
        store, quizzes = faulty(parts)
        grading = Grading(store, Catalogue(store.quizzes), parts.publisher)
        with pytest.raises(Unavailable):
            await grading.keep_participants(people(joined("wang")))
        assert len(await store.waiting.of_quiz(parts.quiz_id)) == 1
        quizzes.faults = frozenset()
        await grading.keep_participants(people(joined("wang")))
        assert await store.standings.count(parts.quiz_id) == 1


async def test_what_is_known_of_before_a_change_is_shown_and_not_gone_by(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        store, quizzes = faulty(parts)
        quizzes.faults = frozenset()
        catalogue = Catalogue(store.quizzes)
        await catalogue.refresh()
        papers = catalogue.find(parts.quiz_id).papers
        await publish(parts.stores.quizzes, f"{parts.quiz_id}-other", parts.quiz, clock.now())
        now = clock.now()
        await store.quizzes.begin_closing(parts.quiz_id, now, now)
        quizzes.faults = frozenset({parts.quiz_id})
        await catalogue.refresh()
        assert catalogue.find(f"{parts.quiz_id}-other")
        assert catalogue.get(parts.quiz_id) is None
        assert catalogue.current_if_fresh(parts.quiz_id) is None
        for look in (catalogue.current, catalogue.look_up):
            with pytest.raises(Unavailable):
                await look(parts.quiz_id)
        assert parts.quiz_id in [one.record.quiz_id for one in catalogue.all()]
        quizzes.faults = frozenset()
        found = await catalogue.look_up(parts.quiz_id)
        assert found.record.status == "closing"
        assert found.papers is papers
        assert catalogue.unread() == []


async def test_a_quiz_that_is_taken_away_is_not_waited_for(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        store, _ = faulty(parts)
        catalogue = Catalogue(store.quizzes)
        await catalogue.refresh()
        assert catalogue.unread() == [parts.quiz_id]
        await store.database["quizzes"].delete_one({"_id": parts.quiz_id})
        with pytest.raises(NotFound):
            await catalogue.look_up(parts.quiz_id)
        assert catalogue.unread() == []


async def test_a_sweep_is_not_over_while_a_quiz_cannot_be_read(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.grading.grade_submissions(batch(parts.submission("wang")))
        await parts.grading.keep_participants(people(erased("wang")))
        store, quizzes = faulty(parts)
        catalogue = Catalogue(store.quizzes)
        sweep = sweeper(store, catalogue)
        await catalogue.refresh()
        for _ in range(3):
            await sweep.turn()
        assert len(await store.participants.to_sweep(clock.now() + timedelta(days=1))) == 1
        assert await store.standings.count(parts.quiz_id) == 1
        quizzes.faults = frozenset()
        await catalogue.refresh()
        await sweep.turn()
        assert await store.standings.count(parts.quiz_id) == 0


async def test_the_others_close_where_one_cannot_be_read(kafka: str, mongo: str) -> None:
    now = datetime.now(UTC)
    over: dict[str, Any] = {
        "closes_at": now - timedelta(seconds=1),
        "grace_seconds": 0,
        "duration_seconds": 600,
    }
    async with new_parts(kafka, mongo, **over) as parts:
        other = f"{parts.quiz_id}-other"
        await publish(parts.stores.quizzes, other, parts.quiz, now - timedelta(minutes=1))
        store, _ = faulty(parts)
        catalogue = Catalogue(store.quizzes)
        grading = Grading(store, catalogue, parts.publisher)
        one = closer(store, catalogue, grading, kafka)
        await one.turn()
        record = await store.quizzes.read(other)
        assert record is not None
        assert record.status == "closed"
        await one.turn()
        record = await parts.stores.quizzes.read(parts.quiz_id)
        assert record is not None
        assert record.status != "closed"
