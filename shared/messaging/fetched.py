"""
The records of a fetch. Bytes that cannot be read become a record that says so.

aiokafka raises in the middle of a poll when a batch is damaged, is compressed in an unknown way, or has a
header whose name is not UTF-8. It does not say where, it never gets past that place, and the records that
the same poll took from other partitions are lost. `install` replaces the class that does this by
`FetchedRecords`, which never raises because of a record's content. Instead an `Unreadable` with the offset
stands among the other records, and reading goes on behind it.

Source: Kafka's message format 2, https://kafka.apache.org/documentation/#recordbatch
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aiokafka.consumer.fetcher as aiokafka_fetcher
from aiokafka import ConsumerRecord
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.util import decode_varint

from shared.contracts.envelope import HEADERS_MAX
from shared.messaging.decompression import DECOMPRESSED_BYTES_MAX, NotDecompressed, decompress_into

# Larger batches are read record by record, and each record's count of headers is checked first. In a smaller
# batch no count of headers can cost much.
TRUSTED_BYTES_MAX = 1_048_576

# Base offset, length, leader epoch, magic, checksum, attributes, last offset delta.
_HEADER = struct.Struct(">qiibIhi")
_HEADER_BYTES = 61
_LENGTH = struct.Struct(">i")
_LENGTH_AT = 8
_LENGTH_ENDS = 12
_ATTRIBUTES = struct.Struct(">h")
_ATTRIBUTES_AT = 21
_CODEC_BITS = 0x07
_MAGIC = 2
# All consumers decompress their batches here, one after the other, and copy the result.
_room = bytearray(_HEADER_BYTES + DECOMPRESSED_BYTES_MAX)


@dataclass
class Unreadable(ConsumerRecord):  # type: ignore[misc]
    """Stands for a record that cannot be read, or for a whole batch up to `last_offset`."""

    last_offset: int = -1
    why: str = ""


class Batches:
    """The batches of one partition in the bytes of a fetch; the last one may be cut off."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0

    def size_in_bytes(self) -> int:
        """How many bytes there are."""
        return len(self._data)

    def has_next(self) -> bool:
        """Whether a whole batch follows."""
        return self._end() <= len(self._data)

    def next_batch(self) -> memoryview:
        """The bytes of the next batch, which is there."""
        at, self._at = self._at, self._end()
        return self._data[at : self._at]

    def _end(self) -> int:
        if self._at + _HEADER.size > len(self._data):
            return len(self._data) + 1
        (length,) = _LENGTH.unpack_from(self._data, self._at + _LENGTH_AT)
        # An impossible length must not stop the reading.
        return int(self._at + _LENGTH_ENDS + max(length, _HEADER.size - _LENGTH_ENDS))


