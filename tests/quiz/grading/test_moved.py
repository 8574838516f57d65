"""Of two submissions of an attempt in two partitions, the first one counts, whichever is graded first."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from services.quiz.attempts.submission import Submission, decode
from services.quiz.grading.moved import Moved, in_order, may_be_in
from shared.contracts.envelope import from_headers
from shared.contracts.partitioning import partition_of
from shared.contracts.topics import Topic
from shared.messaging.create_topics import add_partitions, create_missing
from shared.messaging.publisher import publishing, to_record
from shared.messaging.received import Batch, Raw, Received
from tests.quiz.builders import envelope
from tests.quiz.parts import Grading, Parts, new_parts, results_in
from tests.support.waiting import eventually

BEFORE, AFTER = 2, 4


def test_a_key_may_be_where_it_was_with_fewer_partitions() -> None:
    key = b"an attempt"
    assert may_be_in(key, 12, 12) == {partition_of(key, 12)}
    assert may_be_in(key, 12, 50) == {partition_of(key, count) for count in (12, 24, 48)}


def test_the_order_is_by_time_and_in_a_partition_by_offset() -> None:
    # The broker that took over partition 1 has a clock that is behind.
    places = [(1, 0, 30), (1, 1, 20), (0, 0, 25), (0, 1, 40)]
    ordered = in_order([_at(*place) for place in reversed(places)])
    found = [(one.record.partition, one.record.offset) for one in ordered]
    assert found == [(0, 0), (1, 0), (1, 1), (0, 1)]


@pytest.mark.stack
async def test_a_submission_from_before_the_change_counts_though_a_later_one_is_graded_first(
    kafka: str, mongo: str
) -> None:
    async with _grown(kafka, mongo) as grown:
        first, second = grown.two_of_one_attempt()
        await grown.write(first)
        await grown.add_partitions()
        await grown.write(second)
        before, after = await grown.read()
        assert (before.record.partition < BEFORE, after.record.partition >= BEFORE) == (True, True)
        told = await grown.graded(after)
        assert [event.score_percent for _, event in told] == [20]
        # The worker of the old partition tells the same again.
        assert await grown.graded(before) == told
        assert await grown.graded(after) == told


@pytest.mark.stack
async def test_a_sender_that_does_not_know_of_the_change_yet_is_no_sooner_by_that(
    kafka: str, mongo: str
) -> None:
    async with _grown(kafka, mongo) as grown:
        first, second = grown.two_of_one_attempt()
        await grown.add_partitions()
        await grown.write(first)
        await grown.write_as_before(second)
        in_old, in_new = await grown.read()
        assert (in_old.event.answers, in_new.event.answers) == (second.answers, first.answers)
        told = await grown.graded(in_old)
        assert [event.score_percent for _, event in told] == [20]
        assert await grown.graded(in_new) == told


@pytest.mark.stack
async def test_a_result_that_was_published_before_the_change_stays(kafka: str, mongo: str) -> None:
    async with _grown(kafka, mongo) as grown:
        first, second = grown.two_of_one_attempt()
        await grown.write(first)
        [before] = await grown.read()
        told = await grown.graded(before)
        await grown.add_partitions()
        await grown.write(second)
        _, after = await grown.read()
        assert await grown.graded(after) == told
        result = (await grown.parts.stores.results.of_attempts([first.attempt_id]))[first.attempt_id]
        assert (result.submission_id, result.score_percent) == (before.context.id, 20)


@pytest.mark.stack
async def test_the_topic_may_be_doubled_again(kafka: str, mongo: str) -> None:
    async with _grown(kafka, mongo) as grown:
        # Somebody else's is in a new partition long before the second change.
        other, _ = grown.two_of_one_attempt()
        await grown.add_partitions()
        await grown.write(other)
        first, second = grown.two_of_one_attempt(before=AFTER)
        await grown.write(first)
        await grown.add_partitions(before=AFTER)
        await grown.write(second)
        found = {
            (one.event.attempt_id, one.event.answers == second.answers): one for one in await grown.read()
        }
        earlier, later = found[first.attempt_id, False], found[first.attempt_id, True]
        assert (earlier.record.partition < AFTER, later.record.partition >= AFTER) == (True, True)
        told = await grown.graded(later)
        assert [event.score_percent for _, event in told] == [20]
        assert await grown.graded(earlier) == told


@pytest.mark.stack
async def test_what_can_never_count_gives_way_and_only_its_own_batch_dead_letters_it(
    kafka: str, mongo: str
) -> None:
    async with _grown(kafka, mongo) as grown:
        _, good = grown.two_of_one_attempt()
        bad = msgspec.structs.replace(good, **_FOREIGN)
        await grown.write(bad)
        await grown.add_partitions()
        await grown.write(good)
        _, after = await grown.read()
        one: Batch[Submission] = Batch([after])
        told = results_in(await grown.grading.grade_submissions(one))
        assert [event.score_percent for _, event in told] == [100]
        assert one.rejected == []


@pytest.mark.stack
async def test_of_both_in_one_batch_the_first_counts_and_a_bad_one_is_refused_once(
    kafka: str, mongo: str
) -> None:
    async with _grown(kafka, mongo) as grown:
        first, second = grown.two_of_one_attempt()
        bad = msgspec.structs.replace(first, **_FOREIGN)
        await grown.write(bad)
        await grown.write(first)
        await grown.add_partitions()
        await grown.write(second)
        *before, after = await grown.read()
        one: Batch[Submission] = Batch([after, *before])
        told = results_in(await grown.grading.grade_submissions(one))
        assert [event.score_percent for _, event in told] == [20]
        assert [dead.why.code for dead in one.rejected] == ["question_unknown"]


_FOREIGN: dict[str, Any] = {"answers": {"q99": "A"}}


@dataclass
class Grown:
    """A topic of submissions that gets more partitions, and a process that grades."""

    parts: Parts
    grading: Grading
    kafka: str
    topic: Topic

    def two_of_one_attempt(self, before: int = BEFORE) -> tuple[Submission, Submission]:
        """Of an attempt that is moved if partitions are doubled: one right answer, then five."""
        while True:
            first = self.parts.submission(who := str(uuid4()), right=1)
            if len(may_be_in(first.attempt_id.encode(), before, 2 * before)) > 1:
                return first, self.parts.submission(who, right=5)

    async def add_partitions(self, before: int = BEFORE) -> None:
        """Double them."""
        assert await add_partitions(self.kafka, self.topic.name, 2 * before, self.topic) == before
        # Brokers tell of it a moment later.
        await eventually(self._count, lambda count: count == 2 * before)

    async def write(self, sent: Submission) -> None:
        """As a sender that has just started."""
        _, key, value, headers = to_record(
            envelope(sent, nth=sum(letter == "A" for letter in sent.answers.values()))
        )
        async with publishing(self.kafka, "tests") as publisher:
            await publisher.write([(self.topic.name, key, value, headers)])

    async def write_as_before(self, sent: Submission) -> None:
        """As a sender that does not know of the change."""
        _, key, value, headers = to_record(envelope(sent))
        assert key is not None
        async with AIOKafkaProducer(bootstrap_servers=self.kafka, acks="all") as producer:
            place = partition_of(key, BEFORE)
            await producer.send_and_wait(self.topic.name, value, key, partition=place, headers=headers)

    async def read(self) -> list[Received[Submission]]:
        """Everything in the topic, by partition."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka)
        await consumer.start()
        try:
            there = [TopicPartition(self.topic.name, number) for number in range(await self._count())]
            ends = await consumer.end_offsets(there)
            found = []
            for place in there:
                consumer.assign([place])
                consumer.seek(place, 0)
                while await consumer.position(place) < ends[place]:
                    found += (await consumer.getmany(place, timeout_ms=1_000)).get(place, [])
        finally:
            await consumer.stop()
        return [_received(record) for record in found]

    async def _count(self) -> int:
        async with publishing(self.kafka, "tests") as publisher:
            return await publisher.partitions_of(self.topic.name)

    async def graded(self, one: Received[Submission]) -> list[Any]:
        """What is told after a batch with only this submission."""
        return results_in(await self.grading.grade_submissions(Batch([one])))


