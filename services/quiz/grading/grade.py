"""
Grade valid submissions: results and standings are stored together, then `quiz.completed` is published.
If the quiz shows scores at the close, the close publishes it.

The events are made from what is stored. So a repeat after a crash publishes everything that the first try
may not have published.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from services.quiz.grading.events import Completed, completed_records
from services.quiz.grading.metrics import count
from services.quiz.grading.rules import Valid, result_of
from services.quiz.participants.rules import Profile
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.results.rules import Result
from services.quiz.results.store import OutdatedKeysError, ResultStore
from services.quiz.standings.rules import order, that_counts
from services.quiz.standings.writes import Orders, StandingKey
from shared.messaging.publisher import Record
from shared.runtime import clock
from shared.runtime.errors import Unavailable

# A correction follows the one before after a minute at least.
TRIES_MAX = 3


class Stored(NamedTuple):
    """
    Submissions with their results.

    Attributes:
        valid: by the keys that they were graded with.
        earlier: by attempt, the results that were stored before.
    """

    valid: Sequence[tuple[Valid, Profile]]
    results: list[Result]
    earlier: Mapping[str, Result]


class Grader:
    """Stores the results of submissions and makes their events."""

    def __init__(self, catalogue: Catalogue, results: ResultStore) -> None:
        self._catalogue = catalogue
        self._results = results

    async def grade(
        self,
        valid: Sequence[tuple[Valid, Profile]],
        later: Mapping[str, Collection[str]],
        *,
        publish_all: bool = False,
    ) -> list[Record]:
        """
        Store what is not graded yet; returns what to publish.

        Args:
            valid: one submission an attempt, with the participant's profile.
            later: by attempt, the ids of its later submissions in the same batch. If the stored result of an
                attempt was made from one of these, or from the first one, then an earlier try of this batch
                has stored it. That try may have died before publishing, so publish again.
            publish_all: publish every attempt, also if another submission of it was graded.
        """
        valid, results, earlier = await self._store(valid)
        to_publish: list[Completed] = []
        for (one, _), result in zip(valid, results, strict=True):
            stored = earlier.get(result.attempt_id)
            if stored is None:
                to_publish.append((one.context, result, one.offered.record.quiz.title))
            elif (
                publish_all
                or stored.submission_id == one.context.id
                or stored.submission_id in later.get(stored.attempt_id, ())
            ):
                context = msgspec.structs.replace(one.context, id=stored.submission_id)
                to_publish.append((context, stored.as_first(), self.title(stored)))
        count("graded", [one.quiz_id for one in results if one.attempt_id not in earlier])
        count("repeated", [one.quiz_id for one in earlier.values()])
        return self.records(to_publish)

    def records(self, completed: Sequence[Completed]) -> list[Record]:
        """
        The events of results.

        There is none for a result of a quiz that withholds its scores: the close publishes it
        (closing/tell.py).
        """
        quiz_ids = {result.quiz_id for _, result, _ in completed}
        withheld = {one for one in quiz_ids if self._catalogue.find(one).record.withholds_scores}
        if withheld:
            completed = [one for one in completed if one[1].quiz_id not in withheld]
        return completed_records(completed, clock.now())

    async def _store(self, valid: Sequence[tuple[Valid, Profile]]) -> Stored:
        for _ in range(TRIES_MAX):
            results = [result_of(one, profile) for one, profile in valid]
            corrected: dict[str, int] = {}
            for one, _ in valid:
                record = one.offered.record
                number = len(record.corrections)
                corrected[record.quiz_id] = min(number, corrected.get(record.quiz_id, number))
            try:
                return Stored(valid, results, await self._results.add(results, self._orders, corrected))
            except OutdatedKeysError:
                # A key was corrected a moment ago.
                await self._catalogue.refresh()
                valid = [(self._by_keys_of_now(one), profile) for one, profile in valid]
        raise Unavailable("keys are corrected faster than they are read")

    def _by_keys_of_now(self, valid: Valid) -> Valid:
        record = valid.offered.record
        offered = self._catalogue.find(record.quiz_id, record.version)
        paper = offered.paper(valid.submission.attempt_id)
        return msgspec.structs.replace(valid, offered=offered, paper=paper)

    def title(self, result: Result) -> str:
        """The title of a result's quiz, in the version that was graded if it is still known."""
        offered = self._catalogue.get(result.quiz_id, result.quiz_version) or self._catalogue.find(
            result.quiz_id
        )
        return offered.record.quiz.title

    def _orders(self, results: Iterable[Result], frozen: Mapping[str, datetime]) -> Orders:
        """
        The orders that count for the standings. An order is a number to sort by; a higher number is better.

        A result that was submitted after a freeze is held back. If a freeze begins while this batch runs, it
        does not affect these results: it starts two seconds after the decision, and they were submitted
        before. If a freeze ends while this batch runs, some results are still held back; the upkeep of
        standings releases them.
        """
        best: dict[StandingKey, int] = {}
        for result in results:
            offered = self._catalogue.find(result.quiz_id)
            ranking = offered.record.quiz.ranking
            this = order(
                result.half_points,
                result.time_used_seconds,
                result.submitted_at,
                offered.schedule.opens_at,
                ranking.ties,
            )
            since = frozen.get(result.quiz_id)
            frozen_since = since if since is not None and result.submitted_at > since else None
            key = StandingKey(result.quiz_id, result.participant_id, frozen_since)
            earlier = best.get(key)
            best[key] = this if earlier is None else that_counts(this, earlier, ranking)
        return best
