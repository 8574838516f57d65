"""Workers of quiz come and go under load: nothing acknowledged is lost, and no partition waits for long."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from ops.stack import Stack
from services.quiz.attempts.submission import Submission
from shared.contracts.events import QuizCompleted, QuizSubmitted
from tests.incidents.environments import environment_of
from tests.quiz.builders import envelope
from tests.quiz.parts import Parts, new_parts
from tests.support.kafka import read_all
from tests.support.killing import Killable
from tests.support.servers import own_stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.own_servers]

GROUP = "quiz-grading"
IDLE_SECONDS_MAX = 3.0
STOP_SECONDS_MAX = 15.0
# With 12 partitions, each of them gets one every half a second or so.
SENT_AT_ONCE = 12
REST_SECONDS = 0.2

_read = msgspec.json.Decoder().decode


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A stack that nobody else uses: its workers are of one group."""
    with own_stack() as stack:
        yield stack


class Workers:
    """Workers of one database, and submissions that are sent meanwhile."""

    def __init__(self, own: Stack, parts: Parts) -> None:
        self._own, self._parts = own, parts
        self._processes: dict[str, Killable] = {}
        self.sent: list[Submission] = []

    async def start(self, name: str) -> None:
        more = {
            "KEPU_ROLE": "worker",
            "KEPU_INSTANCE": name,
            "KEPU_DATABASE": self._parts.stores.database.name,
        }
        process = Killable.serving(
            "quiz", environment_of("quiz", self._own.kafka, self._own.mongo, 0, **more)
        )
        await process.start()
        self._processes[name] = process

    async def stop(self, name: str) -> None:
        await self._processes[name].stop(STOP_SECONDS_MAX)

    async def end(self) -> None:
        for process in self._processes.values():
            await process.end()

    async def send(self) -> None:
        while True:
            more = [self._parts.submission() for _ in range(SENT_AT_ONCE)]
            await self._parts.publisher.publish([envelope(one) for one in more])
            self.sent += more
            await asyncio.sleep(REST_SECONDS)

    async def share(self, count: int) -> None:
        """Wait until so many members share the partitions, and grade."""
        await eventually(lambda: shares(self._own.kafka), lambda found: len(found) == count and all(found))
        await self.grade()

    async def grade(self) -> None:
        """Wait until what was sent up to now is graded."""
        waited_for = {one.attempt_id for one in self.sent}
        await eventually(self.graded, lambda found: found.keys() >= waited_for)

    async def graded(self) -> dict[str, int]:
        """Attempts with a result, and when it was published, in milliseconds."""
        return await times_of(self._own.kafka, QuizCompleted.topic, "result_id")

    async def longest_wait_seconds(self) -> float:
        submitted = await times_of(self._own.kafka, QuizSubmitted.topic, "attempt_id")
        graded = await self.graded()
        return max(graded[one.attempt_id] - submitted[one.attempt_id] for one in self.sent) / 1000


async def times_of(kafka: str, topic: str, name: str) -> dict[str, int]:
    return {_read(record.value or b"{}")[name]: record.timestamp for record in await read_all(kafka, topic)}


async def shares(kafka: str) -> list[int]:
    """How many topics each member of the group reads."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        (described,) = await admin.describe_consumer_groups([GROUP])
    finally:
        await admin.close()
    return [len(member[4]) for group in described.groups for member in group[5]]


@asynccontextmanager
async def working(own: Stack, *names: str) -> AsyncIterator[Workers]:
    """Workers that grade what is sent all the time."""
    async with new_parts(own.kafka, own.mongo) as parts:
        workers = Workers(own, parts)
        try:
            for name in names:
                await workers.start(name)
            await workers.share(len(names))
            yield workers
        finally:
            await workers.end()


async def under_load(workers: Workers, happens: Callable[[], Awaitable[object]]) -> float:
    """How long a submission waited at most for its result, while this happened."""
    sending = asyncio.create_task(workers.send())
    await eventually(lambda: len(workers.sent) > 5 * SENT_AT_ONCE)
    await workers.grade()
    workers.sent.clear()
    await happens()
    await workers.grade()
    sending.cancel()
    await asyncio.wait([sending])
    await workers.grade()
    return await workers.longest_wait_seconds()


async def test_worker_that_is_told_to_end_hands_its_partitions_over_within_three_seconds(own: Stack) -> None:
    async with working(own, "w1", "w2", "w3") as workers:

        async def fewer() -> None:
            await workers.stop("w2")
            await workers.share(2)

        async def again() -> None:
            await workers.stop("w3")
            await workers.start("w3")
            await workers.share(2)

        async def nothing() -> None:
            await eventually(lambda: len(workers.sent) > 10 * SENT_AT_ONCE)

        # A machine that is busy with other tests grades late in any case.
        usual = await under_load(workers, nothing)
        waited = await under_load(workers, fewer)
        restarted = await under_load(workers, again)
        assert waited - usual < IDLE_SECONDS_MAX
        assert restarted - usual < IDLE_SECONDS_MAX
