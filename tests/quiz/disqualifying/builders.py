"""Decisions about the participants of a quiz, and what must be true after them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from services.quiz.attempts.submission import Submission
from services.quiz.closing.revise import Reviser
from services.quiz.disqualified.rules import Disqualification
from services.quiz.disqualifying.decide import Decisions
from services.quiz.disqualifying.settle import Settler
from services.quiz.results.store import ResultStore
from services.quiz.statistics.store import StatisticsStore
from shared.contracts.events import QuizClosed, QuizDisqualificationDecided
from shared.contracts.origin import Origin
from shared.storage import outbox
from tests.quiz.builders import batch
from tests.quiz.parts import Parts
from tests.quiz.standings.builders import assert_counted


class Deciding:
    """Decides in the quiz of some parts, and settles at once."""

    def __init__(self, parts: Parts, settle: timedelta | None = timedelta()) -> None:
        self.parts = parts
        stores = parts.stores
        self.database = stores.database
        self.statistics = StatisticsStore(self.database)
        self.decisions = Decisions(
            self.database,
            stores.disqualified,
            stores.results,
            stores.participants,
            parts.catalogue,
            parts.grading.erased,
            settle=settle,
        )

    async def out(self, who: str, *attempt_ids: str) -> Disqualification:
        return await self.decisions.disqualify(
            self.parts.quiz_id, who, attempt_ids or None, "two devices", "an organiser", Origin()
        )

    async def back(self, who: str, *attempt_ids: str) -> Disqualification:
        return await self.decisions.reinstate(
            self.parts.quiz_id, who, attempt_ids or None, "a mistake", "an organiser", Origin()
        )

    def settler(self, results: ResultStore | None = None) -> Settler:
        stores = self.parts.stores
        return Settler(
            self.database,
            stores.disqualified,
            results or stores.results,
            self.statistics,
            self.parts.catalogue,
        )

    async def settle(self) -> int:
        """Settle all that is due; returns how many."""
        worker = self.settler()
        due = await worker.pending("", 1_000)
        for id_ in due:
            await worker.go_on(id_)
        return len(due)

    def reviser(self) -> Reviser:
        stores = self.parts.stores
        return Reviser(stores.quizzes, stores.standings, self.parts.catalogue)

    async def revise(self) -> None:
        """Publish the standings again, without waiting for further decisions."""
        quizzes = self.database["quizzes"]
        await quizzes.update_one({"revise_at": {"$ne": None}}, [{"$set": {"revise_at": "$opens_at"}}])
        worker = self.reviser()
        for quiz_id in await worker.pending("", 10):
            await worker.go_on(quiz_id)

    async def decided(self) -> list[QuizDisqualificationDecided]:
        """The events in the outbox."""
        return [
            QuizDisqualificationDecided.model_validate_json(value or b"")
            for topic, _, value, _ in await outbox.waiting(self.database)
            if topic == QuizDisqualificationDecided.topic
        ]

    async def closings(self) -> list[QuizClosed]:
        """The closings in the outbox, by version."""
        found = [
            QuizClosed.model_validate_json(value or b"")
            for topic, _, value, _ in await outbox.waiting(self.database)
            if topic == QuizClosed.topic
        ]
        return sorted(found, key=lambda one: one.version)

    async def standings(self) -> dict[str, float]:
        """By participant, the points that standings show."""
        return await self._best("standings")

    async def held(self) -> dict[str, float]:
        """By participant, the points that a freeze holds back."""
        return await self._best("held")

    async def _best(self, collection: str) -> dict[str, float]:
        found = await self.database[collection].find({"quiz_id": self.parts.quiz_id}).to_list(None)
        return {one["_id"].rpartition("/")[2]: (one["order"] >> 52) / 2 for one in found}

    async def assert_standings(self, expected: Mapping[str, float]) -> None:
        assert await self.standings() == expected
        await assert_counted(self.database, self.parts.quiz_id)


async def graded(parts: Parts, sent: Sequence[Submission]) -> None:
    for begin in range(0, len(sent), 50):
        await parts.grading.grade_submissions(batch(*sent[begin : begin + 50]))
