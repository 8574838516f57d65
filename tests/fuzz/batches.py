"""
Damaged batches for the code that reads a fetch, in a process of its own: `python -m tests.fuzz.batches`.

A damaged batch lies between two good ones. Whatever its bytes are, the good ones must be read, and each of
its offsets must become a record or lie in an `Unreadable`.
"""

import argparse
import random
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.consumer.fetcher import READ_COMMITTED

from shared.contracts.envelope import HEADERS_MAX
from shared.messaging import batches, decompression, fetched, record_bounds
from shared.messaging.batches import HEADER_BYTES, Unreadable
from tests.fuzz.damage import NUMBERS, damaged, varint
from tests.fuzz.guarded import Guarded
from tests.fuzz.guided import explore
from tests.shared.messaging.raw_batches import batch_of, checked

PLACE = TopicPartition("fuzzed", 0)
# Attributes, offset of the last record, times, producer, sequence, number of records.
FIELDS = struct.Struct(">hiqqqhii")
FIELDS_AT = 21
CONTROL_BIT = 0x20
ENCODERS = {1: gzip_encode, 2: snappy_encode, 3: lz4_encode, 4: zstd_encode}
TURNS_MAX = 100_000
MODULES = (batches, decompression, fetched, record_bounds)


def record_with(dice: random.Random, number: int, wrong: bool) -> bytes:
    """The bytes of one record; if wrong, with some of its numbers replaced."""

    def told(right: int) -> bytes:
        return varint(dice.choice(NUMBERS) if wrong and dice.random() < 0.15 else right)

    def text(content: bytes | None) -> bytes:
        return told(-1) if content is None else told(len(content)) + content

    key = dice.choice((None, b"", b"key", dice.randbytes(20)))
    value = dice.choice((None, b"", b"{}", dice.randbytes(100), b" " * dice.choice((10, 3_000, 9_000))))
    headers = dice.choice((0, 1, 3))
    if dice.random() < 0.02:
        headers = dice.choice((HEADERS_MAX, HEADERS_MAX + 1, 3_000))
    body = bytes([dice.choice((0, 0, 0x80, 0xFF)) if wrong else 0]) + told(0) + told(number)
    body += text(key) + text(value) + told(headers)
    for _ in range(headers):
        name = b"\xff\xfe" if wrong and dice.random() < 0.02 else dice.choice((b"", b"ce_id"))
        body += text(name) + text(dice.choice((None, b"", b"x" * 9)))
    return told(len(body)) + body


def batch_with(dice: random.Random) -> bytes:
    """A batch with any faults in its records, its compressed bytes, its header and its checksum."""
    count = dice.choice((1, 1, 2, 5, 30))
    wrong = dice.random() < 0.9
    plain = b"".join(record_with(dice, number, wrong and dice.random() < 0.5) for number in range(count))
    if wrong and dice.random() < 0.3:
        plain = damaged(plain, dice)
    codec = dice.choice((0, 0, 0, *ENCODERS))
    packed = ENCODERS[codec](plain) if codec else plain
    if wrong and codec and dice.random() < 0.2:
        packed = damaged(packed, dice)
    fields = [codec, count - 1, 0, 0, -1, -1, -1, count]
    if wrong and dice.random() < 0.3:
        fields[dice.randrange(len(fields))] = dice.choice((0, 1, -1, 7, 0x10, 0x20, 0x30, 2_000, 2**31 - 1))
        fields[0] &= 0x7FFF
        fields[5] = min(fields[5], 2**15 - 1)
    return whole(bytes(batch_of([])[:FIELDS_AT]) + FIELDS.pack(*fields) + packed)


def whole(batch: bytes) -> bytes:
    """The batch with its length, the magic and the checksum that it should have."""
    found = bytearray(batch.ljust(HEADER_BYTES, b"\0"))
    struct.pack_into(">qiib", found, 0, 0, len(found) - 12, 0, 2)
    return bytes(checked(found))


def remade(batch: bytes, dice: random.Random, others: Sequence[bytes]) -> bytes:
    """A damaged batch, damaged once more. Its checksum is right, or it would only be stepped past."""
    return whole(damaged(batch, dice, others))


