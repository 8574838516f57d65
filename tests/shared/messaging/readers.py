"""A group that reads a contract of its own and remembers what it hears."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from shared.messaging.consumer import Consumer
from shared.messaging.consuming import consuming
from shared.messaging.policy import ConsumerPolicy
from shared.messaging.publisher import publishing
from shared.messaging.received import Batch, Decode, Following, GivenUp, Subscription
from tests.support.kafka import Said, committed, readers_of, said
from tests.support.waiting import eventually

QUICK = ConsumerPolicy(retry_seconds=0.004)


class Ear:
    """Remembers what it hears; `before` looks at a batch first and may raise."""

    def __init__(self, before: Callable[[Batch[Said]], None] = lambda _: None) -> None:
        self.heard: list[int] = []
        self.batches = 0
        self._before = before

    async def hear(self, batch: Batch[Said]) -> Following:
        self.batches += 1
        self._before(batch)
        self.heard += [received.event.number for received in batch]
        return []


@asynccontextmanager
async def reading(
    kafka: str,
    contract: type[Said],
    ear: Ear,
    *more: type[Said],
    decode: Decode | None = None,
    policy: ConsumerPolicy = QUICK,
    instance: str = "",
    codes: Sequence[str] = (),
    given_up: GivenUp | None = None,
) -> AsyncIterator[Consumer]:
    subscription = Subscription(
        readers_of(contract),
        [contract, *more],
        ear.hear,
        decoders={contract.topic: decode} if decode else {},
        codes=codes,
        given_up=given_up,
    )
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(publishing(kafka, "test"))
        [consumer] = await stack.enter_async_context(
            consuming(kafka, [subscription], publisher, policy=policy, instance=instance)
        )
        yield consumer


async def say(kafka: str, contract: type[Said], numbers: Sequence[int]) -> None:
    async with publishing(kafka, "test") as publisher:
        await publisher.publish([said(contract, number) for number in numbers])


async def until_committed(kafka: str, contract: type[Said], offsets: dict[int, int]) -> None:
    async def reached() -> bool:
        return await committed(kafka, readers_of(contract), contract.topic) == offsets

    await eventually(reached)
