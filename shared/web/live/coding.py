"""
How the bytes of a stream are sent: as they are, or compressed, if the client takes gzip.

What many are sent is compressed once: as a piece of deflate that refers to nothing before it and ends at a
whole byte. Such pieces can follow each other in any stream. No I/O.

Source: RFC 1951, RFC 1952
"""

import re
import struct
import zlib
from functools import lru_cache
from typing import Protocol

# Of some boards, those of the last seconds.
DEFLATED_REMEMBERED_MAX = 256
LEVEL = 6
RAW_DEFLATE = -15
# A stored piece has so many bytes at most.
STORED_BYTES_MAX = 65_535
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# A last piece without anything in it.
GZIP_LAST = b"\x03\x00"
NOT_ZERO = rb"(?!0(?:\.0*)?\s*(?:,|$))[0-9.]+"
ACCEPTS_GZIP = re.compile(rb"(?:^|,)\s*gzip\s*(?:;\s*q=%b\s*)?(?:,|$)" % NOT_ZERO, re.IGNORECASE)


class Coding(Protocol):
    """The coding of one stream."""

    headers: list[tuple[bytes, bytes]]

    def begin(self) -> bytes:
        """What comes first."""

    def alone(self, text: bytes) -> bytes:
        """A short text that this stream alone is sent."""

    def shared(self, text: bytes) -> bytes:
        """A text that many streams are sent, as the same object."""

    def end(self) -> bytes:
        """What comes last."""


def coding_for(accepts: bytes) -> Coding:
    """
    The coding for a client.

    Args:
        accepts: its header Accept-Encoding.
    """
    return Gzip() if ACCEPTS_GZIP.search(accepts) else Plain()


class Plain:
    """As it is."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def alone(self, text: bytes) -> bytes:
        """The text."""
        return text

    def shared(self, text: bytes) -> bytes:
        """The text."""
        return text

    def end(self) -> bytes:
        """Nothing."""
        return b""


class Gzip:
    """Compressed; counts what it has sent, for the end."""

    def __init__(self) -> None:
        self.headers = [(b"content-encoding", b"gzip")]
        self._crc = 0
        self._size = 0

    def begin(self) -> bytes:
        """The head."""
        return GZIP_HEAD

    def alone(self, text: bytes) -> bytes:
        """The text in pieces that are not compressed: a compressor would cost more than it saves."""
        self._count(text)
        parts = [text[at : at + STORED_BYTES_MAX] for at in range(0, len(text), STORED_BYTES_MAX)]
        return b"".join(struct.pack("<BHH", 0, len(one), len(one) ^ 0xFFFF) + one for one in parts)

    def shared(self, text: bytes) -> bytes:
        """The text as a compressed piece, made once."""
        self._count(text)
        return _deflated(text) if text else b""

    def end(self) -> bytes:
        """The check of all that was sent."""
        return GZIP_LAST + struct.pack("<II", self._crc, self._size & 0xFFFF_FFFF)

    def _count(self, text: bytes) -> None:
        self._crc = zlib.crc32(text, self._crc)
        self._size += len(text)


# An object of bytes remembers its hash: a text that was deflated is found without reading it again.
@lru_cache(DEFLATED_REMEMBERED_MAX)
def _deflated(text: bytes) -> bytes:
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, RAW_DEFLATE)
    return compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)