class Reading:
    """Reads a damaged batch between two good ones, and judges what came out."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._guarded = Guarded()
        self._good = batch_of([("", b"k", b"good", [("h", b"v")])] * 3, codec=0)
        self.records = self.unreadable = 0

    def __call__(self, batch: bytes) -> None:
        """
        Raises:
            AssertionError: an offset is missing, or a good record.
        """
        attributes, last_delta, *_, count = FIELDS.unpack_from(batch, FIELDS_AT)
        after = 3 + max(0, last_delta) + 1
        log = b"".join(_at(one, base) for one, base in ((self._good, 0), (batch, 3), (self._good, after)))
        found = self._read(log)
        assert [(one.offset, one.value) for one in found[:3]] == [(n, b"good") for n in range(3)]
        assert [(one.offset, one.value) for one in found[-3:]] == [(after + n, b"good") for n in range(3)]
        between = found[3:-3]
        self.unreadable += sum(isinstance(one, Unreadable) for one in between)
        self.records += len(between)
        if attributes & CONTROL_BIT or (count <= 0 and len(batch) == HEADER_BYTES):
            return
        assert between, "a batch has vanished"
        assert all(3 <= one.offset < after for one in between), "an offset of another batch"
        if count == last_delta + 1:
            expected = 3
            for one in between:
                assert one.offset <= expected, f"{expected} has vanished"
                expected = one.last_offset + 1 if isinstance(one, Unreadable) else one.offset + 1
            assert expected == after, f"{expected} has vanished"

    def _read(self, log: bytes) -> list[Any]:
        guarded = self._guarded.holding(log)
        reading = fetched.FetchedRecords(
            PLACE, fetched.Batches(guarded), [], 0, None, None, True, READ_COMMITTED
        )
        records_max = self._dice.choice((1_000, 1_000, 1, 7))
        found: list[Any] = []
        for _ in range(TURNS_MAX):
            if reading.ended:
                return found
            some, _ = reading.take(records_max, self._dice.choice((fetched.POLL_BYTES_MAX, 1, 9_000)))
            assert len(some) <= records_max, "more than was asked for"
            found += some
            assert not found or reading.next_fetch_offset > found[-1].offset, "it would be read again"
        raise AssertionError("it does not end")


def _at(batch: bytes | bytearray, base: int) -> bytes:
    moved = bytearray(batch)
    struct.pack_into(">q", moved, 0, base)
    return bytes(moved)


def read_alone(batch: bytes, offset: int) -> list[Any]:
    """What a fetch of one batch gives from this offset on."""
    reading = fetched.FetchedRecords(
        PLACE, fetched.Batches(batch), [], offset, None, None, True, READ_COMMITTED
    )
    found: list[Any] = []
    while not reading.ended:
        found += reading.take(1_000, fetched.POLL_BYTES_MAX)[0]
    return found


def play(inputs: int, seed: int, at_file: Path | None) -> str:
    """Half of the inputs at random, half guided by coverage: what became of them."""
    dice = random.Random(seed)  # noqa: S311 (no secret)
    read = Reading(dice)
    number = 0

    def target(batch: bytes) -> None:
        nonlocal number
        number += 1
        if at_file is not None:
            # Whoever finds this process dead finds the input here.
            at_file.write_bytes(batch)
        try:
            read(batch)
        except Exception as error:
            raise AssertionError(f"input {number} of seed {seed}: {batch.hex()}") from error

    for _ in range(inputs // 2):
        target(batch_with(dice))
    seeds = [batch_with(dice) for _ in range(20)]
    corpus = explore(target, seeds, MODULES, inputs=inputs - inputs // 2, dice=dice, mutate=remade)
    return (
        f"{number:,} batches: {read.records:,} records came out, {read.unreadable:,} of them as unreadable; "
        f"{len(corpus.kept)} inputs reached something new"
    )


def played_apart(inputs: int, seed: int, folder: Path) -> str:
    """
    The same in another process: what became of the inputs.

    Raises:
        AssertionError: the process died, or found a fault; with the input.
    """
    at_file = folder / "input"
    command = [sys.executable, "-m", "tests.fuzz.batches", "--inputs", str(inputs), "--seed", str(seed)]
    done = subprocess.run([*command, "--at", str(at_file)], capture_output=True, text=True, check=False)
    if done.returncode:
        last = at_file.read_bytes().hex() if at_file.exists() else "none"
        raise AssertionError(f"exit {done.returncode}; {done.stderr[-3_000:]}\nthe last input: {last}")
    return done.stdout.strip()


def main() -> None:
    """Fuzz, and say what became of the inputs."""
    parser = argparse.ArgumentParser(description="Damaged batches for the code that reads a fetch.")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same inputs")
    parser.add_argument("--at", type=Path, help="a file for the present input, to find the one that kills")
    chosen = parser.parse_args()
    sys.stdout.write(play(chosen.inputs, chosen.seed, chosen.at) + "\n")


if __name__ == "__main__":
    main()
