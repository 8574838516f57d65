"""Compressed data without content: refused, or counted in the budget of a poll."""

import gzip
import os
import struct
from collections.abc import Sequence

import cramjam
import pytest
from aiokafka import TopicPartition

from shared.messaging.batches import OpenBatch
from shared.messaging.decompression import (
    SNAPPY_BLOCKS_MAX,
    Codec,
    NotDecompressed,
    decompress_into,
)
from shared.messaging.fetched import POLL_BYTES_MAX
from tests.shared.messaging.raw_batches import HEADER_BYTES, batch_of

XERIAL = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1)
# A frame of zstd without content: magic number, header, one last empty block.
EMPTY_FRAME = b"\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"
PLAIN = os.urandom(500) * 100


def snappy(blocks: Sequence[bytes]) -> bytes:
    compressed = [bytes(cramjam.snappy.compress_raw(block)) for block in blocks]
    return XERIAL + b"".join(struct.pack(">i", len(block)) + block for block in compressed)


def plain_of(codec: Codec, payload: bytes) -> bytes:
    room = memoryview(bytearray(1_000_000))
    return bytes(room[: decompress_into(codec, memoryview(payload), room)])


@pytest.mark.parametrize(
    ("codec", "payload"),
    [
        (Codec.GZIP, gzip.compress(PLAIN)),
        (Codec.SNAPPY, bytes(cramjam.snappy.compress_raw(PLAIN))),
        (Codec.SNAPPY, snappy([PLAIN[at : at + 100] for at in range(0, len(PLAIN), 100)])),
    ],
)
def test_usual_data_is_decompressed(codec: Codec, payload: bytes) -> None:
    assert plain_of(codec, payload) == PLAIN


@pytest.mark.parametrize(
    ("codec", "payload"),
    [
        (Codec.SNAPPY, snappy([b"", PLAIN])),
        (Codec.SNAPPY, snappy([PLAIN, b""])),
        (Codec.SNAPPY, snappy([b"x"] * (SNAPPY_BLOCKS_MAX + 1))),
        (Codec.GZIP, gzip.compress(b"") + gzip.compress(PLAIN)),
        (Codec.GZIP, gzip.compress(PLAIN) + b"\0"),
        (Codec.GZIP, gzip.compress(PLAIN)[:-1]),
        (Codec.GZIP, gzip.compress(bytes(1_000_001))),
    ],
)
def test_parts_without_content_damage_and_too_much_are_refused(codec: Codec, payload: bytes) -> None:
    with pytest.raises(NotDecompressed):
        plain_of(codec, payload)


def test_blocks_of_snappy_may_be_as_many_as_allowed() -> None:
    assert plain_of(Codec.SNAPPY, snappy([b"x"] * SNAPPY_BLOCKS_MAX)) == b"x" * SNAPPY_BLOCKS_MAX


def opened(codec: Codec, before: bytes) -> OpenBatch:
    batch = bytes(batch_of([("said", b"k", b"v", [])], codec=0, bytes_max=1_000_000))
    payload = before + bytes(cramjam.zstd.compress(batch[HEADER_BYTES:]))
    return OpenBatch(TopicPartition("said", 0), memoryview(batch[:HEADER_BYTES] + payload), codec, 1)


def test_a_megabyte_of_empty_frames_ends_the_poll() -> None:
    batch = opened(Codec.ZSTD, EMPTY_FRAME * 120_000)
    [record] = batch.take(0, 10)
    assert record.value == b"v"
    assert batch.cost_bytes >= POLL_BYTES_MAX


def test_a_megabyte_that_cannot_be_decompressed_ends_the_poll() -> None:
    batch = opened(Codec.SNAPPY, EMPTY_FRAME * 120_000)
    batch.take(0, 10)
    assert batch.cost_bytes >= POLL_BYTES_MAX


def test_a_usual_batch_costs_what_it_has() -> None:
    batch = opened(Codec.ZSTD, b"")
    batch.take(0, 10)
    assert batch.cost_bytes < 500
