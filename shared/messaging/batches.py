"""
The records of one batch, a piece at a time. A record that cannot be read becomes an `Unreadable` record.

A batch of another system costs bounded memory and time. A piece has at most `PIECE_BYTES_MAX`, or a single
record. If a record may have thousands of headers, they are counted before the record is built. A batch that
fits one piece is read whole, and the records that a poll does not take wait for the next poll. A larger batch
does not stay decompressed between two polls: the next poll decompresses it again, and goes on where the last
poll ended.

aiokafka's parser is C code that trusts lengths: it reads behind the end of the buffer, which can end the
process. So every length is checked (`record_bounds.py`), or the buffer has `SLACK_BYTES` behind its end.

Source: Kafka's message format 2, https://kafka.apache.org/documentation/#recordbatch
"""

import struct
from dataclasses import dataclass
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

from shared.contracts.envelope import HEADERS_MAX
from shared.messaging.decompression import DECOMPRESSED_BYTES_MAX, NotDecompressed, decompress_into
from shared.messaging.record_bounds import SLACK_BYTES, all_within, bounds_at, parts_of

# Base offset, length, leader epoch, magic, checksum, attributes, last offset delta.
HEADER = struct.Struct(">qiibIhi")
HEADER_BYTES = 61
CODEC_BITS = 0x07
# A batch of our own publishers fits one piece, which is the fast way.
PIECE_BYTES_MAX = 262_144 + 4_096
# A batch with more records is read in pieces: small records are many, and each takes 3 us.
WHOLE_RECORDS_MAX = 2_000
# The headers of a larger record are counted before it is built. Our own records are smaller.
UNCOUNTED_BYTES_MAX = 4_096
# The cost of each batch beside its bytes, so that many tiny batches end a poll too.
BATCH_COST_BYTES = 1_024
# The cost of a batch that cannot be decompressed.
USELESS_COST_BYTES = 1_048_576
# If a record was built and then refused for too many headers: the cost of each header.
HEADER_COST_BYTES = 16
# Decompressing costs less time than building records of the same bytes.
DECOMPRESSED_BYTES_A_COST_BYTE = 4
# The cost of each compressed byte without content. 1 MB of empty frames takes 0.1 s, and ends the poll.
COST_BYTES_A_USELESS_BYTE = 4

_ATTRIBUTES = struct.Struct(">h")
_ATTRIBUTES_AT = 21
_COUNT = struct.Struct(">i")
_COUNT_AT = 57
# All consumers decompress their batches here, one after the other.
_room = bytearray(HEADER_BYTES + DECOMPRESSED_BYTES_MAX + SLACK_BYTES)
_slack = bytes(SLACK_BYTES)
_BASE = struct.Struct(">q")

WRONG = (CorruptRecordException, ValueError, IndexError, OverflowError)
"""What a damaged record raises."""
# aiokafka also tries to reserve memory for a length near 2**63. Such records are then checked one by one, and
# memory that has really run out raises there again.
SUSPICIOUS = (*WRONG, MemoryError)


@dataclass
class Unreadable(ConsumerRecord):  # type: ignore[misc]
    """Stands for a record that cannot be read, or for a whole batch up to `last_offset`."""

    last_offset: int = -1
    why: str = ""


def unreadable(place: TopicPartition, first: int, after: int, why: str) -> Unreadable:
    """Stands for the records from `first` up to the one before `after`."""
    return Unreadable(
        *(place.topic, place.partition, first, 0, 0),
        *(None, None, None, -1, -1, ()),
        last_offset=after - 1,
        why=why,
    )


def with_slack(plain: Any) -> memoryview:
    """The same bytes in a buffer with slack behind their end."""
    if isinstance(plain, memoryview) and plain.obj is _room:
        return plain
    return memoryview(bytes(plain) + _slack)[: len(plain)]


