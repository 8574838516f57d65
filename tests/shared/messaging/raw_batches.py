"""Batches as no client of ours writes them: byte by byte, or damaged where they lie on the broker's disk."""

import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cramjam
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import NotLeaderForPartitionError, UnknownTopicOrPartitionError
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c, encode_varint

from ops.stack import Stack
from shared.messaging.publisher import Record
from tests.support.waiting import eventually

HEADER_BYTES = 61
CHECKSUM_AT = 17
ATTRIBUTES_AT = 21
ZSTD = 4
NOT_LEADER: int = NotLeaderForPartitionError.errno
UNKNOWN_TOPIC: int = UnknownTopicOrPartitionError.errno


def batch_of(records: Sequence[Record], *, codec: int = 0, bytes_max: int = 1_048_576) -> bytearray:
    """One batch of these records, which have so many bytes at most as long as they are not compressed."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, bytes_max)
    for place, (_, key, value, headers) in enumerate(records):
        builder.append(place, int(time.time() * 1000), key, value, headers)
    return bytearray(builder.build())


def batch_of_spaces(megabytes: int) -> bytearray:
    """One record that is small as it is sent and so large when it is decompressed."""
    rest = bytearray()
    # Attributes, time, offset, no key; a megabyte is 1,000,000 bytes here.
    for number in (0, 0, 0, -1, megabytes * 1_000_000):
        encode_varint(number, rest.append)
    length = bytearray()
    encode_varint(len(rest) + megabytes * 1_000_000 + 1, length.append)
    compressor = cramjam.zstd.Compressor()
    compressor.compress(bytes(length + rest))
    spaces = b" " * 1_000_000
    packed = bytearray()
    for _ in range(megabytes):
        compressor.compress(spaces)
        packed += bytes(compressor.flush())
    # No headers.
    compressor.compress(b"\x00")
    packed += bytes(compressor.finish())
    batch = batch_of([("", None, b"", [])], codec=ZSTD)[:HEADER_BYTES] + packed
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    struct.pack_into(">h", batch, ATTRIBUTES_AT, ZSTD)
    return checked(batch)


def checked(batch: bytearray) -> bytearray:
    """The batch with the checksum that it should have."""
    struct.pack_into(">I", batch, CHECKSUM_AT, calc_crc32c(bytes(batch[ATTRIBUTES_AT:])))
    return batch


async def write_batch(
    kafka: str, topic: str, batch: bytearray, partition: int = 0, *, times: int = 1
) -> None:
    """Have the broker append a batch as it is, once or so many times."""
    request = ProduceRequest(
        transactional_id=None,
        required_acks=-1,
        timeout=10_000,
        topics=[(topic, [(partition, bytes(batch))])],
    )
    client = AIOKafkaClient(bootstrap_servers=kafka)
    await client.bootstrap()
    try:
        await client.add_topic(topic)

        async def answered() -> int:
            await client.force_metadata_update()
            leader: int | None = client.cluster.leader_for_partition(TopicPartition(topic, partition))
            if leader is None or leader < 0:
                return NOT_LEADER
            [(_, [(_, code, *_)])] = (await client.send(leader, request)).topics
            return int(code)

        for _ in range(times):
            # A topic that was made a moment ago may have no leader yet, or one that does not know it yet.
            code = await eventually(answered, lambda code: code not in (NOT_LEADER, UNKNOWN_TOPIC))
            assert code == 0, code
    finally:
        await client.close()


def damage(stack: Stack, topic: str, change: Callable[[bytearray], None], partition: int = 0) -> None:
    """Change the last batch of a partition on the broker's disk, as a failing disk would."""
    path = next(Path(stack.home).glob(f"**/data/{topic}-{partition}/{0:020}.log"))
    log = bytearray(path.read_bytes())
    last = at = 0
    while at < len(log):
        last, (length,) = at, struct.unpack_from(">i", log, at + 8)
        at += 12 + length
    batch = log[last:]
    change(batch)
    with path.open("r+b") as file:
        file.seek(last)
        file.write(batch)