@asynccontextmanager
async def _grown(kafka: str, mongo: str) -> AsyncIterator[Grown]:
    topic = Topic(f"submitted-{uuid4().hex[:12]}", (), partitions=BEFORE)
    await create_missing(kafka, wanted=[topic])

    async def partitions(name: str) -> int:
        # Anew each time: a process knows of more partitions after some seconds.
        async with publishing(kafka, "tests") as publisher:
            return await publisher.partitions_of(name)

    async with new_parts(kafka, mongo) as parts:
        moved = Moved(kafka, partitions, topic=topic.name, group=topic.name, declared_partitions=BEFORE)
        grading = Grading(parts.stores, parts.catalogue, parts.publisher, moved=moved)
        yield Grown(parts, grading, kafka, topic)


def _received(record: Raw) -> Received[Submission]:
    def appended_at() -> datetime:
        return datetime.fromtimestamp(record.timestamp / 1000, UTC)

    context = from_headers(record.headers, appended_at=appended_at, key=record.key)
    return Received(decode([record.value or b""])[0], context, record)


def _at(partition: int, offset: int, time_ms: int) -> Any:
    record = ConsumerRecord("t", partition, offset, time_ms, 1, b"k", b"{}", None, 1, 2, ())
    return Received(None, None, record)  # type: ignore[arg-type]
