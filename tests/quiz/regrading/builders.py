"""A quiz with submissions, its corrections, and what must be true after them, computed by other code."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from services.quiz.attempts.submission import Submission
from services.quiz.quizzes.record import QuizRecord
from services.quiz.regrading.correct import Corrections
from services.quiz.regrading.preview import Previewer
from services.quiz.regrading.question_changes import Change
from services.quiz.regrading.regrade import LOOP, Regrader
from services.quiz.regrading.rules import Preview
from services.quiz.regrading.store import PreviewStore, RegradingStore
from services.quiz.results.store import ResultStore
from services.quiz.statistics.store import StatisticsStore
from shared.contracts.events import QuizRegraded
from shared.contracts.origin import Origin
from shared.runtime.ids import random_id
from shared.storage import outbox
from shared.storage.lease import Lease
from tests.quiz.builders import batch
from tests.quiz.parts import Parts
from tests.quiz.standings.builders import assert_counted

# Answers by which a question is cancelled.
CANCELLED = None


def change_of(key: str | Change | None) -> Change:
    return key if isinstance(key, Change) else Change(key)


class Correcting:
    """Corrects the quiz of some parts, and grades again without a rest."""

    def __init__(self, parts: Parts, settle: timedelta | None = timedelta()) -> None:
        self.parts = parts
        self.database = parts.stores.database
        self.regradings = RegradingStore(self.database)
        self.previews = PreviewStore(self.database)
        self.statistics = StatisticsStore(self.database)
        self.corrections = Corrections(
            parts.stores.quizzes, parts.catalogue, self.regradings, self.previews, settle=settle
        )

    async def prepare(self) -> None:
        await self.regradings.prepare()
        await self.statistics.prepare()

    def regrader(
        self,
        *,
        regradings: RegradingStore | None = None,
        results: ResultStore | None = None,
        **changes: Any,
    ) -> Regrader:
        """A worker; each has a lease of its own, so that two of them do work at the same time."""
        stores = self.parts.stores
        return Regrader(
            regradings or self.regradings,
            stores.quizzes,
            results or ResultStore(self.database, portion_results=10),
            self.statistics,
            self.parts.catalogue,
            self.parts.grading.erased,
            stores.disqualified,
            Lease(self.database, random_id(), owner=LOOP),
            rests=0,
            turn_seconds=0,
            **changes,
        )

    async def correct(self, question_id: str, key: str | Change | None, **changes: Any) -> QuizRecord:
        fields: dict[str, Any] = {
            "reason": "the book was wrong",
            "who": "an organiser",
            "matches": lambda _: True,
            "origin": Origin(),
        }
        return await self.corrections.correct(
            self.parts.quiz_id, question_id, change_of(key), **(fields | changes)
        )

    def previewer(self, results: ResultStore | None = None) -> Previewer:
        """A worker that stores its progress after each portion."""
        return Previewer(
            self.previews,
            results or ResultStore(self.database, portion_results=10),
            self.parts.stores.standings,
            self.parts.catalogue,
            self.parts.grading.erased,
            self.parts.stores.disqualified,
            Lease(self.database, random_id(), owner=LOOP),
            rests=0,
            turn_seconds=0,
        )

    async def preview(
        self, question_id: str, key: str | Change | None, worker: Previewer | None = None
    ) -> Preview:
        """What a correction would change."""
        await self.corrections.preview(self.parts.quiz_id, question_id, change_of(key), "why", "an organiser")
        one = worker or self.previewer()
        while due := await one.pending("", 10):
            await one.go_on(due[0])
        preview = await self.previews.read(self.parts.quiz_id)
        assert preview is not None
        return preview

    async def regrade(self, worker: Regrader | None = None, most: int = 1_000) -> int:
        """Let a worker do all that is due; returns the number of its turns."""
        one = worker or self.regrader()
        for done in range(most):
            due = await one.pending("", 10)
            if not due:
                return done
            for regrading_id in due:
                await one.go_on(regrading_id)
        raise AssertionError("it does not end")

    async def events(self) -> list[tuple[str, QuizRegraded]]:
        """The ids and events in the outbox."""
        return [
            (dict(headers)["ce_id"].decode(), QuizRegraded.model_validate_json(value or b""))
            for topic, _, value, headers in await outbox.waiting(self.database)
            if topic == QuizRegraded.topic
        ]

    async def points(self) -> dict[str, float]:
        """By attempt, the points that are stored."""
        found = await self.database["results"].find({"quiz_id": self.parts.quiz_id}).to_list(None)
        return {one["_id"]: one["halves"] / 2 for one in found}

    async def standings(self) -> dict[str, float]:
        """By participant, the points that standings show."""
        return await self._best("standings")

    async def held(self) -> dict[str, float]:
        """By participant, the points that a freeze holds back."""
        return await self._best("held")

    async def _best(self, collection: str) -> dict[str, float]:
        found = await self.database[collection].find({"quiz_id": self.parts.quiz_id}).to_list(None)
        return {one["_id"].rpartition("/")[2]: (one["order"] >> 52) / 2 for one in found}


async def graded(parts: Parts, sent: Sequence[Submission], nth: int = 1) -> None:
    for begin in range(0, len(sent), 50):
        await parts.grading.grade_submissions(batch(*sent[begin : begin + 50], nth=nth))


def expected(parts: Parts, sent: Sequence[Submission], keys: Mapping[str, str | None]) -> dict[str, float]:
    """By attempt, its points: A is right, or the letter in `keys`; None there gives everybody the point."""
    found = {}
    for one in sent:
        asked = parts.catalogue.find(parts.quiz_id).paper(one.attempt_id).question_ids
        right = [
            keys.get(id_, "A") is CANCELLED or one.answers.get(id_) == keys.get(id_, "A") for id_ in asked
        ]
        found[one.attempt_id] = float(sum(right))
    return found


def best_of(sent: Sequence[Submission], points: Mapping[str, float]) -> dict[str, float]:
    best: dict[str, float] = {}
    for one in sent:
        best[one.participant_id] = max(points[one.attempt_id], best.get(one.participant_id, 0))
    return best


async def assert_right(
    at: Correcting, sent: Sequence[Submission], before: Mapping[str, float], keys: Mapping[str, str | None]
) -> None:
    """Results, standings, counts and events of one correction are what other code computes."""
    points = expected(at.parts, sent, keys)
    assert await at.points() == points
    assert await at.standings() == best_of(sent, points)
    await assert_counted(at.database, at.parts.quiz_id)
    events = await at.events()
    told = {event.result_id: (event.points_before, event.points) for _, event in events}
    changed = {id_: (before[id_], now) for id_, now in points.items() if before[id_] != now}
    assert told == changed
    assert len(events) == len(changed), "each is told of once"
    assert max(Counter(id_ for id_, _ in events).values(), default=1) == 1
    for _, event in events:
        assert event.version == 2
        assert event.passed == (event.points >= 3)
        assert event.score_percent == int(20 * event.points)
