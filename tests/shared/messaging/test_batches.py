"""Batches read a piece at a time give the same records as read at once, whatever the codec and the pieces."""

import os
import random
import struct
import time
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED

from shared.contracts.envelope import HEADERS_MAX
from shared.messaging.batches import PIECE_BYTES_MAX, Unreadable
from shared.messaging.decompression import Codec
from shared.messaging.fetched import POLL_BYTES_MAX, Batches, FetchedRecords
from shared.messaging.publisher import BATCH_BYTES_MAX, Record
from tests.fuzz.damage import varint
from tests.fuzz.guarded import Guarded
from tests.shared.messaging.raw_batches import HEADER_BYTES, batch_of, checked
from tests.support.slowness import slowness

PLACE = TopicPartition("said", 3)
CODECS = (0, *Codec)


def records_of(sizes: Sequence[int]) -> list[Record]:
    return [
        (
            "said",
            b"k%d" % n if n % 3 else None,
            os.urandom(size // 2) + b" " * (size // 2),
            [("n", b"%d" % n)],
        )
        for n, size in enumerate(sizes)
    ]


def log_of(batches: Sequence[Sequence[Record]], codec: int) -> bytes:
    log, offset = bytearray(), 0
    for records in batches:
        batch = batch_of(records, codec=codec, bytes_max=8_000_000)
        struct.pack_into(">q", batch, 0, offset)
        log += batch
        offset += len(records)
    return bytes(log)


def fetched(log: bytes | memoryview, offset: int = 0) -> FetchedRecords:
    return FetchedRecords(PLACE, Batches(log), [], offset, None, None, True, READ_COMMITTED)


def read(log: bytes, records_max: int, bytes_max: int, offset: int = 0) -> list[Any]:
    """All records, by so many at a time; between two times others use the room for decompressing."""
    reading, other = fetched(log, offset), log_of([records_of([50] * 9)], Codec.ZSTD)
    found: list[Any] = []
    while not reading.ended:
        some, _ = reading.take(records_max, bytes_max)
        assert len(some) <= records_max
        found += some
        assert reading.next_fetch_offset > (found[-1].offset if found else -1)
        fetched(other).take(1, 1)
    return found


def test_batches_of_our_own_are_read_whole_and_a_poll_takes_many() -> None:
    assert BATCH_BYTES_MAX + HEADER_BYTES <= PIECE_BYTES_MAX < POLL_BYTES_MAX // 8


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("records_max", "bytes_max"), [(1000, 2**40), (1, 2**40), (7, 2**40), (1000, 1), (3, 9_000)]
)
def test_pieces_are_the_same_records_as_the_whole(codec: int, records_max: int, bytes_max: int) -> None:
    dice = random.Random(codec)  # noqa: S311 (the same in each run)
    batches = [
        records_of([dice.choice((0, 1, 200, 5_000)) for _ in range(40)]),
        records_of([10]),
        # Larger than a piece: of many records, of a few, of a single one among small ones.
        records_of([900] * 400),
        records_of([100, 600_000, 100, 400_000]),
        records_of([300] * 5),
    ]
    expected = [(key, value, tuple(headers)) for records in batches for _, key, value, headers in records]
    found = read(log_of(batches, codec), records_max, bytes_max)
    assert [(record.key, record.value, record.headers) for record in found] == expected
    assert [record.offset for record in found] == list(range(len(expected)))
    assert {(record.topic, record.partition) for record in found} == {PLACE}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("offset", [0, 1, 39, 40, 250, 440])
def test_reading_begins_in_the_middle_of_a_batch(codec: int, offset: int) -> None:
    log = log_of([records_of([10] * 40), records_of([900] * 400), records_of([1])], codec)
    for records_max in (1000, 13):
        found = read(log, records_max, 2**40, offset)
        assert [record.offset for record in found] == list(range(offset, 441))


@pytest.mark.parametrize("neighbours", [4, 800])
def test_record_of_too_many_headers_is_stepped_past_alone(neighbours: int) -> None:
    records = records_of([600] * neighbours)
    records[2][3].extend([("", b"")] * (HEADERS_MAX + 1))
    found = read(log_of([records], Codec.ZSTD), 100, 2**40)
    assert [record.offset for record in found] == list(range(neighbours))
    assert [record.offset for record in found if isinstance(record, Unreadable)] == [2]


@pytest.mark.parametrize("records", [1, 30], ids=["read whole", "read in pieces"])
def test_headers_are_counted_before_they_are_built(records: int) -> None:
    """A hundred bytes that are 130,000 headers cost no more than a hundred bytes of good records do."""
    many: list[Record] = [("said", b"k", b"{}", [("", b"")] * 130_000)] * records
    log = log_of([many], Codec.ZSTD)
    assert len(log) < 1_000

    def seconds() -> float:
        reading = fetched(log)
        began = time.process_time()
        while not reading.ended:
            reading.take(1_000, 2**40)
        return (time.process_time() - began) / records

    assert [type(one) for one in read(log, 1_000, 2**40)] == [Unreadable] * records
    # Building the headers of a record takes 10 ms and more.
    assert min(seconds() for _ in range(5)) < 0.004 * slowness()


@pytest.mark.parametrize("neighbours", [4, 800])
def test_record_whose_length_is_wrong_takes_those_behind_it_along_and_no_others(neighbours: int) -> None:
    records = records_of([600] * neighbours)
    batch = batch_of(records)
    whole = len(batch_of(records[:2]))
    # The largest length that there is: it goes far beyond the end.
    batch[whole : whole + 5] = b"\xfe\xff\xff\xff\x0f"
    found = read(bytes(checked(batch)), 100, 2**40)
    assert [(record.offset, isinstance(record, Unreadable)) for record in found] == [
        (0, False),
        (1, False),
        (2, True),
    ]
    assert found[-1].last_offset == neighbours - 1