class OpenBatch:
    """
    A batch that is being read.

    Args:
        raw: the bytes from the broker, with a whole header and the right checksum.
        after: the offset behind the batch.
    """

    __slots__ = (
        *("_at", "_base", "_codec", "_count", "_is_dense", "_last", "_place", "_plain", "_raw", "_read"),
        "_rest",
        *("after", "cost_bytes"),
    )

    def __init__(self, place: TopicPartition, raw: memoryview, codec: int, after: int) -> None:
        self.after = after
        self.cost_bytes = 0
        self._place = place
        self._raw = raw
        self._codec = codec
        (self._base,) = _BASE.unpack_from(raw)
        (self._count,) = _COUNT.unpack_from(raw, _COUNT_AT)
        # Compaction has removed nothing, so each record's offset follows from its place in the batch.
        self._is_dense = self._count == after - self._base
        # The offset of the last record that was read.
        self._last = self._base - 1
        self._read = 0
        # Records that were read, but did not fit the last poll.
        self._rest: list[Any] = []
        self._at = HEADER_BYTES
        self._plain: memoryview | None = None if codec else raw

    @property
    def ended(self) -> bool:
        """Whether all records are read and taken."""
        return bool(self._read >= self._count) and not self._rest

    def take(self, offset: int, records_max: int) -> list[Any]:
        """
        The records of the next piece, from `offset` on. The list may be empty although more pieces follow.

        Adds the cost of the piece to `cost_bytes`.
        """
        if self._rest:
            return self._some(self._rest, records_max)
        if self._count <= 0:
            # Compaction leaves batches without records, and these have no bytes either.
            has_bytes = len(self._raw) > HEADER_BYTES
            return self._give_up(offset, f"{self._count} records") if has_bytes else []
        if self._plain is None:
            try:
                self._decompress()
            except NotDecompressed as error:
                self.cost_bytes += USELESS_COST_BYTES + self._useless_bytes(0)
                return self._give_up(offset, str(error))
        plain: Any = self._plain
        if (
            not self._read
            and len(plain) <= PIECE_BYTES_MAX
            and self._count <= WHOLE_RECORDS_MAX
            and all_within(plain, HEADER_BYTES, self._count, UNCOUNTED_BYTES_MAX)
        ):
            self.cost_bytes += len(plain)
            self._read = self._count
            try:
                return self._some(self._records(with_slack(plain), offset, 0), records_max)
            except SUSPICIOUS:
                self._read = 0
        return self._take_some(plain, offset, records_max)

    def pause(self) -> None:
        """Drop a large decompressed batch. The next poll decompresses it again."""
        if self._rest:
            # The whole batch is read.
            self._plain = None
        elif self._plain is not None and self._plain.obj is _room:
            large = len(self._plain) > PIECE_BYTES_MAX
            # Other consumers use the room before the next poll, so keep a copy of a small batch.
            self._plain = None if large else with_slack(bytes(self._plain))

    def _some(self, records: list[Any], records_max: int) -> list[Any]:
        """The first of these records; the others wait for the next poll."""
        self._rest = records[records_max:]
        return records[:records_max] if self._rest else records

    def _decompress(self) -> None:
        """
        Raises:
            NotDecompressed: the batch cannot be decompressed, or its content is too large.
        """
        room = memoryview(_room)
        size = decompress_into(self._codec, self._raw[HEADER_BYTES:], room[HEADER_BYTES:])
        room[:HEADER_BYTES] = self._raw[:HEADER_BYTES]
        (attributes,) = _ATTRIBUTES.unpack_from(room, _ATTRIBUTES_AT)
        _ATTRIBUTES.pack_into(room, _ATTRIBUTES_AT, attributes & ~CODEC_BITS)
        self._plain = room[: HEADER_BYTES + size]
        self.cost_bytes += self._useless_bytes(size)
        if size > PIECE_BYTES_MAX:
            self.cost_bytes += size // DECOMPRESSED_BYTES_A_COST_BYTE

    def _useless_bytes(self, size: int) -> int:
        """The cost of compressed bytes without content, if `size` bytes came out."""
        return max(0, len(self._raw) - HEADER_BYTES - size) * COST_BYTES_A_USELESS_BYTE

    def _give_up(self, offset: int, why: str) -> list[Any]:
        self._read = self._count
        # Something is told in any case, also if a wrong record has taken the last offset.
        return [unreadable(self._place, min(offset, self.after - 1), self.after, why)]

    def _take_some(self, plain: memoryview, offset: int, records_max: int) -> list[Any]:
        begins, index = self._at, self._read
        bounds: list[tuple[int, int, int]] = []
        large = False
        while self._read < self._count and len(bounds) < records_max:
            try:
                body, end = bounds_at(plain, self._at)
            except WRONG:
                found = self._one_by_one(plain, bounds, offset, index)
                return found + self._give_up(_after(found, offset), "its length is wrong")
            if bounds and end - begins > PIECE_BYTES_MAX:
                break
            bounds.append((self._at, body, end))
            large = large or end - body > UNCOUNTED_BYTES_MAX
            self._at = end
            self._read += 1
        self.cost_bytes += self._at - begins
        if large:
            found = self._one_by_one(plain, bounds, offset, index)
        else:
            try:
                found = self._records(self._piece(plain, begins, self._at, len(bounds)), offset, index)
            except SUSPICIOUS:
                found = self._one_by_one(plain, bounds, offset, index)
        if self._read == self._count and self._at < len(plain):
            found += self._give_up(self.after, f"{len(plain) - self._at} bytes behind its records")
        return self._some(found, records_max)

    def _piece(self, plain: memoryview, begins: int, ends: int, count: int) -> memoryview:
        """These records as a batch of their own."""
        piece = bytearray(plain[:HEADER_BYTES]) + plain[begins:ends]
        _COUNT.pack_into(piece, _COUNT_AT, count)
        return with_slack(piece)

    def _records(self, plain: memoryview, first: int, index: int) -> list[Any]:
        """
        Args:
            plain: a batch that is not compressed, with slack behind its end.
            index: the place in the batch of its first record.

        Raises:
            one of `SUSPICIOUS`: some record is damaged.
        """
        topic, partition = self._place
        found: list[Any] = []
        last, after, is_dense, expected = self._last, self.after, self._is_dense, self._base + index
        for record in DefaultRecordBatch(plain):
            offset = record.offset
            if offset != expected if is_dense else not last < offset < after:
                raise CorruptRecordException("its offset is wrong")
            last = offset
            expected += 1
            if offset < first:
                continue
            key, value, headers = record.key, record.value, record.headers
            if len(headers) > HEADERS_MAX:
                self.cost_bytes += len(headers) * HEADER_COST_BYTES
                found.append(self._too_many_headers(offset, len(headers)))
                continue
            found.append(
                ConsumerRecord(
                    topic,
                    partition,
                    offset,
                    record.timestamp,
                    record.timestamp_type,
                    key,
                    value,
                    None,
                    -1 if key is None else len(key),
                    -1 if value is None else len(value),
                    tuple(headers),
                )
            )
        self._last = last
        return found

    def _too_many_headers(self, offset: int, count: int) -> Unreadable:
        return unreadable(self._place, offset, offset + 1, f"{count} headers")

    def _one_by_one(
        self, plain: memoryview, bounds: list[tuple[int, int, int]], first: int, index: int
    ) -> list[Any]:
        """These records, each checked separately."""
        found: list[Any] = []
        for place, (begins, body, end) in enumerate(bounds, index):
            # A damaged record may not even say its offset. Then it gets the offset that is expected.
            expected = self._base + place if self._is_dense else max(self._last + 1, first)
            expected = min(expected, self.after - 1)
            try:
                parts = parts_of(plain, body, end, HEADERS_MAX)
                offset = self._base + parts.offset_delta
                if offset != expected if self._is_dense else not self._last < offset < self.after:
                    raise CorruptRecordException("its offset is wrong")
                if parts.headers <= HEADERS_MAX:
                    found += self._records(self._piece(plain, begins, end, 1), first, place)
                elif offset >= first:
                    found.append(self._too_many_headers(offset, parts.headers))
                self._last = offset
            except WRONG as error:
                self._last = max(self._last, expected)
                if expected >= first:
                    found.append(unreadable(self._place, expected, expected + 1, type(error).__name__))
        return found


def _after(found: list[Any], first: int) -> int:
    """The offset behind the last record found; `first` if no record was found."""
    return int(found[-1].offset) + 1 if found else first