class FetchedRecords(PartitionRecords):  # type: ignore[misc]
    """Does what the class of aiokafka does, for any content."""

    _records: Batches

    def _unpack_records(self) -> Iterator[ConsumerRecord[bytes, bytes]]:
        while self._records.has_next():
            raw = self._records.next_batch()
            base_offset, _, _, magic, _, attributes, last_delta = _HEADER.unpack_from(raw)
            after = base_offset + max(0, last_delta) + 1
            if magic != _MAGIC or len(raw) < _HEADER_BYTES:
                after = base_offset + 1
                yield from self._unreadable(base_offset, after, f"message format {magic}")
                continue
            batch = DefaultRecordBatch(raw)
            if self._check_crcs and not batch.validate_crc():
                yield from self._unreadable(base_offset, after, "its checksum is wrong")
            elif not self._left_out(batch):
                yield from self._records_of(raw, batch, attributes & _CODEC_BITS, after)
            self.next_fetch_offset = after

    def _left_out(self, batch: Any) -> bool:
        """Whether the batch is a marker of a transaction, or part of an aborted one."""
        if self._isolation_level == READ_COMMITTED and batch.producer_id is not None:
            self._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and self._contains_abort_marker(batch):
                self._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in self._aborted_producers:
                return True
        return bool(batch.is_control_batch)

    def _records_of(
        self, raw: memoryview, batch: Any, codec: int, after: int
    ) -> Iterator[ConsumerRecord[bytes, bytes]]:
        if codec:
            try:
                raw = _decompressed(raw, codec)
            except NotDecompressed as error:
                yield from self._unreadable(batch.base_offset, after, str(error))
                return
            batch = DefaultRecordBatch(raw)
        if len(raw) <= TRUSTED_BYTES_MAX:
            try:
                for record in batch:
                    if record.offset >= self.next_fetch_offset:
                        found = self._consumer_record(self._tp, record)
                        self.next_fetch_offset = record.offset + 1
                        yield found
            except (CorruptRecordException, ValueError, IndexError):
                # One of them is wrong: find it, and keep its neighbours.
                pass
            else:
                return
        yield from self._one_by_one(raw, after)

    def _one_by_one(self, raw: memoryview, after: int) -> Iterator[ConsumerRecord[bytes, bytes]]:
        batch = _DefaultRecordBatchPy(raw)
        for begins, length in _bounds(batch):
            offset = -1
            try:
                offset = batch.base_offset + _offset_delta(batch._buffer, begins + length)  # noqa: SLF001
                if offset < self.next_fetch_offset:
                    continue
                batch._pos = begins  # noqa: SLF001 (nothing public reads a single record)
                _check_headers(batch._buffer, begins + length)  # noqa: SLF001
                record = batch._read_msg()  # noqa: SLF001
            except (CorruptRecordException, ValueError, IndexError) as error:
                # If even the offset is damaged, take the one that is expected here.
                offset = offset if self.next_fetch_offset <= offset < after else self.next_fetch_offset
                yield from self._unreadable(offset, min(offset + 1, after), type(error).__name__)
                continue
            self.next_fetch_offset = record.offset + 1
            yield self._consumer_record(self._tp, record)
        if batch._next_record_index < batch._num_records:  # noqa: SLF001
            yield from self._unreadable(self.next_fetch_offset, after, "its length is wrong")

    def _unreadable(self, first: int, after: int, why: str) -> Iterator[Unreadable]:
        first = max(first, self.next_fetch_offset)
        if first < after:
            self.next_fetch_offset = after
            yield Unreadable(
                *(self._tp.topic, self._tp.partition, first, 0, 0),
                *(None, None, None, -1, -1, ()),
                last_offset=after - 1,
                why=why,
            )


def _decompressed(raw: memoryview, codec: int) -> memoryview:
    """
    The batch as it would be without compression.

    Raises:
        NotDecompressed: it cannot be decompressed, or is too large then.
    """
    room = memoryview(_room)
    size = decompress_into(codec, raw[_HEADER_BYTES:], room[_HEADER_BYTES:])
    room[:_HEADER_BYTES] = raw[:_HEADER_BYTES]
    (attributes,) = _ATTRIBUTES.unpack_from(raw, _ATTRIBUTES_AT)
    _ATTRIBUTES.pack_into(room, _ATTRIBUTES_AT, attributes & ~_CODEC_BITS)
    # Copied, since the records are taken out of it later, one by one.
    return memoryview(bytes(room[: _HEADER_BYTES + size]))


def _bounds(batch: Any) -> Iterator[tuple[int, int]]:
    """The start of each record of an uncompressed batch and the size of its length field, while they fit."""
    buffer, at = batch._buffer, _HEADER_BYTES  # noqa: SLF001 (nothing public says where records are)
    while batch._next_record_index < batch._num_records:  # noqa: SLF001
        try:
            length, body = decode_varint(buffer, at)
        except (ValueError, IndexError):
            return
        if length <= 0 or body + length > len(buffer):
            return
        batch._next_record_index += 1  # noqa: SLF001
        yield at, body - at
        at = body + length


def _offset_delta(buffer: bytearray, body: int) -> int:
    # After one byte of attributes and the time.
    _, at = decode_varint(buffer, body + 1)
    return int(decode_varint(buffer, at)[0])


def _check_headers(buffer: bytearray, body: int) -> None:
    """
    Look at the count of a record's headers before they are made.

    Raises:
        ValueError: there are too many.
    """
    _, at = decode_varint(buffer, body + 1)
    _, at = decode_varint(buffer, at)
    for _ in ("key", "value"):
        size, at = decode_varint(buffer, at)
        at += max(0, size)
    count, _ = decode_varint(buffer, at)
    if count > HEADERS_MAX:
        raise ValueError(f"{count} headers")


def install() -> None:
    """Have every consumer of this process read by these classes."""
    aiokafka_fetcher.MemoryRecords = Batches
    aiokafka_fetcher.PartitionRecords = FetchedRecords
