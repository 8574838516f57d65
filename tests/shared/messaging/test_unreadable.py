"""Records that no client can read: stepped past by offset, told by their coordinates, nobody else's delay."""

import os
import sys
import time
from collections.abc import Callable

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from ops.stack import Stack
from shared.messaging.policy import ConsumerPolicy
from shared.messaging.publisher import Record, publishing, to_record
from tests.shared.messaging.costs import peak_kb
from tests.shared.messaging.raw_batches import (
    ATTRIBUTES_AT,
    CHECKSUM_AT,
    HEADER_BYTES,
    ZSTD,
    batch_of,
    batch_of_spaces,
    checked,
    damage,
    write_batch,
)
from tests.shared.messaging.readers import Ear, reading, say, until_committed
from tests.support.kafka import Said, dead_topic_of, new_contract, read_all, said
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

on_our_disk = pytest.mark.skipif("KEPU_KAFKA" in os.environ, reason="damages the broker's files")


async def dead_of(kafka: str, contract: type[Said]) -> list[dict[str, str]]:
    return [
        {name: value.decode() for name, value in record.headers}
        for record in await read_all(kafka, dead_topic_of(contract))
    ]


def some(contract: type[Said], *numbers: int) -> list[Record]:
    return [to_record(said(contract, number)) for number in numbers]


async def test_header_name_that_is_not_utf8_is_stepped_past_and_its_batch_is_handled(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(5))
    records = some(contract, 5, 6, 7)
    records[1][3].append(("##", b""))
    await write_batch(kafka, contract.topic, checked(batch_of(records).replace(b"##", b"\xff\xfe")))
    await say(kafka, contract, [8, 9])
    ear = Ear()
    async with reading(kafka, contract, ear) as consumer:
        await until_committed(kafka, contract, {0: 10})
        assert consumer.problem() is None
    assert ear.heard == [0, 1, 2, 3, 4, 5, 7, 8, 9]
    [dead] = await dead_of(kafka, contract)
    assert (dead["dead_code"], dead["dead_topic"]) == ("unreadable", contract.topic)
    assert (dead["dead_partition"], dead["dead_offset"]) == ("0", "6")


async def test_record_of_very_many_headers_is_stepped_past(kafka: str) -> None:
    contract = await new_contract(kafka)
    topic, key, value, headers = some(contract, 1)[0]
    many: Record = (topic, key, value, [*headers, *([("", b"")] * 1_500_000)])
    builder = DefaultRecordBatchBuilder(2, ZSTD, 0, -1, -1, -1, 8_000_000)
    builder.append(0, int(time.time() * 1000), *many[1:])
    await write_batch(kafka, contract.topic, bytearray(builder.build()))
    await say(kafka, contract, [2])
    ear = Ear()
    async with reading(kafka, contract, ear):
        await until_committed(kafka, contract, {0: 2})
    assert ear.heard == [2]
    assert [dead["dead_code"] for dead in await dead_of(kafka, contract)] == ["unreadable"]


def wrong_checksum(batch: bytearray) -> None:
    batch[CHECKSUM_AT] ^= 0xFF


def wrong_compression(batch: bytearray) -> None:
    batch[HEADER_BYTES : HEADER_BYTES + 8] = b"\xff" * 8
    checked(batch)


def unknown_codec(batch: bytearray) -> None:
    batch[ATTRIBUTES_AT + 1] |= 0x07
    checked(batch)


@on_our_disk
@pytest.mark.parametrize("change", [wrong_checksum, wrong_compression, unknown_codec])
async def test_batch_that_cannot_be_read_is_stepped_past_and_costs_other_partitions_nothing(
    stack: Stack, change: Callable[[bytearray], None]
) -> None:
    kafka = stack.kafka
    contract = await new_contract(kafka, partitions=4)
    people = [f"p-{number}" for number in range(40)]
    async with publishing(kafka, "test") as publisher:
        await publisher.publish([said(contract, number, who=who) for number, who in enumerate(people)])
        before = len([r for r in await read_all(kafka, contract.topic) if r.partition == 0])
        await write_batch(kafka, contract.topic, batch_of(some(contract, 1, 2, 3), codec=ZSTD))
        damage(stack, contract.topic, change)
        await publisher.publish([said(contract, number, who=who) for number, who in enumerate(people, 40)])
    ear = Ear()
    started = time.monotonic()
    async with reading(kafka, contract, ear) as consumer:
        await eventually(lambda: sorted(ear.heard) == list(range(80)))
        assert consumer.problem() is None
    assert time.monotonic() - started < 5
    [dead] = await dead_of(kafka, contract)
    assert (dead["dead_code"], dead["dead_partition"]) == ("unreadable", "0")
    assert dead["dead_offset"] == str(before)
    assert dead["dead_reason"].startswith(f"offset {before} to {before + 2}: ")


@pytest.mark.skipif(sys.platform != "linux", reason="reads its memory from /proc")
async def test_record_that_decompresses_to_300_megabytes_costs_a_few(kafka: str) -> None:
    contract = await new_contract(kafka)
    await write_batch(kafka, contract.topic, batch_of_spaces(300))
    await say(kafka, contract, [1])
    ear = Ear()
    before_kb = peak_kb(forget=True)
    async with reading(kafka, contract, ear):
        await until_committed(kafka, contract, {0: 2})
    assert ear.heard == [1]
    assert peak_kb() - before_kb < 50_000
    [dead] = await dead_of(kafka, contract)
    assert (dead["dead_code"], dead["dead_offset"]) == ("unreadable", "0")


async def test_flood_in_one_partition_does_not_keep_the_others_waiting(kafka: str) -> None:
    contract = await new_contract(kafka, partitions=2)
    _, key, _, headers = some(contract, 1)[0]
    # Small batches, so that few records make a flood.
    policy = ConsumerPolicy(batch_events_max=50)
    ear = Ear()
    async with publishing(kafka, "test") as publisher:
        # The keys "wang" and "zhao" fall into different partitions.
        await publisher.write([(contract.topic, key, b"{}", headers)] * 2_000)
        await publisher.publish([said(contract, number, who="zhao") for number in range(25)])
        async with reading(kafka, contract, ear, policy=policy):
            await eventually(lambda: len(ear.heard) == 25)
            dead = len(await dead_of(kafka, contract))
    assert dead < 1_000
