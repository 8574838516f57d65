"""Kafka and MongoDB killed in the middle: nothing acknowledged is lost, all goes on without a restart."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from ops.stack import Stack
from shared.contracts.envelope import Envelope, Event
from shared.messaging.consumer import Consumer
from shared.messaging.consuming import consuming
from shared.messaging.policy import ConsumerPolicy
from shared.messaging.publisher import Publisher, publishing
from shared.messaging.received import Batch, Following, Subscription
from shared.runtime.errors import Unavailable
from shared.runtime.settings import Settings
from shared.storage.mongo import Database, Session, connect, in_transaction, insert_new, outages_named, ping
from shared.storage.outbox import append, relaying
from shared.web.app import create_app
from shared.web.starting import Parts
from shared.web.tokens import new_key_pair
from tests.support.kafka import Said, committed, dead_topic_of, new_contract, read_all, readers_of, said
from tests.support.servers import own_stack
from tests.support.service import serves
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

OUTAGE_SECONDS = 1.5
TRANSACTION_SECONDS = 2.0
RECOVERED_SECONDS = 30.0


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A stack that nobody else uses, since it is killed."""
    with own_stack() as stack:
        yield stack


class Service:
    """A small service: an outbox that tells of what is asked, a consumer that writes what it hears."""

    def __init__(self, contract: type[Said], database: Database, publisher: Publisher) -> None:
        self.contract = contract
        self.database = database
        self.publisher = publisher
        self.consumer: Consumer
        self.http: httpx.AsyncClient
        self.published: set[int] = set()
        self.refused = 0

    async def hear(self, batch: Batch[Said]) -> Following:
        with outages_named():
            await insert_new(self.database["heard"], [{"_id": received.event.number} for received in batch])
        return []

    async def heard(self) -> set[int]:
        return {document["_id"] async for document in self.database["heard"].find()}

    async def publish(self, number: int) -> None:
        try:
            await self.publisher.publish([self.saying(number)])
            self.published.add(number)
        except Unavailable:
            self.refused += 1

    async def tell(self, number: int) -> None:
        async def work(session: Session) -> None:
            await append(self.database, session, [self.saying(number)])

        try:
            await in_transaction(self.database, work, timeout_seconds=TRANSACTION_SECONDS)
            self.published.add(number)
        except Unavailable:
            self.refused += 1

    def saying(self, number: int) -> Envelope[Event]:
        return said(self.contract, number, who=f"p-{number % 7}")

    async def health(self) -> tuple[int, dict[str, str]]:
        answer = await self.http.get("/health")
        return answer.status_code, answer.json()["checks"]

    async def all_heard(self) -> bool:
        return await self.heard() >= self.published


@asynccontextmanager
async def service(own: Stack, contract: type[Said] | None = None) -> AsyncIterator[Service]:
    contract = contract or await new_contract(own.kafka, partitions=4)
    holder: list[Service] = []

    async def lifespan(app: FastAPI, stack: AsyncExitStack) -> Parts:
        database = await stack.enter_async_context(connect(own.mongo, contract.topic))
        publisher = await stack.enter_async_context(publishing(own.kafka, "test"))
        found = Service(contract, database, publisher)
        subscription = Subscription(readers_of(contract), [contract], found.hear, codes=())
        [found.consumer] = await stack.enter_async_context(
            consuming(own.kafka, [subscription], publisher, policy=ConsumerPolicy(retry_seconds=0.02))
        )
        relay = await stack.enter_async_context(relaying(database, publisher, owner="test"))
        holder.append(found)

        async def mongo() -> str | None:
            await ping(database)
            return None

        async def kafka() -> str | None:
            await publisher.ping()
            return None

        async def consumer() -> str | None:
            return found.consumer.problem()

        return Parts({"mongo": mongo, "kafka": kafka, "consumer": consumer, "outbox": relay.check})

    settings = Settings(organiser_key=SecretStr("k" * 16), token_public_key=new_key_pair()[1])
    app = create_app("test", title="Test", description="A test.", settings=settings, lifespan=lifespan)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http,
    ):
        await serves(app)
        holder[0].http = http
        yield holder[0]


