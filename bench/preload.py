"""
Puts submissions into the log before the clock runs, and watches how far a consumer group has committed.

The submissions are written inside one transaction of Kafka. Readers see none of them until it is committed:
then all of the work appears at one moment.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from uuid import uuid4

from confluent_kafka import Consumer, Producer, TopicPartition

from bench.contest import Contest
from bench.errors import BenchError
from shared.contracts.envelope import Context, to_headers
from shared.contracts.events import QuizSubmitted
from shared.contracts.traces import new_traceparent
from shared.messaging.publisher import Record

PARTITIONS = 12
ANSWER_SECONDS_MAX = 20.0
FLUSH_SECONDS_MAX = 60.0
TRANSACTION_MS_MAX = 60_000
LOOK_SECONDS = 0.05
POLL_EVERY = 1_000
QUEUED_MAX = 500_000


def _producer(kafka: str, transaction: str | None = None) -> Producer:
    settings: dict[str, str | int | float | bool] = {
        "bootstrap.servers": kafka,
        "compression.type": "zstd",
        "enable.idempotence": True,
        "linger.ms": 20,
        "batch.size": 262_144,
        "queue.buffering.max.messages": QUEUED_MAX,
        "log_level": 2,
    }
    if transaction:
        settings |= {"transactional.id": transaction, "transaction.timeout.ms": TRANSACTION_MS_MAX}
    return Producer(settings)


def submit(kafka: str, topic: str, contest: Contest, crowd: str, count: int) -> None:
    """Put the submissions of a crowd into a topic. Readers see each one immediately."""
    send(kafka, _submissions(topic, contest, crowd, count))


def send(kafka: str, records: Iterable[Record]) -> None:
    """Put records into the log. Readers see each one immediately."""
    producer = _producer(kafka)
    _produce(producer, records)
    _flush(producer)


@contextmanager
def hidden(kafka: str, topic: str, contest: Contest, crowd: str, count: int) -> Iterator[Callable[[], None]]:
    """Put the submissions of a crowd into a topic. Readers see them once the yielded function is called."""
    with hidden_records(kafka, _submissions(topic, contest, crowd, count)) as show:
        yield show


@contextmanager
def hidden_records(kafka: str, records: Iterable[Record]) -> Iterator[Callable[[], None]]:
    """Put records into the log. Readers see them once the yielded function is called."""
    producer = _producer(kafka, f"bench-{uuid4()}")
    producer.init_transactions(ANSWER_SECONDS_MAX)
    producer.begin_transaction()
    shown = False
    try:
        _produce(producer, records)
        _flush(producer)

        def show() -> None:
            nonlocal shown
            producer.commit_transaction(ANSWER_SECONDS_MAX)
            shown = True

        yield show
    finally:
        if not shown:
            producer.abort_transaction(ANSWER_SECONDS_MAX)


def _submissions(topic: str, contest: Contest, crowd: str, count: int) -> Iterator[Record]:
    submitted_at = datetime.now(UTC)
    for sheet in contest.sheets(crowd, count):
        receipt = str(uuid4())
        context = Context(
            id=receipt,
            source="kepu/quiz",
            type=QuizSubmitted.type,
            time=submitted_at,
            subject=sheet.attempt_id,
            correlation_id=receipt,
            traceparent=new_traceparent(),
        )
        yield topic, sheet.attempt_id.encode(), contest.record(sheet, submitted_at), to_headers(context)


def _produce(producer: Producer, records: Iterable[Record]) -> None:
    for number, (topic, key, value, headers) in enumerate(records):
        producer.produce(topic, key=key, value=value, headers=list(headers))
        if number % POLL_EVERY == 0:
            producer.poll(0)


def _flush(producer: Producer) -> None:
    if left := producer.flush(FLUSH_SECONDS_MAX):
        raise BenchError(
            f"Kafka did not acknowledge {left} records in {FLUSH_SECONDS_MAX:.0f} s: see its log (--keep)"
        )


@dataclass(slots=True)
class Commits:
    """How far a group has committed, over time. The end of a transaction takes an offset too."""

    kafka: str
    group: str
    topic: str
    partitions: int = PARTITIONS
    seen: list[tuple[float, int]] = field(default_factory=list)
    _consumer: Consumer | None = None

    def look(self) -> int:
        """Note, and return, the sum of the group's committed offsets now."""
        found = self._of_group().committed(self._places(), timeout=ANSWER_SECONDS_MAX)
        total = sum(max(0, place.offset) for place in found)
        self.seen.append((time.monotonic(), total))
        return total

    def end(self) -> int:
        """The sum of the end offsets of the topic's partitions."""
        consumer = self._of_group()
        marks = [consumer.get_watermark_offsets(p, timeout=ANSWER_SECONDS_MAX) for p in self._places()]
        return sum(high for _, high in marks)

    def wait_for(self, total: int, check: Callable[[], None], seconds: float) -> bool:
        """Look until the group has committed so much, or the time is over. Returns whether it has."""
        deadline = time.monotonic() + seconds
        while self.look() < total:
            check()
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def stretch(self, since: float) -> tuple[float, float, int]:
        """The times of the first and last commit after a moment, and how many events lie between them."""
        later = [(at, total) for at, total in self.seen if at >= since]
        steps = [(at, total) for (_, before), (at, total) in pairwise(later) if total > before]
        if len(steps) < 2:
            raise BenchError(
                f"group {self.group} committed {len(steps)} times, so there is no rate: give it more events"
            )
        return steps[0][0], steps[-1][0], steps[-1][1] - steps[0][1]

    def close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()

    def _places(self) -> list[TopicPartition]:
        return [TopicPartition(self.topic, number) for number in range(self.partitions)]

    def _of_group(self) -> Consumer:
        if self._consumer is None:
            self._consumer = Consumer(
                {
                    "bootstrap.servers": self.kafka,
                    "group.id": self.group,
                    "enable.auto.commit": False,
                    # Otherwise the end offset may not yet include a transaction that was just committed.
                    "isolation.level": "read_uncommitted",
                }
            )
        return self._consumer
