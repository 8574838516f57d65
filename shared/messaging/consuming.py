"""Run the consumers of a process: start them (also while Kafka is down), watch them, stop them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from shared.messaging import disks, observation, waiting_letters
from shared.messaging.buried import Decisions
from shared.messaging.connection import Kafka, broker_arguments
from shared.messaging.consumer import Consumer
from shared.messaging.disks import Disks
from shared.messaging.observation import Lag, Running
from shared.messaging.offsets import Offsets
from shared.messaging.policy import ConsumerPolicy
from shared.messaging.publisher import METADATA_SECONDS_MAX, Publisher
from shared.messaging.received import Subscription
from shared.messaging.waiting_letters import WaitingLetters
from shared.runtime.background import Loop, looping
from shared.runtime.errors import Unavailable

log = logging.getLogger(__name__)

# Between two tries to start, while Kafka is away.
START_RETRY_SECONDS_MAX = 2.0
# At the end, for a batch that is under way: a batch takes less, unless a server is away. And for everything.
BATCH_SECONDS_MAX = 5.0
STOP_SECONDS_MAX = 8.0
# After the start the loop has nothing more to do.
STARTED_REST_SECONDS = 3_600.0


@asynccontextmanager
async def consuming(
    kafka: Kafka,
    subscriptions: Sequence[Subscription],
    publisher: Publisher,
    *,
    instance: str = "",
    policy: ConsumerPolicy | None = None,
) -> AsyncIterator[list[Consumer]]:
    """
    Run a consumer for each subscription until the end of the block.

    The consumers start in the background. While Kafka is away, their health checks say so, and the service
    still answers.
    """
    policy = policy or ConsumerPolicy()
    broker = KafkaBroker(
        **broker_arguments(kafka),
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        # New partitions of a topic are read from within this time.
        metadata_max_age_ms=METADATA_SECONDS_MAX * 1000,
        apply_types=False,
        graceful_timeout=BATCH_SECONDS_MAX,
        # FastStream logs each start and stop. This logger lets only its errors through.
        logger=logging.getLogger("kepu.faststream"),
    )
    consumers = [Consumer(kafka, subscription, publisher, policy) for subscription in subscriptions]
    for consumer in consumers:
        consumer.subscribe(broker, instance)
    offsets = Offsets(publisher)
    running = Running(consumers, seconds=policy.observe_seconds)
    lag = Lag(offsets, consumers, seconds=policy.lag_seconds)
    letters = WaitingLetters(offsets, Decisions(kafka), consumers, seconds=policy.letters_seconds)
    starting = Loop(
        "consumers started",
        lambda: _start(broker, publisher),
        retry_seconds_max=START_RETRY_SECONDS_MAX,
    )
    try:
        async with looping(
            starting,
            Loop(observation.LOOP, running.turn),
            Loop(observation.LAG_LOOP, lag.turn, retry_seconds_max=policy.lag_seconds),
            Loop(waiting_letters.LOOP, letters.turn),
            Loop(disks.LOOP, Disks(publisher).turn),
        ):
            yield consumers
    finally:
        await _stop(broker, consumers)


async def _stop(broker: KafkaBroker, consumers: Sequence[Consumer]) -> None:
    """End all consumers at the same time. Each finishes its present batch first, and leaves its group."""
    try:
        async with asyncio.timeout(STOP_SECONDS_MAX):
            await asyncio.gather(*[consumer.close() for consumer in consumers])
            await broker.stop()
    except TimeoutError:
        # Nothing is lost: what is not committed is handled again.
        log.warning("consumers end before they have left their groups")


async def _start(broker: KafkaBroker, publisher: Publisher) -> float:
    if not broker.running:
        # First a ping that fails fast: each consumer that starts without Kafka logs a line every second.
        await publisher.start()
        try:
            await broker.start()
        except Exception as error:
            # Some consumers may have started, and the next try would start them a second time.
            with suppress(KafkaError, ExceptionGroup):
                await broker.stop()
            if isinstance(error, KafkaError):
                raise Unavailable(f"Kafka does not answer: {type(error).__name__}") from error
            raise
    return STARTED_REST_SECONDS
