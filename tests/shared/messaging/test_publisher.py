"""Keyed, in order, acknowledged; and interchangeable with what librdkafka's clients do."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

import pytest

from ops.stack import Stack
from ops.stack.kafka import CONNECTIONS_MAX, REQUEST_BYTES_MAX
from shared.contracts.partitioning import partition_of
from shared.contracts.topics import DEAD_RECORD_BYTES_MAX
from shared.messaging.publisher import (
    GROWN_AFTER_SECONDS,
    METADATA_SECONDS_MAX,
    PING_SECONDS_MAX,
    RESTART_PAUSE_SECONDS,
    Growth,
    Publisher,
    Record,
    publishing,
    to_record,
)
from shared.runtime.errors import Rejected, Unavailable
from tests.support.kafka import new_contract, read_all, said
from tests.support.servers import own_stack, stand_still
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
# Of a publisher, of a reader and of what makes a topic.
OWN_CONNECTIONS = 10


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A stack that nobody else uses, since it is made to stand still."""
    with own_stack() as stack:
        yield stack


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


async def test_a_set_larger_than_a_request_may_be_is_written(kafka: str) -> None:
    contract = await new_contract(kafka, partitions=8)
    keys = {partition_of(str(number).encode(), 8): str(number).encode() for number in range(100)}
    # Of random bytes, which no compression makes smaller.
    values: list[Record] = [(contract.topic, key, os.urandom(1_048_576), []) for key in keys.values()]
    assert sum(len(value or b"") for _, _, value, _ in values) > REQUEST_BYTES_MAX
    async with publishing(kafka, "test") as publisher:
        await publisher.write(values)
    assert len(await read_all(kafka, contract.topic)) == 8


async def test_connections_of_one_address_that_announce_the_largest_requests_do_not_stop_kafka(
    own: Stack,
) -> None:
    contract = await new_contract(own.kafka)
    host, _, port = own.kafka.rpartition(":")
    # All that the address may have, but for those of this test's own clients.
    too_large, *largest = [
        await asyncio.open_connection(host, int(port)) for _ in range(CONNECTIONS_MAX - OWN_CONNECTIONS)
    ]
    try:
        for _, writer in largest:
            writer.write(REQUEST_BYTES_MAX.to_bytes(4, "big"))
        too_large[1].write((REQUEST_BYTES_MAX + 1).to_bytes(4, "big"))
        async with asyncio.timeout(10):
            assert await too_large[0].read() == b"", "the broker closes it"
        async with publishing(own.kafka, "test") as publisher:

            async def published() -> bool:
                # The broker may not know yet that the clients of before have gone.
                with suppress(Unavailable):
                    await publisher.publish([said(contract, 1)])
                    return True
                return False

            await eventually(published, seconds=30)
    finally:
        for _, writer in (too_large, *largest):
            writer.close()
    assert await read_all(own.kafka, contract.topic)


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


async def test_a_record_is_acknowledged_by_all_replicas_and_written_once(kafka: str) -> None:
    async with publishing(kafka, "test") as publisher:
        await publisher.start()
        assert publisher._producer is not None
        sender = publisher._producer._sender
        # What the requests will say, not what was asked for.
        assert sender._acks == -1
        assert sender._txn_manager is not None
        assert sender._txn_manager.has_pid()
        assert sender._txn_manager.transactional_id is None


async def test_what_a_producer_that_was_given_up_still_held_is_never_written(own: Stack) -> None:
    contract = await new_contract(own.kafka)
    publisher = Publisher(own.kafka, "test")
    await publisher.publish([said(contract, 0)])
    given_up = publisher._producer
    assert given_up is not None
    pid = own.pid("kafka")
    assert pid is not None
    # Kafka stands still: what is sent now is on its way and stays there.
    await stand_still(pid)
    try:
        writing = asyncio.create_task(publisher.publish([said(contract, 1)]))
        await asyncio.sleep(0)
        await eventually(
            lambda: any(given_up._message_accumulator._batches.values()) or given_up._sender._in_flight
        )
        # A second set waits behind it, unsent.
        batch = given_up.create_batch()
        _, key, value, headers = to_record(said(contract, 2))
        batch.append(key=key, value=value, timestamp=None, headers=headers)
        await given_up.send_batch(batch, contract.topic, partition=0)
        writing.cancel()
        await asyncio.wait([writing])
        sender = given_up._sender.sender_task
        assert sender is None or sender.done() or sender.cancelling()
    finally:
        os.kill(pid, signal.SIGCONT)
    await publisher.publish([said(contract, 3)])
    await publisher.publish([said(contract, 4)])
    await publisher.stop()
    told = [
        contract.model_validate_json(record.value or b"").number
        for record in await read_all(own.kafka, contract.topic)
    ]
    assert told[-2:] == [3, 4]
    assert 2 not in told


async def test_ping_answers_within_seconds_while_kafka_stands_still(own: Stack) -> None:
    publisher = Publisher(own.kafka, "test")
    pid = own.pid("kafka")
    assert pid is not None
    await stand_still(pid)
    try:
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(Unavailable):
                await publisher.ping()
            assert time.monotonic() - started < PING_SECONDS_MAX + 2 * RESTART_PAUSE_SECONDS
    finally:
        os.kill(pid, signal.SIGCONT)
    await eventually(lambda: _pings(publisher))
    await publisher.stop()


async def _pings(publisher: Publisher) -> bool:
    try:
        await publisher.ping()
    except Unavailable:
        return False
    return True


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


def test_new_partitions_are_used_only_when_those_who_read_know_of_them() -> None:
    assert GROWN_AFTER_SECONDS > METADATA_SECONDS_MAX
    growth = Growth(after_seconds=20)
    assert [growth.used("t", 12, 0.0), growth.used("t", 24, 1.0), growth.used("t", 24, 20.9)] == [12, 12, 12]
    assert [growth.used("t", 24, 21.0), growth.used("t", 24, 21.1), growth.used("u", 4, 0.0)] == [24, 24, 4]
    assert growth.used("t", 12, 22.0) == 12, "the topic was made anew"
