"""Who gets which attempt, whoever asks at once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.quiz.attempts.rules import Attempt
from services.quiz.attempts.start import Start
from services.quiz.participants.rules import ParticipantId
from services.quiz.quizzes.offered import Offered
from services.quiz.quizzes.record import QuizRecord
from shared.runtime import clock
from shared.runtime.errors import Conflict, Rejected
from shared.storage.mongo import connect
from tests.quiz.builders import batch
from tests.quiz.parts import Parts, Stores, new_parts

pytestmark = pytest.mark.stack

DAY = timedelta(days=1)
NOON = datetime(2026, 5, 20, 4, tzinfo=UTC)  # in Puyang
WEEK = {"opens_at": NOON - DAY, "closes_at": NOON + 5 * DAY, "timezone": "Asia/Shanghai"}


async def begin(parts: Parts, at: datetime, who: str = "wang", **changes: object) -> Attempt:
    record = await parts.stores.quizzes.read(parts.quiz_id)
    assert record is not None
    fields = {name: getattr(record, name) for name in QuizRecord.__slots__} | changes
    (outcome,) = await parts.stores.start(Start(Offered(QuizRecord(**fields)), ParticipantId(who), at))
    if isinstance(outcome, Rejected):
        raise outcome
    return outcome


async def refused(parts: Parts, at: datetime, **changes: object) -> str:
    with pytest.raises(Conflict) as why:
        await begin(parts, at, "wang", **changes)
    return why.value.code


async def test_concurrent_starts_in_several_processes_give_one_attempt(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=5) as parts:
        record = await parts.stores.quizzes.read(parts.quiz_id)
        assert record is not None
        name, now = parts.stores.database.name, clock.now()
        async with connect(mongo, name) as one, connect(mongo, name) as other:
            stores = [Stores(one), Stores(other)] * 10
            # Each a moment later than the one before: the times kept must be one of them.
            starts = [
                [
                    Start(Offered(record), ParticipantId("wang"), now + timedelta(milliseconds=n + m))
                    for m in range(2)
                ]
                for n in range(len(stores))
            ]
            begun = await asyncio.gather(
                *(one.start(*some) for one, some in zip(stores, starts, strict=True))
            )
        assert len({outcome for outcomes in begun for outcome in outcomes}) == 1


async def test_starting_again_resumes_the_open_attempt(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **WEEK, attempts_per_day=2, duration_seconds=600) as parts:
        first = await begin(parts, NOON)
        assert await begin(parts, NOON + timedelta(seconds=599)) == first
        second = await begin(parts, NOON + timedelta(seconds=606))
        assert (first.number, second.number) == (1, 2)
        assert await refused(parts, NOON + timedelta(hours=1)) == "attempts_exhausted"


async def test_an_attempt_that_is_graded_is_over(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=2) as parts:
        now = datetime.now(UTC)
        await begin(parts, now)
        # Another system's submission counts as well, though it never started here.
        await parts.grading.grade_submissions(batch(parts.submission("wang", submitted_at=now)))
        assert (await begin(parts, now)).number == 2


async def test_the_next_day_brings_new_attempts(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **WEEK) as parts:
        first = await begin(parts, NOON)
        assert await refused(parts, NOON + timedelta(hours=11, minutes=59)) == "attempts_exhausted"
        second = await begin(parts, NOON + timedelta(hours=12))
        assert second.number == 1
        assert second.attempt_id != first.attempt_id


async def test_an_open_attempt_is_resumed_past_midnight(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **WEEK, duration_seconds=1200) as parts:
        before = await begin(parts, NOON + timedelta(hours=11, minutes=50))
        assert await begin(parts, NOON + timedelta(hours=12, minutes=5)) == before
        assert await begin(parts, NOON + timedelta(hours=12, minutes=11)) != before


async def test_only_an_open_quiz_is_begun_or_resumed(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **WEEK) as parts:
        assert await refused(parts, NOON - 2 * DAY) == "quiz_not_open"
        assert await refused(parts, NOON + 5 * DAY) == "quiz_closed"
        begun = await begin(parts, NOON)
        assert await begin(parts, NOON) == begun
        assert await refused(parts, NOON, status="closing") == "quiz_closed"
        assert await refused(parts, NOON, closes_at=NOON - timedelta(seconds=1)) == "quiz_closed"


async def test_an_attempt_ends_with_the_quiz(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, **WEEK, duration_seconds=1200, grace_seconds=5) as parts:
        last = await begin(parts, NOON + 5 * DAY - timedelta(seconds=60))
        assert last.deadline_at == NOON + 5 * DAY + timedelta(seconds=5)


async def test_one_group_of_starts_gives_each_their_own(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        record = await parts.stores.quizzes.read(parts.quiz_id)
        assert record is not None
        now = datetime.now(UTC)
        early = QuizRecord(record.quiz_id, record.quiz, "closed", now, 2)
        starts = [Start(Offered(record), ParticipantId(f"p{n}"), now) for n in range(50)]
        outcomes = await parts.stores.start(*starts, Start(Offered(early), ParticipantId("p0"), now))
        assert [o.participant_id for o in outcomes if isinstance(o, Attempt)] == [f"p{n}" for n in range(50)]
        assert isinstance(outcomes[-1], Conflict)