def senders() -> int:
    """How many producers of aiokafka live."""
    names = (getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks())
    return sum(name == "Sender._sender_routine" for name in names)


async def well(running: Service) -> bool:
    status, _ = await running.health()
    return status == 200


async def test_kafka_killed_and_back_loses_nothing_acknowledged_and_needs_no_restart(own: Stack) -> None:
    async with service(own) as running:
        await eventually(lambda: well(running))
        before = senders()
        assert before > 0
        until = time.monotonic() + OUTAGE_SECONDS + 1

        async def load() -> None:
            number = 0
            while time.monotonic() < until:
                await asyncio.gather(running.publish(number), running.tell(number + 1))
                number += 2
                await asyncio.sleep(0.01)

        loading = asyncio.create_task(load())
        await eventually(lambda: len(running.published) > 20)
        await asyncio.to_thread(own.kill, "kafka")
        await asyncio.sleep(OUTAGE_SECONDS)
        status, checks = await running.health()
        assert status == 503
        assert "Kafka does not answer" in checks["kafka"]
        await loading
        await asyncio.to_thread(own.start, "kafka")
        await eventually(lambda: well(running), seconds=RECOVERED_SECONDS)
        await running.publish(1_000_000)
        assert 1_000_000 in running.published
        await eventually(running.all_heard, seconds=RECOVERED_SECONDS)
        assert running.refused > 0

        async def caught_up() -> bool:
            offsets = await committed(own.kafka, readers_of(running.contract), running.contract.topic)
            return sum(offsets.values()) == len(await read_all(own.kafka, running.contract.topic))

        await eventually(caught_up)
        assert await read_all(own.kafka, dead_topic_of(running.contract)) == []
        # Producers that were given up are gone, with what they had yet to send.
        await eventually(lambda: senders() == before)


async def test_mongod_killed_and_back_is_an_outage_and_blames_no_event(own: Stack) -> None:
    async with service(own) as running:
        await eventually(lambda: well(running))
        for number in range(20):
            await running.tell(number)
        await eventually(running.all_heard)
        await asyncio.to_thread(own.kill, "mongo")
        for number in range(20, 30):
            await running.publish(number)
        (status, checks), refused, _ = await asyncio.gather(
            running.health(),
            asyncio.gather(insert_new(running.database["x"], [{"_id": 1}]), return_exceptions=True),
            running.tell(99),
        )
        assert [type(error) for error in refused] == [Unavailable]
        assert running.refused == 1
        assert status == 503
        assert "MongoDB does not answer" in checks["mongo"]
        await eventually(lambda: "MongoDB does not answer" in str(running.consumer.problem()))
        await asyncio.to_thread(own.start, "mongo")

        async def all_notified() -> bool:
            await running.tell(100)
            return 100 in running.published

        await eventually(all_notified)
        await eventually(running.all_heard, seconds=RECOVERED_SECONDS)
        await eventually(lambda: well(running), seconds=RECOVERED_SECONDS)
        assert await read_all(own.kafka, dead_topic_of(running.contract)) == []


async def test_service_started_before_kafka_answers_at_once_and_works_when_kafka_is_there(own: Stack) -> None:
    contract = await new_contract(own.kafka, partitions=4)
    await asyncio.to_thread(own.kill, "kafka")
    back = False
    try:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(5):
                running = await stack.enter_async_context(service(own, contract))
                status, checks = await running.health()
            assert (status, checks["consumer"]) == (503, "not running: it waits for Kafka")
            # Told while Kafka is away, heard when it is there.
            await running.tell(1)
            await asyncio.to_thread(own.start, "kafka")
            back = True
            await eventually(lambda: well(running), seconds=RECOVERED_SECONDS)
            await eventually(running.all_heard, seconds=RECOVERED_SECONDS)
    finally:
        if not back:
            await asyncio.to_thread(own.start, "kafka")


async def test_service_that_waits_for_kafka_stops_when_it_is_told_to(own: Stack) -> None:
    contract = await new_contract(own.kafka)
    await asyncio.to_thread(own.kill, "kafka")
    try:
        async with asyncio.timeout(10):
            async with service(own, contract):
                await asyncio.sleep(0)
    finally:
        await asyncio.to_thread(own.start, "kafka")
