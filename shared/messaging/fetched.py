"""
The records of a fetch, within a budget of bytes. Bytes that cannot be read become an `Unreadable` record.

aiokafka raises in the middle of a poll when a batch is damaged, is compressed in an unknown way, or has a
header whose name is not UTF-8. The error does not say where the batch is, and aiokafka never gets past it.
The records that the same poll took from other partitions are lost. aiokafka also bounds a poll only by its
number of records, but a record of 500 bytes can decompress to megabytes.

`install` replaces the classes that do this. `FetchedRecords` never raises because of a record's content.
Instead an `Unreadable` with the offset stands among the other records, and reading goes on behind it.
`BoundedResult` ends a poll when its `Budget` is spent. The next poll goes on from there.
"""

import struct
from contextvars import ContextVar
from typing import Any

import aiokafka.consumer.fetcher as aiokafka_fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import KafkaError
from aiokafka.record.default_records import DefaultRecordBatch

from shared.messaging.batches import (
    BATCH_COST_BYTES,
    CODEC_BITS,
    HEADER,
    HEADER_BYTES,
    PIECE_BYTES_MAX,
    SUSPICIOUS,
    OpenBatch,
    unreadable,
    with_slack,
)
from shared.messaging.batches import Unreadable as Unreadable

# Decompressed bytes of one poll of one group. A thousand usual events need a quarter of it.
POLL_BYTES_MAX = 4 * 1_048_576
# Compressed bytes of one partition, and of one fetch. The broker sends at least one batch, however large.
PARTITION_FETCH_BYTES_MAX = 1_048_576
FETCH_BYTES_MAX = 16 * 1_048_576
RECORDS_MAX = 2**31

assert POLL_BYTES_MAX >= 8 * PIECE_BYTES_MAX, "several partitions get a piece in each poll"  # noqa: S101

_LENGTH = struct.Struct(">i")
_LENGTH_AT = 8
_LENGTH_ENDS = 12
_MAGIC = 2
_CONTROL_BIT = 0x20
# What aiokafka raises beside them if a batch is said to be a marker and is none.
_NO_MARKER = (KafkaError, TypeError, struct.error)


class Budget:
    """How many bytes a poll may still take in all, and from each partition."""

    __slots__ = ("left_bytes", "share_bytes")

    def __init__(self, left_bytes: int = POLL_BYTES_MAX) -> None:
        self.left_bytes = self.share_bytes = left_bytes

    @property
    def spent(self) -> bool:
        """True if the poll has to end. Then more records may be waiting."""
        return self.left_bytes <= 0


BUDGET: ContextVar[Budget | None] = ContextVar("budget", default=None)
"""The budget of the current poll. A client without a budget takes up to a whole one from each partition."""


