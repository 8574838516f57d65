"""Keyed, in order, acknowledged; and interchangeable with what librdkafka's clients do."""

import asyncio
from uuid import uuid4

import pytest

from shared.contracts.topics import DEAD_RECORD_BYTES_MAX
from shared.messaging.publisher import Publisher, partition_of, publishing
from shared.runtime.errors import Rejected, Unavailable
from tests.support.kafka import new_contract, read_all, said

pytestmark = pytest.mark.stack


async def test_events_of_one_key_keep_their_order_through_many_batches(kafka: str) -> None:
    contract = await new_contract(kafka, partitions=4)
    people = [f"p-{number}" for number in range(20)]
    async with publishing(kafka, "test") as publisher:
        await publisher.publish(
            [said(contract, number, who=who, words="x" * 500) for number in range(100) for who in people]
        )
    numbers: dict[str, list[int]] = {who: [] for who in people}
    partitions: dict[str, set[int]] = {who: set() for who in people}
    for record in await read_all(kafka, contract.topic):
        event = contract.model_validate_json(record.value or b"")
        numbers[event.who].append(event.number)
        partitions[event.who].add(record.partition)
    assert numbers == {who: list(range(100)) for who in people}
    assert partitions == {who: {partition_of(who.encode(), 4)} for who in people}


async def test_many_callers_share_a_publisher(kafka: str) -> None:
    contract = await new_contract(kafka, partitions=4)
    async with publishing(kafka, "test") as publisher:
        await asyncio.gather(
            *(publisher.publish([said(contract, number, who=f"p-{number}")]) for number in range(200))
        )
    assert len(await read_all(kafka, contract.topic)) == 200


async def test_record_that_fits_no_topic_is_rejected_and_the_next_is_written(kafka: str) -> None:
    contract = await new_contract(kafka)
    async with publishing(kafka, "test") as publisher:
        with pytest.raises(Rejected, match="does not fit"):
            await publisher.write([(contract.topic, b"k", b" " * (DEAD_RECORD_BYTES_MAX + 1), [])])
        await publisher.publish([said(contract, 1)])
    assert len(await read_all(kafka, contract.topic)) == 1


async def test_caller_who_gives_up_does_not_disturb_the_next(kafka: str) -> None:
    contract = await new_contract(kafka)
    async with publishing(kafka, "test") as publisher:
        await publisher.start()
        writing = asyncio.create_task(publisher.publish([said(contract, 1)]))
        await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing])
        await publisher.publish([said(contract, 2)])
    numbers = [
        contract.model_validate_json(record.value or b"").number
        for record in await read_all(kafka, contract.topic)
    ]
    assert numbers[-1] == 2


async def test_broker_that_is_not_there_is_an_outage() -> None:
    publisher = Publisher("127.0.0.1:9", "test")
    for attempt in (publisher.start, publisher.ping):
        with pytest.raises(Unavailable, match="Kafka does not answer"):
            await attempt()
    with pytest.raises(Unavailable):
        await publisher.write([(f"x-{uuid4().hex}", b"k", b"v", [])])
    await publisher.stop()


async def test_nothing_to_write_needs_no_broker() -> None:
    await Publisher("127.0.0.1:9", "test").write([])
