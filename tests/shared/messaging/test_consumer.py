"""What is read, published and committed, and in which order; on a real broker."""

import asyncio
from contextlib import suppress

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.messaging.consuming import consuming
from shared.messaging.publisher import publishing, to_record
from shared.messaging.received import Batch, Following, Subscription
from tests.shared.messaging.readers import Ear, reading, say, until_committed
from tests.support.kafka import (
    Said,
    committed,
    dead_topic_of,
    new_contract,
    read_all,
    readers_of,
    said,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def test_another_systems_transactions_are_read_when_committed_and_not_when_aborted(kafka: str) -> None:
    contract = await new_contract(kafka)
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, transactional_id=contract.topic, transaction_timeout_ms=2_000
    )
    await producer.start()
    try:
        for number, ends in enumerate((producer.commit_transaction, producer.abort_transaction)):
            await producer.begin_transaction()
            _, key, value, headers = to_record(said(contract, number))
            await producer.send_and_wait(contract.topic, value, key, partition=0, headers=headers)
            await ends()
    finally:
        await producer.stop()
    ear = Ear()
    async with reading(kafka, contract, ear):
        # Two records, and a marker after each: what is committed is where reading goes on.
        await until_committed(kafka, contract, {0: 4})
    assert ear.heard == [0]


async def test_a_group_reads_though_several_bootstrap_servers_are_named(kafka: str) -> None:
    contract, ear = await new_contract(kafka), Ear()
    async with reading(f"{kafka},{kafka}", contract, ear):
        await say(kafka, contract, [1])
        await eventually(lambda: ear.heard == [1])


async def test_transaction_left_open_holds_up_what_stands_behind_it_for_seconds(kafka: str) -> None:
    contract = await new_contract(kafka)
    patient = AIOKafkaProducer(
        bootstrap_servers=kafka, transactional_id=f"{contract.topic}-patient", transaction_timeout_ms=2_001
    )
    # No transaction may ask for longer than two seconds.
    with pytest.raises(KafkaError):
        await patient.start()
    await patient.stop()
    open_ = AIOKafkaProducer(
        bootstrap_servers=kafka, transactional_id=contract.topic, transaction_timeout_ms=1_000
    )
    await open_.start()
    ear = Ear()
    try:
        await open_.begin_transaction()
        for number in range(12):
            _, key, value, headers = to_record(said(contract, number))
            await open_.send_and_wait(contract.topic, value, key, partition=0, headers=headers)
        await say(kafka, contract, [12])
        async with reading(kafka, contract, ear):
            # The transaction's own second, and the broker's until it looks.
            await eventually(lambda: ear.heard == [12], seconds=6)
    finally:
        with suppress(KafkaError):
            await open_.stop()


async def test_what_follows_is_published_before_the_batch_is_committed(kafka: str) -> None:
    contract, answers = await new_contract(kafka), await new_contract(kafka)
    await say(kafka, contract, range(50))

    class Answering(Ear):
        async def hear(self, batch: Batch[Said]) -> Following:
            await super().hear(batch)
            return [said(answers, received.event.number) for received in batch]

    async with reading(kafka, contract, Answering()):
        await until_committed(kafka, contract, {0: 50})
    assert len(await read_all(kafka, answers.topic)) == 50


async def test_two_copies_share_the_work_and_a_commit_refused_after_a_rebalance_is_harmless(
    kafka: str, caplog: pytest.LogCaptureFixture
) -> None:
    contract = await new_contract(kafka, partitions=4)
    async with publishing(kafka, "test") as publisher:
        await publisher.publish([said(contract, number, who=f"p-{number}") for number in range(40)])
    free = asyncio.Event()

    class Held(Ear):
        async def hear(self, batch: Batch[Said]) -> Following:
            await free.wait()
            return await super().hear(batch)

    first, second = Held(), Ear()
    async with reading(kafka, contract, first) as one:
        await eventually(lambda: one._oldest_at is not None)
        async with reading(kafka, contract, second) as other:
            # The first still holds its batch; the second is given partitions of it.
            await eventually(lambda: second.heard)
            free.set()
            await eventually(lambda: {*first.heard, *second.heard} == set(range(40)))
            async with publishing(kafka, "test") as publisher:
                await publisher.publish(
                    [said(contract, number, who=f"p-{number}") for number in range(40, 80)]
                )
            await eventually(lambda: {*first.heard, *second.heard} == set(range(80)))
            assert (one.problem(), other.problem()) == (None, None)
    assert "commit refused after a rebalance" in caplog.text
    late = set(range(40, 80))
    assert late & set(first.heard)
    assert late & set(second.heard)
    assert await read_all(kafka, dead_topic_of(contract)) == []


async def test_batch_that_outlasts_another_members_turn_does_not_set_the_group_back(kafka: str) -> None:
    contract = await new_contract(kafka)
    free = asyncio.Event()

    class Held(Ear):
        async def hear(self, batch: Batch[Said]) -> Following:
            self.batches += 1
            await free.wait()
            return []

    first, second = Held(), Ear()
    subscription = Subscription(readers_of(contract), [contract], first.hear, codes=())
    async with (
        publishing(kafka, "test") as publisher,
        # A name that sorts last: the only partition is the other's as long as there is one.
        consuming(kafka, [subscription], publisher, instance="last") as [one],
    ):
        await publisher.publish([said(contract, 0)])
        await eventually(lambda: first.batches)
        async with reading(kafka, contract, second):
            await publisher.publish([said(contract, number) for number in range(1, 10)])
            await until_committed(kafka, contract, {0: 10})
        await eventually(one._subscriber.consumer.assignment)
        free.set()
        await eventually(lambda: one._oldest_at is None)
        assert second.heard == list(range(10))
        assert await committed(kafka, readers_of(contract), contract.topic) == {0: 10}
        # And what comes later is read and committed as ever.
        await publisher.publish([said(contract, 10)])
        await until_committed(kafka, contract, {0: 11})
