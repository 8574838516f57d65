"""What foreign records may cost: bytes, time of the event loop, the delay of others; on a real broker."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ops.stack import Stack
from shared.contracts.envelope import EVENT_BYTES_MAX, HEADERS_MAX
from shared.messaging.decompression import Codec
from shared.messaging.publisher import Record, publishing, to_record
from tests.shared.messaging.costs import costing
from tests.shared.messaging.raw_batches import batch_of, write_batch
from tests.shared.messaging.readers import Ear, reading, say, until_committed
from tests.support.kafka import Said, dead_topic_of, new_contract, read_all, said
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(sys.platform != "linux", reason="reads its memory from /proc"),
]

# Of 200 MB and more that each of these floods holds.
PEAK_MB_MAX = 80
# In which other requests and the heartbeat wait.
LOOP_SECONDS_MAX = 0.7


def good(contract: type[Said], number: int = 1) -> Record:
    return to_record(said(contract, number))


def many_headers(contract: type[Said]) -> Sequence[Record]:
    topic, key, _, _ = good(contract)
    return [(topic, key, b"x", [("", b"")] * 345_000)]


def far_too_many_headers(contract: type[Said]) -> Sequence[Record]:
    topic, key, _, _ = good(contract)
    return [(topic, key, b"x", [("", b"")] * 3_000_000)]


def many_headers_just_small_enough_to_be_built(contract: type[Said]) -> Sequence[Record]:
    topic, key, _, _ = good(contract)
    return [(topic, key, b"x", [("", b"")] * 80_000)]


def many_records_of_many_headers(contract: type[Said]) -> Sequence[Record]:
    topic, key, _, _ = good(contract)
    return [(topic, key, b"x", [("", b"")] * (HEADERS_MAX + 1))] * 5_000


def large_value(contract: type[Said]) -> Sequence[Record]:
    topic, key, _, headers = good(contract)
    return [(topic, key, b" " * 8_300_000, headers)]


def large_key(contract: type[Said]) -> Sequence[Record]:
    topic, _, value, headers = good(contract)
    return [(topic, b" " * 8_300_000, value, headers)]


def large_header(contract: type[Said]) -> Sequence[Record]:
    topic, key, value, headers = good(contract)
    return [(topic, key, value, [*headers, ("x", b" " * 8_300_000)])]


def values_just_short_enough(contract: type[Said]) -> Sequence[Record]:
    topic, key, _, headers = good(contract)
    return [(topic, key, b" " * 780_000, headers)] * 10


def nothing_at_all(contract: type[Said]) -> Sequence[Record]:
    return [(contract.topic, None, None, [])] * 5_000


FLOODS = [
    (many_headers, Codec.ZSTD, 20),
    (far_too_many_headers, Codec.ZSTD, 3),
    (many_headers, Codec.LZ4, 20),
    (many_headers, Codec.GZIP, 20),
    (many_headers, Codec.SNAPPY, 20),
    (many_headers, 0, 10),
    (many_headers_just_small_enough_to_be_built, Codec.ZSTD, 50),
    (many_records_of_many_headers, Codec.ZSTD, 1),
    (large_value, Codec.ZSTD, 30),
    (large_key, Codec.ZSTD, 30),
    (large_header, Codec.GZIP, 30),
    (values_just_short_enough, Codec.ZSTD, 20),
    (nothing_at_all, Codec.ZSTD, 1),
]


@pytest.mark.parametrize(
    ("records", "codec", "times"), FLOODS, ids=[f"{f.__name__}-{c}-{n}" for f, c, n in FLOODS]
)
async def test_flood_costs_little_and_others_hardly_wait(
    kafka: str, records: Callable[[type[Said]], Sequence[Record]], codec: int, times: int
) -> None:
    contract = await new_contract(kafka, partitions=2, bytes_max=EVENT_BYTES_MAX)
    some = records(contract)
    batch = batch_of(some, codec=codec, bytes_max=9_000_000)
    # The keys "wang" and "zhao" fall into different partitions, and the flood into the first of them.
    await say(kafka, contract, [1])
    [first] = await read_all(kafka, contract.topic)
    await write_batch(kafka, contract.topic, batch, first.partition, times=times)
    flood = len(some) * times
    ear = Ear()
    async with (
        publishing(kafka, "test") as publisher,
        costing() as costs,
        reading(kafka, contract, ear) as consumer,
    ):
        await eventually(lambda: ear.heard == [1])
        for number in range(2, 12):
            await publisher.publish([said(contract, number, who="zhao")])
            await eventually(lambda: ear.heard[-1] == number)  # noqa: B023 (awaited at once)
        await until_committed(kafka, contract, {first.partition: flood + 1, 1 - first.partition: 10})
        assert consumer.problem() is None
    assert costs.peak_mb < PEAK_MB_MAX
    assert costs.loop_seconds < LOOP_SECONDS_MAX


async def test_large_records_of_one_partition_do_not_keep_the_others_waiting(kafka: str) -> None:
    contract = await new_contract(kafka, partitions=2, bytes_max=EVENT_BYTES_MAX)
    await say(kafka, contract, [1])
    [first] = await read_all(kafka, contract.topic)
    flood = batch_of(values_just_short_enough(contract), codec=Codec.ZSTD, bytes_max=9_000_000)
    await write_batch(kafka, contract.topic, flood, first.partition, times=30)
    ear = Ear()
    async with publishing(kafka, "test") as publisher, reading(kafka, contract, ear):
        for number in range(2, 7):
            await publisher.publish([said(contract, number, who="zhao")])
            await eventually(lambda: number in ear.heard)  # noqa: B023 (awaited at once)
        dead = len(await read_all(kafka, dead_topic_of(contract)))
    # Fewer than a single poll would have taken, if it were bounded by records.
    assert dead < 300


@pytest.mark.skipif("KEPU_KAFKA" in os.environ, reason="looks at the broker's files")
async def test_dead_letters_of_what_was_small_are_small_on_disk(stack: Stack) -> None:
    kafka = stack.kafka
    contract = await new_contract(kafka, bytes_max=EVENT_BYTES_MAX)
    flood = batch_of(values_just_short_enough(contract), codec=Codec.ZSTD, bytes_max=9_000_000)
    await write_batch(kafka, contract.topic, flood, times=5)
    async with reading(kafka, contract, Ear()):
        await until_committed(kafka, contract, {0: 50})
    assert [len(dead.value or b"") for dead in await read_all(kafka, dead_topic_of(contract))] == [
        780_000
    ] * 50
    assert on_disk_bytes(stack, dead_topic_of(contract)) < 100_000


def on_disk_bytes(stack: Stack, topic: str) -> int:
    return sum(path.stat().st_size for path in Path(stack.home).glob(f"**/data/{topic}-0/*.log"))
