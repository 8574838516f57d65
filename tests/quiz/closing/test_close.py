"""The close: final standings with everything that was accepted, said once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import REGISTRY

from services.quiz.attempts.submission import Submission
from services.quiz.closing.close import CloseError
from services.quiz.quizzes.changes import ChangedError
from services.quiz.quizzes.publish import publish
from services.quiz.quizzes.rules import LOG_DELAY_SECONDS_MAX, NOTICE_SECONDS
from services.quiz.saving.log_states import read_log_states
from shared.contracts.events import QuizClosed
from shared.messaging.consuming import consuming
from shared.messaging.publisher import to_record
from shared.runtime.background import FAILING_MIN
from shared.storage.outbox import relaying
from shared.storage.unit_of_work import UnitOfWork, save_together
from tests.quiz.builders import batch, envelope
from tests.quiz.closing.builders import is_closed
from tests.quiz.parts import Parts, new_parts, subscriptions_of
from tests.support.kafka import read_all
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def closings(parts: Parts, kafka: str) -> list[QuizClosed]:
    records = await read_all(kafka, QuizClosed.topic)
    told = [QuizClosed.model_validate_json(record.value or b"") for record in records]
    return [event for event in told if event.quiz_id == parts.quiz_id]


async def test_the_close_waits_for_graders_and_is_said_once(kafka: str, mongo: str) -> None:
    now = datetime.now(UTC)
    over = {"closes_at": now - timedelta(seconds=1), "grace_seconds": 0, "duration_seconds": 600}
    async with new_parts(kafka, mongo, **over) as parts:
        moment = now - timedelta(seconds=2)

        def accepted(n: int, district: str | None = "华龙区") -> Submission:
            return parts.submission(
                f"p{n}", right=n % 6, seconds=n + 1, district=district, submitted_at=moment
            )

        # The last one's participant never becomes known: accepted is accepted.
        told = [accepted(n) for n in range(30)] + [accepted(35, district=None)]
        await parts.publisher.publish([envelope(one) for one in told])
        closers = [parts.closer(kafka) for _ in range(3)]
        await closers[0].close_due(datetime.now(UTC))
        assert not await is_closed(parts), "nothing is graded yet"
        async with consuming(kafka, subscriptions_of(parts.grading), parts.publisher):

            async def all_closed() -> bool:
                await asyncio.gather(*(one.close_due(datetime.now(UTC)) for one in closers))
                return await is_closed(parts)

            await eventually(all_closed)
        async with relaying(parts.stores.database, parts.publisher, owner="tests"):
            await eventually(lambda: closings(parts, kafka))
        (event,) = await closings(parts, kafka)
        assert event.participants == 31
        assert {standing.participant_id for standing in event.standings} == {
            one.participant_id for one in told
        }
        best = event.standings[0]
        assert (best.rank, best.participant_id, best.points, best.score_percent) == (1, "p5", 5, 100)
        assert event.points_max == 5
        assert [one.score_percent for one in event.standings] == sorted(
            (one.score_percent for one in event.standings), reverse=True
        )
        for one in closers:
            await one.close_due(datetime.now(UTC))
        assert len(await closings(parts, kafka)) == 1
        assert await closers[0].loop.check() is None

        late = batch(accepted(99), appended_at=now + timedelta(seconds=LOG_DELAY_SECONDS_MAX + 1))
        assert await parts.grading.grade_submissions(late) == []
        assert [dead.why.code for dead in late.rejected] == ["attempt_late"]
        assert await parts.stores.standings.count(parts.quiz_id) == 31


async def test_what_is_submitted_to_another_quiz_does_not_keep_one_from_closing(
    kafka: str, mongo: str
) -> None:
    now = datetime.now(UTC)
    over = {"closes_at": now - timedelta(seconds=1), "grace_seconds": 0, "duration_seconds": 600}
    async with new_parts(kafka, mongo, **over) as parts:
        accepted = parts.submission("p1", right=3, seconds=9, submitted_at=now - timedelta(seconds=2))
        await parts.publisher.publish([envelope(accepted)])
        one = parts.closer(kafka)
        await one.close_due(datetime.now(UTC))
        assert not await is_closed(parts), "nothing is graded yet"

        async def all_graded() -> bool:
            state = (await read_log_states(kafka)).submitted
            return all(state.handled[partition] >= end for partition, end in state.ends.items())

        async with consuming(kafka, subscriptions_of(parts.grading), parts.publisher):
            await eventually(all_graded)
        await parts.publisher.publish([envelope(accepted)])
        assert not await all_graded()
        await one.close_due(datetime.now(UTC))
        assert await is_closed(parts)
        assert await parts.stores.standings.count(parts.quiz_id) == 1
        # For the tests that come after this one.
        async with consuming(kafka, subscriptions_of(parts.grading), parts.publisher):
            await eventually(all_graded)


async def test_another_systems_transaction_does_not_keep_a_quiz_from_closing(kafka: str, mongo: str) -> None:
    now = datetime.now(UTC)
    over = {"closes_at": now - timedelta(seconds=1), "grace_seconds": 0, "duration_seconds": 600}
    async with new_parts(kafka, mongo, **over) as parts:
        accepted = parts.submission("p1", right=3, seconds=9, submitted_at=now - timedelta(seconds=2))
        topic, key, value, headers = to_record(envelope(accepted))
        producer = AIOKafkaProducer(
            bootstrap_servers=kafka, transactional_id=parts.quiz_id, transaction_timeout_ms=2_000
        )
        await producer.start()
        try:
            async with producer.transaction():
                await producer.send_and_wait(topic, value, key, headers=headers)
        finally:
            await producer.stop()
        one = parts.closer(kafka)
        await one.close_due(datetime.now(UTC))
        assert not await is_closed(parts), "nothing is graded yet"
        async with consuming(kafka, subscriptions_of(parts.grading), parts.publisher):

            async def closed() -> bool:
                await one.close_due(datetime.now(UTC))
                return await is_closed(parts)

            await eventually(closed)
        assert await parts.stores.standings.count(parts.quiz_id) == 1


async def test_a_close_thaws_before_the_final_standings(kafka: str, mongo: str) -> None:
    now = datetime.now(UTC)
    over = {"closes_at": now - timedelta(seconds=1), "grace_seconds": 0, "duration_seconds": 600}
    async with new_parts(kafka, mongo, **over) as parts:
        await parts.freeze(now - timedelta(minutes=1))
        moment = now - timedelta(seconds=2)
        shown = parts.submission("p1", right=3, seconds=9, submitted_at=now - timedelta(minutes=2))
        held = [parts.submission(f"p{n}", right=5, seconds=n, submitted_at=moment) for n in range(2, 9)]
        # One that waits for its participant until the close is held by nothing either.
        waits = parts.submission("p9", right=1, seconds=9, submitted_at=moment, district=None)
        await parts.grading.grade_submissions(batch(shown, *held, waits))
        assert await parts.stores.standings.count(parts.quiz_id) == 1
        thaws_at = datetime.now(UTC)
        await asyncio.gather(*(parts.closer(kafka).close_due(thaws_at) for _ in range(3)))
        # Some processes do not know of the thaw yet: they would show final standings as frozen ones.
        record = await parts.stores.quizzes.read(parts.quiz_id)
        assert record is not None
        assert (record.status, record.frozen_at) == ("closing", None)
        known_at = thaws_at + timedelta(seconds=NOTICE_SECONDS)
        await parts.closer(kafka).close_due(known_at - timedelta(milliseconds=1))
        assert await parts.stores.standings.count(parts.quiz_id) == 1
        await asyncio.gather(*(parts.closer(kafka).close_due(known_at) for _ in range(3)))
        assert await is_closed(parts)
        await parts.freeze(datetime.now(UTC))
        record = await parts.stores.quizzes.read(parts.quiz_id)
        assert record is not None
        assert record.frozen_at is None, "final standings are everybody's"
        async with relaying(parts.stores.database, parts.publisher, owner="tests"):
            await eventually(lambda: closings(parts, kafka))
        (event,) = await closings(parts, kafka)
        assert event.participants == 9
        assert [one.participant_id for one in event.standings] == [f"p{n}" for n in range(2, 9)] + [
            "p1",
            "p9",
        ]


async def test_a_quiz_is_due_only_after_grace_and_settling(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, grace_seconds=5) as parts:
        patient = parts.closer(kafka, 15)
        over = parts.quiz.closes_at + timedelta(seconds=20)
        await patient.close_due(over)
        assert not await is_closed(parts)
        await patient.close_due(over + timedelta(milliseconds=1))
        assert await is_closed(parts)


async def test_one_quiz_that_cannot_close_keeps_no_other_open_and_health_is_good(
    kafka: str, mongo: str
) -> None:
    now = datetime.now(UTC)
    over = {"closes_at": now - timedelta(seconds=1), "grace_seconds": 0, "duration_seconds": 600}
    async with new_parts(kafka, mongo, **over) as parts:
        before = now - timedelta(minutes=1)
        await publish(parts.stores.quizzes, f"a-{parts.quiz_id}", parts.quiz, before)
        await publish(parts.stores.quizzes, f"z-{parts.quiz_id}", parts.quiz, before)
        versions = parts.stores.database["quiz_versions"]
        # Written by hand into the database, say.
        unreadable = {"$set": {"definition.title": "\n"}}
        await versions.update_one({"quiz_id": f"a-{parts.quiz_id}"}, unreadable)
        one = parts.closer(kafka)
        await one.close_due(datetime.now(UTC))
        found = await parts.stores.database["quizzes"].find({"status": "closed"}).to_list(None)
        assert {quiz["_id"] for quiz in found} == {parts.quiz_id, f"z-{parts.quiz_id}"}
        # Now it is the only one that is due. The process serves all other quizzes, so only a metric shows it.
        failed = _cannot_close()
        await one.turn()
        assert _cannot_close() == failed + 1
        for number in range(1, FAILING_MIN):
            await publish(parts.stores.quizzes, f"a{number}-{parts.quiz_id}", parts.quiz, before)
        await versions.update_many({"quiz_id": {"$regex": "^a[0-9]"}}, unreadable)
        # So many are no matter of one quiz.
        with pytest.raises(CloseError):
            await one.turn()


async def test_a_quiz_that_becomes_unreadable_after_it_was_read_says_the_same(kafka: str, mongo: str) -> None:
    now = datetime.now(UTC)
    over = {"closes_at": now - timedelta(seconds=1), "grace_seconds": 0, "duration_seconds": 600}
    async with new_parts(kafka, mongo, **over) as parts:
        # `new_parts` has read it.
        assert parts.catalogue.find(parts.quiz_id)
        await parts.stores.database["quiz_versions"].update_one(
            {"quiz_id": parts.quiz_id}, {"$set": {"definition.title": "\n"}}
        )
        failed = _cannot_close()
        await parts.closer(kafka).turn()
        assert _cannot_close() == failed + 1


def _cannot_close() -> float:
    labels = {"loop": "closing", "code": "other"}
    return REGISTRY.get_sample_value("kepu_loop_items_failed_total", labels) or 0.0


async def test_an_early_close_is_not_taken_back(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        now = datetime.now(UTC).replace(microsecond=0)
        await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now)
        await parts.stores.quizzes.begin_closing(parts.quiz_id, now, now + timedelta(minutes=1))
        record = await parts.stores.quizzes.read(parts.quiz_id)
        assert record is not None
        assert (record.status, record.closes_at) == ("closing", now)

        async def change(unit: UnitOfWork) -> None:
            await parts.stores.quizzes.add_version(
                unit, parts.quiz_id, parts.quiz, record.version, keep_earlier=False
            )

        with pytest.raises(ChangedError):
            await save_together(parts.stores.database, change)
