"""
Where the records of a batch begin and end, checked against the end of the buffer.

aiokafka's `decode_varint` reads at any position that it is given, also outside the buffer. That can end the
process. But bytes and bytearrays always have a zero byte behind their end, and a zero byte ends a number. So
decoding is safe from every position within the buffer, and the result must be checked before it is used.
"""

from typing import Any, NamedTuple

from aiokafka.errors import CorruptRecordException
from aiokafka.record.util import decode_varint

# Behind the end of every buffer that aiokafka's parser gets. In a record's headers it may read two numbers
# behind the end before it notices, and a number has 10 bytes at most.
SLACK_BYTES = 32
NUMBER_BYTES_MAX = 10

assert SLACK_BYTES >= 2 * NUMBER_BYTES_MAX + 1, "aiokafka reads two numbers behind the end"  # noqa: S101


class Parts(NamedTuple):
    """
    What a record says about itself, before its content is copied.

    Attributes:
        offset_delta: its offset, counted from the batch's first offset.
        headers: the number of its headers.
    """

    offset_delta: int
    headers: int


def number_at(buffer: Any, at: int) -> tuple[int, int]:
    """
    A number, and the position behind it.

    Raises:
        CorruptRecordException: it is not within the buffer.
        ValueError: it has more than 64 bits.
    """
    if not 0 <= at < len(buffer):
        raise CorruptRecordException("a number begins behind the end")
    number, after = decode_varint(buffer, at)
    if after > len(buffer):
        raise CorruptRecordException("a number ends behind the end")
    return number, after


def bounds_at(buffer: Any, at: int) -> tuple[int, int]:
    """
    Where the content of the record at this position begins, and where it ends.

    Raises:
        CorruptRecordException, ValueError: its length is wrong.
    """
    length, body = number_at(buffer, at)
    if length <= 0 or length > len(buffer) - body:
        raise CorruptRecordException(f"a record of {length} bytes")
    return body, body + length


def all_within(buffer: Any, at: int, count: int, bytes_max: int) -> bool:
    """Whether so many records lie in the buffer from this position on, each with at most `bytes_max`."""
    size = len(buffer)
    try:
        for _ in range(count):
            # Not by `bounds_at`: this is done for every record, and the calls would double its time.
            if at >= size:
                return False
            length, body = decode_varint(buffer, at)
            if not 0 < length <= bytes_max:
                return False
            at = body + length
    except ValueError:
        return False
    return at <= size


def parts_of(buffer: Any, body: int, end: int, headers_max: int) -> Parts:
    """
    Check all lengths in a record, if it has at most `headers_max` headers.

    Args:
        body, end: where its content begins and ends.

    Raises:
        CorruptRecordException, ValueError: a length is wrong.
    """
    # After one byte of attributes and the time.
    _, at = number_at(buffer, body + 1)
    offset_delta, at = number_at(buffer, at)
    at = _past(buffer, _past(buffer, at, end), end)
    headers, at = number_at(buffer, at)
    if headers < 0:
        raise CorruptRecordException(f"{headers} headers")
    if headers <= headers_max:
        for _ in range(headers):
            at = _past(buffer, _past(buffer, at, end), end)
        if at != end:
            raise CorruptRecordException(f"{end - at} bytes behind the headers")
    return Parts(offset_delta, headers)


def _past(buffer: Any, at: int, end: int) -> int:
    """Behind a text with its length before it; a length below 0 is none."""
    length, at = number_at(buffer, at)
    at += max(0, length)
    if at > end:
        raise CorruptRecordException(f"a part of {length} bytes")
    return at
