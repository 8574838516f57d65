"""
A consumer of one group: poll, decode, settle, write dead letters, commit, in this order.

After a crash at any step the batch is repeated. A repeat does no harm, because ids are computed from causes
(docs/decisions/0003-batches.md). Each step has a module of its own: `reading`, `decoding`, `settling` and
`dead_letters`; `policy` has the numbers.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from shared.contracts.topics import dead_letters
from shared.messaging.buried import Buried
from shared.messaging.connection import Kafka
from shared.messaging.dead_letters import named, write_dead_letters
from shared.messaging.decoding import DecoderFails, Decoding
from shared.messaging.fetched import FETCH_BYTES_MAX, PARTITION_FETCH_BYTES_MAX
from shared.messaging.handled_spans import record_handled
from shared.messaging.membership import GIVES_WAY
from shared.messaging.policy import BURIED, CODES_BEFORE_HANDLING, HANDLER_FAILED, ConsumerPolicy
from shared.messaging.publisher import Publisher
from shared.messaging.reading import Reading, Stuck
from shared.messaging.received import Dead, GivenUp, Raw, Received, Subscription
from shared.messaging.redriven import FirstPlaces
from shared.messaging.settling import RETRY_REASONS, HandlerFails, Settling
from shared.runtime import metrics, tracing
from shared.runtime.background import backoff_seconds
from shared.runtime.declared import observe_all

log = logging.getLogger(__name__)

# An older event counts as this old.
AGE_SECONDS_MAX = 86_400.0
WHAT_TO_DO = (
    "find its cause in the log, fix it and start this process again: it repeats the batch, nothing is lost"
)


class Consumer:
    """
    One group's consumer in this process.

    Attributes:
        stopped: why it has stopped until the process is started again, or None.
        topics: the names of the topics that it reads.
    """

    def __init__(
        self,
        kafka: Kafka,
        subscription: Subscription,
        publisher: Publisher,
        policy: ConsumerPolicy | None = None,
    ) -> None:
        self.group = subscription.group
        self.stopped: str | None = None
        self._policy = policy = policy or ConsumerPolicy()
        self.topics = tuple(contract.topic for contract in subscription.contracts)
        self._gather_ms = subscription.gather_ms
        self._publisher = publisher
        self._decoding = Decoding(subscription, policy)
        self._first_places = FirstPlaces(kafka)
        self._given_up = subscription.given_up
        self._settling = Settling(subscription, publisher, policy, Buried(kafka))
        self._reading = Reading(self.group, policy, gather_ms=subscription.gather_ms)
        self._ending: asyncio.Task[None] | None = None
        self._paused: str | None = None
        self._oldest_at: float | None = None
        self._subscriber: Any = None
        self._count_from_zero(subscription)

    def _count_from_zero(self, subscription: Subscription) -> None:
        """Make all counters with 0. So Prometheus sees the first failure as an increase."""
        group = [self.group]
        codes = (*CODES_BEFORE_HANDLING, HANDLER_FAILED, BURIED, *subscription.codes)
        metrics.CONSUMED.begin(self.topics, group)
        metrics.DEAD_LETTERED.begin(self.topics, group, codes)
        metrics.PUBLISHED.begin([dead_letters(topic, self.group) for topic in self.topics])
        metrics.RETRIES.begin(group, RETRY_REASONS)
        metrics.EVENT_AGE.begin(self.topics, group)
        metrics.CONSUME_SECONDS.begin(group)
        metrics.BATCH_EVENTS.begin(group)
        metrics.CONSUMER_RUNNING.begin(group)
        metrics.OLDEST_AGE.begin(group)
        metrics.OLDEST_AGE.labels(self.group).set_function(
            lambda: time.time() - self._oldest_at if self._oldest_at else 0.0
        )

    @property
    def kafka_consumer(self) -> Any:
        """aiokafka's consumer, or None while there is none."""
        return self._subscriber.consumer if self._subscriber else None

    def subscribe(self, broker: KafkaBroker, instance: str = "") -> None:
        """Register with the broker before it starts. `instance` names this process for static membership."""
        codec: Any = _AsTheyCame()
        policy = self._policy
        self._subscriber = broker.subscriber(
            *self.topics,
            group_id=self.group,
            group_instance_id=f"{self.group}-{instance}" if instance else None,
            batch=True,
            max_records=policy.batch_events_max,
            fetch_min_bytes=policy.fetch_bytes_min,
            fetch_max_bytes=FETCH_BYTES_MAX,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES_MAX,
            fetch_max_wait_ms=self._gather_ms,
            auto_offset_reset="earliest",
            # Records of a transaction that another system has aborted are skipped.
            isolation_level="read_committed",
            ack_policy=AckPolicy.MANUAL,
            session_timeout_ms=int(policy.session_seconds * 1000),
            heartbeat_interval_ms=int(policy.heartbeat_seconds * 1000),
            max_poll_interval_ms=int(policy.handling_seconds_max * 1000),
            parser=self._parse,
            codec=codec,
        )
        # FastStream's own poll sleeps after each empty one, and ends at a record that it cannot read.
        self._subscriber.get_msg = self._poll
        self._subscriber(self._consume)

    async def _poll(self, consumer: Any) -> list[Raw]:
        try:
            return await self._reading.poll(consumer)
        except Stuck as error:
            self._pause(f"Kafka cannot be read: {error}", seconds=0)
            return []

    async def _parse(self, records: Any) -> KafkaMessage:
        # FastStream's own parser decodes headers and drops a batch that it cannot decode.
        return KafkaMessage(body=records, raw_message=records, consumer=self.kafka_consumer, headers={})

    async def _consume(self, records: list[Raw]) -> None:
        try:
            await self._work(records)
        except (HandlerFails, DecoderFails) as error:
            self._stop(f"{error}; {WHAT_TO_DO}")
        except Exception as error:
            # FastStream would skip the batch in silence, so repeat it instead. /health shows only the type of
            # the error: anybody may read it, and the text of an error may contain personal data.
            log.exception("batch cannot be settled", extra={"group": self.group, **named(records[0])})
            self._pause(type(error).__name__, seconds=self._policy.pause_seconds)
        finally:
            # FastStream's message is part of a cycle of references. Without this, it would hold the batch in
            # memory until the garbage collector runs.
            records.clear()

    async def _work(self, records: Sequence[Raw]) -> None:
        started = time.perf_counter()
        good, dead = await self._decoding.decode(records)
        self._oldest_at = min((one.record.timestamp for one in good), default=0) / 1000 or None
        timed = await self._settling.until_available(lambda: self._first_places.restore(good))
        dead += await self._settling.settle(timed)
        # Commit only after the dead letters are stored: a crash here repeats the batch and loses nothing.
        await self._settling.until_available(lambda: write_dead_letters(self._publisher, dead, self.group))
        if dead and self._given_up is not None:
            await self._tell(self._given_up, dead)
        if await self._reading.commit(self.kafka_consumer):
            for topic, count in Counter(record.topic for record in records).items():
                metrics.CONSUMED.labels(topic, self.group).inc(count)
            self._show_ages(timed)
        self._oldest_at = None
        seconds = time.perf_counter() - started
        if tracing.recorder is not None:
            began_ns = time.time_ns() - int(seconds * 1e9)
            record_handled(tracing.recorder, self.group, timed, dead, began_ns)
        metrics.CONSUME_SECONDS.labels(self.group).observe(seconds)
        metrics.BATCH_EVENTS.labels(self.group).observe(len(records))

    async def _tell(self, given_up: GivenUp, dead: Sequence[Dead]) -> None:
        try:
            await self._settling.until_available(lambda: given_up(dead))
        except Exception:
            # The dead letters are written. An error here must not repeat the batch for ever.
            log.exception("what was dead-lettered is not told", extra={"group": self.group})

    def _show_ages(self, events: Sequence[Received[Any]]) -> None:
        """Show how long the events took from their cause until now, when they are committed."""
        now = time.time()
        ages: dict[str, list[float]] = {}
        for one in events:
            context = one.context
            # What was sent again has waited for people.
            if context.redriven_from is None:
                age = now - context.time.timestamp()
                # The clock of another system may say anything.
                ages.setdefault(one.record.topic, []).append(min(max(age, 0.0), AGE_SECONDS_MAX))
        for topic, seconds in ages.items():
            observe_all(metrics.EVENT_AGE.labels(topic, self.group), seconds)

    def _stop(self, why: str) -> None:
        self.stopped = why
        log.error(
            "consumer stopped; nothing of the batch is committed", extra={"group": self.group, "reason": why}
        )
        self._end_polling(self._subscriber.stop())

    def _pause(self, why: str, *, seconds: float) -> None:
        self._paused = f"{why}; starts again by itself"
        log.error(
            "consumer starts again; nothing of the batch is committed",
            extra={"group": self.group, "reason": why},
        )
        self._end_polling(self._start_again(seconds))

    def _end_polling(self, then: Coroutine[Any, Any, None]) -> None:
        # The commit after a later poll would commit this batch too. `stop` of the subscriber waits until the
        # task that runs this code ends, so another task has to call it.
        self._subscriber.running = False
        self._ending = asyncio.create_task(then)

    async def _start_again(self, seconds: float) -> None:
        policy, failures = self._policy, 0
        await self._stop_subscriber()
        await asyncio.sleep(seconds)
        while True:
            try:
                await self._subscriber.start()
            except KafkaError as error:
                failures += 1
                self._paused = f"Kafka does not answer: {type(error).__name__}"
                await self._stop_subscriber()
                await asyncio.sleep(backoff_seconds(failures, policy.retry_seconds, policy.retry_seconds_max))
            else:
                self._paused = None
                return

    async def _stop_subscriber(self) -> None:
        with suppress(KafkaError):
            await self._subscriber.stop()
        self._reading.begin_anew()

    async def close(self) -> None:
        """End: finish the present batch, and leave the group."""
        if self._ending is not None:
            self._ending.cancel()
            with suppress(asyncio.CancelledError):
                await self._ending
        if self._subscriber is not None:
            await self._stop_subscriber()

    def problem(self) -> str | None:
        """Why this consumer does not work, or None while it does."""
        if why := self.stopped or self._paused or self._settling.outage or self._reading.outage:
            return why
        consumer = self.kafka_consumer
        if consumer is None or all(task.done() for task in self._subscriber.tasks):
            return "not running: it waits for Kafka"
        # The coordinator is None while the consumer starts. Later it is our class
        # (shared/messaging/membership.py).
        if getattr(consumer._coordinator, "gives_way", False):  # noqa: SLF001
            return GIVES_WAY
        for partition in consumer.assignment():
            polled_ms = consumer.last_poll_timestamp(partition) or 0
            silence_seconds = time.time() - polled_ms / 1000
            if polled_ms > 0 and silence_seconds > self._policy.silence_seconds_max:
                return f"no answer to a poll of {partition.topic} for {silence_seconds:.0f} s"
        return None

    async def check(self) -> str | None:
        """`problem`, as a health check."""
        return self.problem()


class _AsTheyCame:
    """Leaves records undecoded, so that `decoding` can check each one separately."""

    async def decode_batch(self, msg: KafkaMessage) -> Any:
        return msg.body

    async def decode(self, msg: KafkaMessage) -> Any:
        return msg.body

    async def encode(self, msg: Any, *_: Any, **__: Any) -> Any:
        return msg

    async def encode_batch(self, msgs: Any, *_: Any, **__: Any) -> Any:
        return msgs
