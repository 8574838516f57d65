"""
Decompress a batch of records up to a limit.

A batch shows only its compressed size, and 9 KB of zstd can contain 300 MB of spaces. So everything is
written into one buffer, which has the largest size allowed. If a batch does not fit, decompressing ends
there. Parts without content cost time too: 1 MB can be 200,000 empty blocks of snappy. So the number of
snappy blocks is bounded, an empty block is refused, and gzip may have one member.
"""

import struct
import zlib
from enum import IntEnum

import cramjam

# All records of one batch together. Most producers send at most about 1 MB.
DECOMPRESSED_BYTES_MAX = 8 * 1_048_576
# Java's library writes snappy in blocks, and the length of each block before it. This mark and two version
# numbers come first.
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES = 16
_LENGTH = struct.Struct(">i")
# Java's library writes blocks of 32 KiB.
SNAPPY_BLOCKS_MAX = 2_048
_GZIP = 16 + zlib.MAX_WBITS


class Codec(IntEnum):
    """The codecs of Kafka's message format."""

    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


class NotDecompressed(Exception):
    """The codec is unknown, or the data is damaged or too large when decompressed."""


def decompress_into(codec: int, payload: memoryview, room: memoryview) -> int:
    """
    Decompress into `room`.

    Returns: the number of decompressed bytes.
    Raises:
        NotDecompressed: the codec is unknown, the data is damaged, or does not fit.
    """
    try:
        match codec:
            case Codec.GZIP:
                return _gzip_into(payload, room)
            case Codec.SNAPPY:
                return _snappy_into(payload, room)
            case Codec.LZ4:
                return cramjam.lz4.decompress_into(payload, room)
            case Codec.ZSTD:
                return cramjam.zstd.decompress_into(payload, room)
    except (cramjam.DecompressionError, zlib.error, struct.error) as error:
        raise NotDecompressed(f"codec {codec}: {error}") from error
    raise NotDecompressed(f"codec {codec} is unknown")


def _gzip_into(payload: memoryview, room: memoryview) -> int:
    member = zlib.decompressobj(_GZIP)
    plain = member.decompress(payload, len(room) + 1)
    if len(plain) > len(room):
        raise NotDecompressed(f"codec {Codec.GZIP:d}: it does not fit")
    if not member.eof or member.unused_data:
        raise NotDecompressed(f"codec {Codec.GZIP:d}: not one whole member")
    room[: len(plain)] = plain
    return len(plain)


def _snappy_into(payload: memoryview, room: memoryview) -> int:
    if payload[: len(_XERIAL)] != _XERIAL:
        return cramjam.snappy.decompress_raw_into(payload, room)
    written, blocks, at = 0, 0, _XERIAL_HEADER_BYTES
    while at < len(payload):
        (length,) = _LENGTH.unpack_from(payload, at)
        at += _LENGTH.size
        if length <= 0:
            raise NotDecompressed(f"codec {Codec.SNAPPY:d}: a block of {length} bytes")
        block_bytes = cramjam.snappy.decompress_raw_into(payload[at : at + length], room[written:])
        blocks += 1
        if not block_bytes or blocks > SNAPPY_BLOCKS_MAX:
            raise NotDecompressed(f"codec {Codec.SNAPPY:d}: block {blocks} has {block_bytes} bytes")
        written += block_bytes
        at += length
    return written
