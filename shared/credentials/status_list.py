"""
A list of bits, one for each credential: is it revoked?

Whoever reads the list does not say which credential is being checked. So the list is long and the places are
random, also if few credentials are in it.

Source: W3C, Bitstring Status List 1.0, sections 2 and 3
"""

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable

# The least that the standard allows.
LENGTH = 131_072
# Of a list of somebody else, unpacked.
BYTES_MAX = 4_194_304
_PREFIX = "u"
_GZIP = 16 + zlib.MAX_WBITS


def encoded(places: Iterable[int], length: int = LENGTH) -> str:
    """The list in which these bits are set. The first bit is the highest one of the first byte."""
    bits = bytearray(length // 8)
    for place in places:
        bits[place // 8] |= 0x80 >> place % 8
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    packed = packer.compress(bits) + packer.flush()
    return _PREFIX + urlsafe_b64encode(packed).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """
    The bits of a list.

    Raises:
        ValueError: it is no list, is too short or too long.
    """
    packed_text = text.removeprefix(_PREFIX)
    try:
        packed = urlsafe_b64decode(packed_text.encode("ascii") + b"=" * (-len(packed_text) % 4))
        unpacker = zlib.decompressobj(_GZIP)
        bits = unpacker.decompress(packed, BYTES_MAX)
    except (ValueError, Base64Error, zlib.error) as error:
        raise ValueError("it is not a packed list") from error
    if not unpacker.eof:
        raise ValueError(f"it has more than {BYTES_MAX} bytes, or its end is missing")
    if len(bits) * 8 < LENGTH:
        raise ValueError(f"it has fewer than {LENGTH} entries")
    return bits


def is_set(bits: bytes, place: int) -> bool:
    """
    Whether this bit is set.

    Raises:
        ValueError: the list is not so long.
    """
    if not 0 <= place < len(bits) * 8:
        raise ValueError(f"it has no entry {place}")
    return bool(bits[place // 8] & 0x80 >> place % 8)


def place_of(index: object) -> int:
    """
    The place that an entry names. The standard says that it is a text of digits; some write a number.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(index, int) and not isinstance(index, bool) and index >= 0:
        return index
    if isinstance(index, str) and index.isascii() and index.isdecimal() and len(index) <= 12:
        return int(index)
    raise ValueError("the index of the status is no number")
