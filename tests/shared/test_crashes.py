"""SIGKILL at the worst moment: nothing lost, and repeats do no harm."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.contracts.envelope import Envelope, Event
from shared.messaging.consuming import consuming
from shared.messaging.publisher import publishing
from shared.messaging.received import Batch, Following, Subscription
from shared.storage.lease import Term
from shared.storage.mongo import Database, Session, in_transaction
from shared.storage.outbox import append, prepare, relaying, waiting
from tests.shared import actors
from tests.support.kafka import Said, committed, fresh_database, new_contract, read_all, readers_of, said
from tests.support.killing import Killable, Work
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


@asynccontextmanager
async def acting(work: Work, *arguments: str) -> AsyncIterator[Killable]:
    actor = Killable.working(work, *arguments)
    await actor.start()
    try:
        yield actor
    finally:
        await actor.end()


async def first_line(actor: Killable) -> str:
    async with asyncio.timeout(20):
        return await actor.line()


async def heard(database: Database) -> set[int]:
    return {document["_id"] async for document in database["heard"].find()}


async def test_batch_is_repeated_when_its_process_dies_between_effects_and_commit(
    kafka: str, mongo: str
) -> None:
    contract = await new_contract(kafka)
    async with fresh_database(mongo) as database, publishing(kafka, "test") as publisher:
        await publisher.publish([said(contract, number) for number in range(30)])
        actor = (actors.read, kafka, mongo, database.name, contract.topic)
        async with acting(*actor, "stuck") as stuck:
            assert (await first_line(stuck)).startswith("wrote 0 1 2")
            await stuck.kill()
        assert await committed(kafka, readers_of(contract), contract.topic) == {}
        async with acting(*actor, "restarted"):
            await publisher.publish([said(contract, number) for number in range(30, 40)])

            async def all_committed() -> bool:
                return await committed(kafka, readers_of(contract), contract.topic) == {0: 40}

            await eventually(all_committed)
        assert await heard(database) == set(range(40))
        repeated = await database["writes"].find_one({"by": "restarted", "numbers": 0})
        assert repeated is not None
        # Written by the one that died, repeated by the other, there once.
        assert await database["heard"].count_documents({"by": "stuck"}) >= 30


async def test_when_one_of_two_copies_is_killed_the_other_loses_nothing(kafka: str, mongo: str) -> None:
    contract = await new_contract(kafka, partitions=4)

    def some(first: int) -> list[Envelope[Event]]:
        return [said(contract, number, who=f"p-{number}") for number in range(first, first + 100)]

    async with fresh_database(mongo) as database, publishing(kafka, "test") as publisher:
        actor = (actors.read, kafka, mongo, database.name, contract.topic)
        async with acting(*actor, "one") as one, acting(*actor, "two"):
            said_so_far = 0

            async def both_work() -> bool:
                nonlocal said_so_far
                await publisher.publish(some(said_so_far))
                said_so_far += 100
                await asyncio.sleep(0.1)
                return set(await database["heard"].distinct("by")) == {"one", "two"}

            await eventually(both_work)
            await one.kill()
            await publisher.publish(some(said_so_far))
            said_so_far += 100

            async def all_heard() -> bool:
                return await heard(database) == set(range(said_so_far))

            # The dead one's partitions are free when its session has ended.
            await eventually(all_heard)


async def test_a_restart_under_the_same_name_moves_no_partition(kafka: str, mongo: str) -> None:
    contract = await new_contract(kafka, partitions=4)
    rounds: set[int] = set()

    async def hear(_: Batch[Said]) -> Following:
        rounds.add(other._subscriber.consumer._coordinator.generation)
        return []

    subscription = Subscription(readers_of(contract), [contract], hear, codes=())
    async with fresh_database(mongo) as database, publishing(kafka, "test") as publisher:
        actor = (actors.read, kafka, mongo, database.name, contract.topic)
        said_so_far = 0

        async def both_hear(by: str) -> bool:
            nonlocal said_so_far
            events = [said(contract, said_so_far + n, who=f"p-{n}") for n in range(20)]
            said_so_far += len(events)
            await publisher.publish(events)
            await asyncio.sleep(0.1)
            return bool(rounds) and by in set(await database["heard"].distinct("by"))

        async with consuming(kafka, [subscription], publisher, instance="other") as [other]:
            async with acting(*actor, "stuck") as stuck:
                # Until it has a batch at hand, in which it hangs; the other one goes on with its own.
                await eventually(lambda: both_hear("stuck"))
                theirs = other._subscriber.consumer.assignment()
                round_ = other._subscriber.consumer._coordinator.generation
                await stuck.kill()
            rounds.clear()
            async with acting(*actor, "restarted"):
                await eventually(lambda: both_hear("restarted"))
            # Another round of the group would stop every member while partitions are given out anew.
            assert rounds == {round_}
            assert other._subscriber.consumer.assignment() == theirs
            assert len(theirs) == 2


async def test_relay_killed_between_publishing_and_deleting_publishes_again_with_the_same_ids(
    kafka: str, mongo: str
) -> None:
    contract = await new_contract(kafka)
    events = [said(contract, number) for number in range(5)]
    async with fresh_database(mongo) as database, publishing(kafka, "test") as publisher:
        await prepare(database)

        async def tell(session: Session) -> None:
            await append(database, session, events)

        await in_transaction(database, tell)
        async with acting(actors.relay, kafka, mongo, database.name) as stuck:
            assert await first_line(stuck) == "published 5"
            await stuck.kill()
        assert len(await waiting(database)) == 5
        async with relaying(database, publisher, owner="successor"):

            async def empty() -> bool:
                return await database["outbox"].count_documents({}) == 0

            # The dead one's lease has to run out first.
            await eventually(empty, seconds=Term().seconds + 5)
        ids = [dict(record.headers)["ce_id"].decode() for record in await read_all(kafka, contract.topic)]
        assert ids == 2 * [envelope.context.id for envelope in events]