class Batches:
    """The batches of one partition in the bytes of a fetch; the last one may be cut off."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._end = self._end_of_next()

    def size_in_bytes(self) -> int:
        """The number of bytes."""
        return len(self._data)

    def has_next(self) -> bool:
        """True if a whole batch follows."""
        return self._end <= len(self._data)

    def next_batch(self) -> memoryview:
        """The bytes of the next batch, if `has_next`."""
        at, self._at = self._at, self._end
        self._end = self._end_of_next()
        return self._data[at : self._at]

    def _end_of_next(self) -> int:
        if self._at + HEADER.size > len(self._data):
            return len(self._data) + 1
        (length,) = _LENGTH.unpack_from(self._data, self._at + _LENGTH_AT)
        # An impossible length must not stop the reading.
        return int(self._at + _LENGTH_ENDS + max(length, HEADER.size - _LENGTH_ENDS))


class FetchedRecords(PartitionRecords):  # type: ignore[misc]
    """Does what the class of aiokafka does, for any content. Only `take` reads."""

    _records: Batches
    next_fetch_offset: int
    _open: OpenBatch | None = None
    ended = False

    def take(self, records_max: int, bytes_max: int) -> tuple[list[Any], int]:
        """
        The next records, and their cost in bytes. Afterwards `ended` is False if there are more.

        The last piece may exceed `bytes_max`.
        """
        taken: list[Any] = []
        cost_bytes = 0
        while len(taken) < records_max and cost_bytes < bytes_max:
            batch = self._open
            if batch is None:
                if not self._records.has_next():
                    self.ended = True
                    break
                cost_bytes += BATCH_COST_BYTES
                taken += self._open_next()
                continue
            batch.cost_bytes = 0
            taken += batch.take(self.next_fetch_offset, records_max - len(taken))
            cost_bytes += batch.cost_bytes
            if batch.ended:
                # Compaction may have removed records at the end of the batch. Go past them too.
                self._open, self.next_fetch_offset = None, max(self.next_fetch_offset, batch.after)
            elif taken:
                self.next_fetch_offset = max(self.next_fetch_offset, taken[-1].offset + 1)
        if self._open is not None:
            self._open.pause()
        return taken, cost_bytes

    def _open_next(self) -> list[Unreadable]:
        raw = self._records.next_batch()
        base_offset, _, _, magic, _, attributes, last_delta = HEADER.unpack_from(raw)
        after = base_offset + max(0, last_delta) + 1
        if magic != _MAGIC or len(raw) < HEADER_BYTES:
            return self._step_past(base_offset + 1, f"message format {magic}")
        # A marker of a transaction is read by aiokafka itself.
        is_marker = bool(attributes & _CONTROL_BIT)
        if is_marker and attributes & CODEC_BITS:
            return self._step_past(after, "a compressed marker of a transaction")
        batch = DefaultRecordBatch(with_slack(raw) if is_marker else raw)
        if self._check_crcs and not batch.validate_crc():
            return self._step_past(after, "its checksum is wrong")
        try:
            left_out = self._left_out(batch)
        except (*SUSPICIOUS, *_NO_MARKER) as error:
            return self._step_past(after, type(error).__name__)
        if left_out:
            self.next_fetch_offset = max(self.next_fetch_offset, after)
        else:
            self._open = OpenBatch(self._tp, raw, attributes & CODEC_BITS, after)
        return []

    def _step_past(self, after: int, why: str) -> list[Unreadable]:
        first = self.next_fetch_offset
        if first >= after:
            return []
        self.next_fetch_offset = after
        return [unreadable(self._tp, first, after, why)]

    def _left_out(self, batch: Any) -> bool:
        """True if the batch is a marker of a transaction, or part of an aborted one."""
        if self._isolation_level == READ_COMMITTED and batch.producer_id is not None:
            self._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and self._contains_abort_marker(batch):
                self._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in self._aborted_producers:
                return True
        return bool(batch.is_control_batch)


class BoundedResult(FetchResult):  # type: ignore[misc]
    """Does what the class of aiokafka does, within the budget of the poll."""

    _partition_records: Any

    def getone(self) -> Any:
        """The next record, or None."""
        found = self.getall(1)
        return found[0] if found else None

    def getall(self, max_records: int | None = None) -> list[Any]:
        """The next records, as many as the budget allows."""
        if not self.check_assignment(self._topic_partition) or not self.has_more():
            return []
        budget = BUDGET.get() or Budget()
        if budget.spent:
            return []
        records = self._partition_records
        taken, cost_bytes = records.take(
            max_records or RECORDS_MAX, min(budget.left_bytes, budget.share_bytes)
        )
        budget.left_bytes -= cost_bytes
        self._update_position()
        if records.ended:
            self._partition_records = None
        return taken  # type: ignore[no-any-return]


def install() -> None:
    """Make all consumers of this process use these classes."""
    aiokafka_fetcher.MemoryRecords = Batches
    aiokafka_fetcher.PartitionRecords = FetchedRecords
    aiokafka_fetcher.FetchResult = BoundedResult
