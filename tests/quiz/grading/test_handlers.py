"""What becomes of submissions and profiles: the good, the rejected, the repeated, the one out of order."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from services.quiz.attempts.submission import Submission
from services.quiz.grading.store import Waiting, WaitingStore
from services.quiz.standings.rules import parts_of
from shared.contracts.events import QuizCompleted
from shared.messaging.publisher import Publisher, Record
from shared.messaging.received import Following
from shared.runtime.errors import Unavailable
from tests.quiz.builders import batch, joined, people
from tests.quiz.parts import Grading, Parts, Stores, new_parts, results_in

pytestmark = pytest.mark.stack

HOUR = timedelta(hours=1)


async def completed(parts: Parts, *submissions: Submission, **changes: Any) -> list[QuizCompleted]:
    following = await parts.grading.grade_submissions(batch(*submissions, **changes))
    return [event for _, event in results_in(following)]


async def codes(parts: Parts, sent: Submission, appended_at: datetime | None = None) -> list[str]:
    one = batch(sent, appended_at=appended_at)
    assert not await parts.grading.grade_submissions(one)
    return [dead.why.code for dead in one.rejected]


def bodies(following: Following) -> list[object]:
    return [one[2] for one in following if isinstance(one, tuple)]


def changed(sent: Submission, **changes: object) -> Submission:
    return msgspec.structs.replace(sent, **changes)


async def test_a_submission_is_graded_and_stands(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        sent = parts.submission("wang", right=4, seconds=61)
        (result,) = await completed(parts, sent)
        assert (result.result_id, result.participant_id) == (sent.attempt_id, "wang")
        assert (result.score_percent, result.passed, result.time_used_seconds) == (80, True, 61)
        assert (result.group_id, result.district) == (None, "华龙区")
        assert await parts.stores.standings.count(parts.quiz_id) == 1


async def test_what_can_never_count_is_rejected_alone_with_its_code(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, duration_seconds=600, grace_seconds=5) as parts:
        now, good = datetime.now(UTC), parts.submission()
        assert await codes(parts, changed(good, quiz_id="no-such-quiz")) == ["quiz_unknown"]
        assert await codes(parts, changed(good, participant_id="somebody-else")) == ["attempt_unknown"]
        assert await codes(parts, changed(good, attempt_id=str(uuid4()))) == ["attempt_unknown"]
        assert await codes(parts, parts.submission(number=2)) == ["attempt_unknown"]
        assert await codes(parts, changed(good, answers={"q99": "A"})) == ["question_unknown"]
        early = parts.submission(submitted_at=now, seconds=3601)
        assert await codes(parts, early) == ["times_impossible"]
        assert await codes(parts, parts.submission(seconds=-1)) == ["times_impossible"]
        first = datetime(2000, 1, 1, tzinfo=UTC)
        assert await codes(parts, changed(good, started_at=first)) == ["times_impossible"]
        last = datetime(2099, 12, 31, 23, 59, tzinfo=UTC)
        assert await codes(parts, changed(good, started_at=last, submitted_at=last)) == ["times_impossible"]
        ahead = parts.submission(submitted_at=now + timedelta(seconds=70))
        assert await codes(parts, ahead, appended_at=now) == ["times_impossible"]
        assert await codes(parts, parts.submission(seconds=606)) == ["attempt_late"]
        # Said to be in time, but the broker knows better.
        honest = parts.submission(submitted_at=now, seconds=600)
        assert await codes(parts, honest, appended_at=now + timedelta(seconds=21)) == ["attempt_late"]
        bad, neighbours = changed(good, answers={"q99": "A"}), [parts.submission(), parts.submission()]
        mixed = batch(neighbours[0], bad, neighbours[1])
        following = await parts.grading.grade_submissions(mixed)
        assert [event.key for _, event in results_in(following)] == [one.participant_id for one in neighbours]
        assert len(mixed.rejected) == 1


async def test_a_redelivered_batch_says_the_same_and_changes_nothing(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        elsewhere = parts.submission(submitted_at=datetime.now(timezone(8 * HOUR)))
        sent = batch(parts.submission(), elsewhere, parts.submission(district=None))
        await parts.grading.keep_participants(people(joined(sent.events[2].event.participant_id)))
        first = await parts.grading.grade_submissions(sent)
        standings = await parts.stores.standings.top(parts.quiz_id, 10)
        # As after a crash before the commit: nothing of what followed may have been published.
        again = await parts.grading.grade_submissions(sent)
        assert results_in(again) == results_in(first)
        assert [bodies(one) for one in (again, first)] == [bodies(first)] * 2
        assert await parts.stores.standings.top(parts.quiz_id, 10) == standings
        assert len(standings) == 3


async def test_a_second_submission_of_an_attempt_changes_nothing(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        worse, better = parts.submission("wang", right=1), parts.submission("wang", right=5)
        assert worse.attempt_id == better.attempt_id
        (counted,) = await completed(parts, worse, better)
        assert counted.score_percent == 20
        assert await completed(parts, better, nth=2) == []
        assert (await parts.stores.results.of_attempts([worse.attempt_id]))[
            worse.attempt_id
        ].score_percent == 20


async def test_a_later_attempt_raises_the_standing_and_a_worse_one_does_not(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=3) as parts:
        for right in (3, 5, 4):
            await completed(parts, parts.submission("wang", right=right, number=[3, 5, 4].index(right) + 1))
        ((_, order),) = await parts.stores.standings.top(parts.quiz_id, 10)
        assert parts_of(order, parts.quiz.opens_at).half_points == 10


async def test_a_submission_before_its_participant_waits_and_is_then_graded(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        who = str(uuid4())
        assert await completed(parts, parts.submission(who, district=None)) == []
        assert await parts.stores.standings.count(parts.quiz_id) == 0
        await parts.grading.keep_participants(people(joined(who)))
        ((_, result),) = await parts.completed(kafka)
        assert (result.participant_id, result.group_id, result.district) == (who, "school-1", "范县")
        assert await parts.stores.standings.count(parts.quiz_id) == 1
        assert await parts.stores.waiting.of_participants([who]) == []


async def test_a_participant_before_the_submission_is_known(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.grading.keep_participants(people(joined("li", "school-2", None)))
        (result,) = await completed(parts, parts.submission("li", district=None))
        assert (result.group_id, result.district) == ("school-2", None)


class JoinedInBetween(WaitingStore):
    """The participant joins after the look for the profile and before the submission waits."""

    grading: Grading

    async def add(self, waiting: Sequence[Waiting]) -> None:
        if waiting:
            await self.grading.keep_participants(people(*(joined(one.participant_id) for one in waiting)))
        await super().add(waiting)


async def test_a_participant_who_joins_in_between_is_not_missed(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        store, between = Stores(parts.stores.database), JoinedInBetween(parts.stores.database)
        store.waiting = between
        between.grading = Grading(store, parts.catalogue, parts.publisher)
        assert await between.grading.grade_submissions(batch(parts.submission("li", district=None))) == []
        assert [result.participant_id for _, result in await parts.completed(kafka)] == ["li"]
        assert await store.waiting.of_participants(["li"]) == []


async def test_what_waits_keeps_its_place_before_later_submissions(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        first = parts.submission("li", right=1, district=None)
        later = parts.submission("li", right=5, district="范县")
        assert await completed(parts, first, later) == []
        assert await completed(parts, later, nth=2) == []
        await parts.grading.keep_participants(people(joined("li")))
        assert [result.score_percent for _, result in await parts.completed(kafka)] == [20]
        assert await completed(parts, later, nth=3) == []


class Away(Publisher):
    """Kafka that does not answer."""

    async def write(self, records: Sequence[Record]) -> None:
        if records:
            raise Unavailable("Kafka does not answer")


async def test_what_waited_is_told_of_after_a_crash_before_its_publication(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await completed(parts, parts.submission("li", district=None))
        cut_off = Grading(parts.stores, parts.catalogue, Away(kafka, "tests"))
        with pytest.raises(Unavailable):
            await cut_off.keep_participants(people(joined("li")))
        assert await parts.completed(kafka) == []
        await parts.grading.keep_participants(people(joined("li")))
        assert [result.participant_id for _, result in await parts.completed(kafka)] == ["li"]