def test_what_is_stepped_past_ends_a_poll_too() -> None:
    # A broken batch each: nothing of them is read, and all of them are looked at.
    batch = batch_of(records_of([1]))
    batch[-1] ^= 1
    log = bytearray()
    for offset in range(20_000):
        struct.pack_into(">q", batch, 0, offset)
        log += batch
    found, cost_bytes = fetched(bytes(log)).take(10**9, POLL_BYTES_MAX)
    assert len(found) < 5_000
    assert cost_bytes >= POLL_BYTES_MAX


def raw_record(
    offset: int, *, length: int | None = None, key: int = 2, headers: int = 0, rest: bytes = b""
) -> bytes:
    """A record byte by byte. `length`, `key` and `headers` are what it says of itself."""
    content = b"\0" + varint(0) + varint(offset) + varint(key) + b"kk" + varint(2) + b"{}" + varint(headers)
    content += rest
    return varint(len(content) if length is None else length) + content


def raw_batch(records: Sequence[bytes], *, count: int | None = None, last: int | None = None) -> bytes:
    """A batch of these records, which says that it has `count`."""
    batch = batch_of([])[:HEADER_BYTES] + b"".join(records)
    struct.pack_into(">i", batch, 8, len(batch) - 12)
    struct.pack_into(">i", batch, 23, len(records) - 1 if last is None else last)
    struct.pack_into(">i", batch, 57, len(records) if count is None else count)
    return bytes(checked(batch))


def places(found: Sequence[Any]) -> list[tuple[int, int | None]]:
    """The offset of each record, and the last one for which an unreadable record stands."""
    return [(one.offset, one.last_offset if isinstance(one, Unreadable) else None) for one in found]


FILLER = b"x" * 5_000


@pytest.mark.parametrize(
    "wrong",
    [
        raw_record(1, key=2**40),
        raw_record(1, key=2**40, rest=FILLER),
        raw_record(1, key=2**63 - 1),
        raw_record(1, key=2**63 - 100),
        raw_record(1, key=2**63 - 100, rest=FILLER),
        raw_record(1, headers=2, rest=varint(2**62)),
        raw_record(1, headers=2, rest=varint(2**63 - 1)),
        raw_record(1, headers=-1),
        raw_record(1, headers=1, rest=b"\xff" * 20),
        raw_record(1, length=1),
    ],
)
def test_record_that_lies_about_its_parts_is_stepped_past_and_no_memory_behind_it_is_read(
    wrong: bytes,
) -> None:
    """aiokafka's parser ended the process, or raised errors that ended the poll."""
    records = [raw_record(0), wrong, raw_record(2)]
    for records_max in (1_000, 1):
        found = places(read(raw_batch(records), records_max, 2**40))
        # Behind a wrong length the next record cannot be found.
        expected = ([(1, 1), (2, None)], [(1, 2)], [(1, 1), (2, 2)])
        assert found[0] == (0, None)
        assert found[1:] in expected


def test_batch_that_says_it_has_more_records_does_not_lead_behind_its_end() -> None:
    """Each length led 4 KB on, through 8 MB that belong to others."""
    short = [raw_record(0), raw_record(1, length=4_000)]
    # Whoever reads behind the end of this memory ends the process.
    log = Guarded().holding(raw_batch(short, count=2_000, last=1_999))
    assert places(fetched(log).take(1_000, 2**40)[0]) == [(0, None), (1, 1_999)]


@pytest.mark.parametrize("count", [0, -1])
def test_batch_that_says_it_has_no_records_does_not_vanish(count: int) -> None:
    found = places(read(raw_batch([raw_record(0), raw_record(1)], count=count), 1_000, 2**40))
    assert found == [(0, 1)]


def test_batch_that_compaction_has_emptied_is_no_fault() -> None:
    assert read(raw_batch([], count=0, last=4), 1_000, 2**40) == []


def test_bytes_behind_the_records_do_not_vanish() -> None:
    found = read(raw_batch([raw_record(0), raw_record(1)], count=1), 1_000, 2**40)
    assert places(found) == [(0, None), (1, 1)]
    assert found[-1].why == f"{len(raw_record(1))} bytes behind its records"


@pytest.mark.parametrize("records_max", [1_000, 1])
def test_offset_that_belongs_to_another_batch_makes_nobody_skip_that_batch(records_max: int) -> None:
    """Kafka takes such a batch. The reader jumped to the offset, and lost the records between."""
    log = bytearray(raw_batch([raw_record(0), raw_record(7), raw_record(2)]))
    good = bytearray(raw_batch([raw_record(number) for number in range(6)]))
    struct.pack_into(">q", good, 0, 3)
    found = places(read(bytes(log + good), records_max, 2**40))
    assert found == [(0, None), (1, 1), *((offset, None) for offset in range(2, 9))]


@pytest.mark.parametrize("attributes", [0x20, 0x30, 0x21])
def test_batch_that_is_said_to_be_a_marker_and_is_none_is_stepped_past(attributes: int) -> None:
    """aiokafka raised out of the poll, again and again."""
    for records in ([], [raw_record(0)], [raw_record(0, key=2**63 - 1)]):
        batch = bytearray(raw_batch(records, last=0))
        struct.pack_into(">h", batch, 21, attributes)
        struct.pack_into(">q", batch, 43, 1)
        assert [one[0] for one in places(read(bytes(checked(batch)), 1_000, 2**40))] in ([], [0])
