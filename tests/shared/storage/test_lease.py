"""One relay at a time, also when Kafka stalls for longer than a lease, and when a lease is lost."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest

from shared.messaging.publisher import RESTART_PAUSE_SECONDS, Publisher, Record, publishing
from shared.runtime.errors import Unavailable
from shared.storage.lease import COLLECTION, Lease, LeaseLost, Term
from shared.storage.mongo import Database, Session, in_transaction
from shared.storage.outbox import Looks, append, prepare, relaying, waiting
from tests.support.kafka import Said, fresh_database, new_contract, read_all, said
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

SHORT = Term(seconds=1.0, renewed_seconds=0.2, margin_seconds=0.3, retry_seconds=0.05)
# Long enough that a busy machine renews it in time.
CALM = Term(seconds=2.5, renewed_seconds=0.3, margin_seconds=0.4, retry_seconds=0.05)
QUICK = Looks(standby_seconds=0.1)


class Stalled(Publisher):
    """Kafka as it stands still: writes begin, and end when `free` is set."""

    def __init__(self, kafka: str) -> None:
        super().__init__(kafka, "stalled")
        self.free = asyncio.Event()
        self.writing = 0
        self.broken_off = 0

    async def write(self, records: Sequence[Record]) -> None:
        """Wait until Kafka goes on, then write."""
        self.writing += 1
        try:
            await self.free.wait()
        except asyncio.CancelledError:
            self.broken_off += 1
            raise
        await super().write(records)


async def tell(database: Database, contract: type[Said], *numbers: int) -> None:
    async def work(session: Session) -> None:
        await append(database, session, [said(contract, number) for number in numbers])

    await in_transaction(database, work)


async def until_empty(database: Database) -> None:
    async def empty() -> bool:
        return await waiting(database) == []

    await eventually(empty)


async def steal(database: Database) -> None:
    """Another process has the lease, as after a pause of this one that outlasted it."""
    await database[COLLECTION].update_one(
        {"_id": "relay"},
        [
            {
                "$set": {
                    "holder": "thief",
                    "token": {"$add": ["$token", 1]},
                    "until": {"$add": ["$$NOW", 60_000]},
                }
            }
        ],
    )


def test_a_lease_outlasts_its_renewal_and_what_is_broken_off() -> None:
    term = Term()
    assert term.renewed_seconds + term.margin_seconds < term.seconds
    # Breaking off a write takes as long as closing a producer.
    assert term.margin_seconds > 2 * RESTART_PAUSE_SECONDS
    with pytest.raises(ValueError, match="longer than its renewal"):
        Term(seconds=2, renewed_seconds=1, margin_seconds=1)


async def test_the_token_counts_changes_of_hands_and_a_shared_name_is_no_shared_hold(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        one, same_name = (Lease(database, "work", owner="quiz-1", term=SHORT) for _ in range(2))
        assert (await one.hold(), await same_name.hold()) == (True, False)
        assert one.token == 1
        await eventually(same_name.hold)
        assert not one.held
        assert same_name.token == 2
        # Who slept through the end of its lease learns that, though it can have the lease again.
        await same_name.give_up()
        assert not await one.hold()
        assert await one.hold()
        assert one.token == 3


async def test_relay_that_lost_its_lease_publishes_nothing_more(kafka: str, mongo: str) -> None:
    contract = await new_contract(kafka)
    async with (
        fresh_database(mongo) as database,
        publishing(kafka, "test") as publisher,
        relaying(database, publisher, owner="test", term=SHORT, looks=QUICK) as relay,
    ):
        await tell(database, contract, 1)
        await until_empty(database)
        await steal(database)
        await eventually(lambda: not relay.leading)
        await tell(database, contract, 2)
        for _ in range(5):
            await relay._turn()
        assert len(await waiting(database)) == 1
    assert len(await read_all(kafka, contract.topic)) == 1


async def test_in_a_stall_that_outlasts_the_lease_only_one_relay_writes(kafka: str, mongo: str) -> None:
    contract = await new_contract(kafka)
    first, second = Stalled(kafka), Stalled(kafka)
    async with fresh_database(mongo) as database, AsyncExitStack() as stack:
        one = await stack.enter_async_context(relaying(database, first, owner="one", term=CALM, looks=QUICK))
        await eventually(lambda: one.leading)
        two = await stack.enter_async_context(relaying(database, second, owner="two", term=CALM, looks=QUICK))
        await tell(database, contract, 1, 2)
        await eventually(lambda: first.writing)
        await asyncio.sleep(2 * CALM.seconds)
        assert (one.leading, two.leading, second.writing, first.broken_off) == (True, False, 0, 0)
        first.free.set()
        await until_empty(database)
        await first.stop()
    assert len(await read_all(kafka, contract.topic)) == 2


async def test_write_under_way_is_broken_off_when_the_lease_is_lost(kafka: str, mongo: str) -> None:
    contract = await new_contract(kafka)
    stalled = Stalled(kafka)
    async with (
        fresh_database(mongo) as database,
        relaying(database, stalled, owner="test", term=SHORT, looks=QUICK) as relay,
    ):
        await tell(database, contract, 1)
        await eventually(lambda: stalled.writing)
        await steal(database)
        await eventually(lambda: stalled.broken_off)
        assert not relay.leading
    assert await read_all(kafka, contract.topic) == []


async def test_a_lease_that_is_soon_due_is_renewed_in_time_beside_the_work(mongo: str) -> None:
    # As by default: two waits for the renewal and the margin are longer than the lease.
    term = Term(seconds=2.5, renewed_seconds=1.0, margin_seconds=0.75, retry_seconds=0.05)
    assert 2 * Term().renewed_seconds + Term().margin_seconds > Term().seconds
    async with fresh_database(mongo) as database:
        lease = Lease(database, "work", owner="test", term=term)
        assert await lease.hold()
        await eventually(lambda: time.monotonic() > lease._renew_at - 0.05)
        await lease.during(asyncio.sleep(2 * term.seconds))
        assert lease.held


class OutOfReach(Lease):
    """The lease of a process whose database is away from now on."""

    async def _take(self) -> None:
        raise Unavailable("MongoDB does not answer")


async def test_work_is_broken_off_before_the_lease_ends_when_it_cannot_be_renewed(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        lease = OutOfReach(database, "work", owner="test", term=SHORT)
        await Lease._take(lease)
        ended = asyncio.Event()

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                assert lease.held
                ended.set()

        with pytest.raises(LeaseLost, match="could not be renewed in time"):
            await lease.during(work())
        assert ended.is_set()


async def test_lease_goes_on_under_a_new_relay_at_once_when_the_old_one_ends(mongo: str, kafka: str) -> None:
    async with fresh_database(mongo) as database, publishing(kafka, "test") as publisher:
        await prepare(database)
        async with relaying(database, publisher, owner="one") as one:
            await eventually(lambda: one.leading)
        two = Lease(database, "relay", owner="two")
        assert await two.hold()
        assert two.token == 2
