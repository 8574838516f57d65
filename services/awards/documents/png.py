"""Checks an uploaded PNG picture before anything decodes it. Pure."""

import base64
import binascii
import struct
import zlib

from shared.runtime.errors import Rejected

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PICTURE_BYTES_MAX = 262_144
# A million pixels of four bytes, in a file that may be printed thousands of times.
PIXELS_MAX = 1_000_000
# Of 256 colours.
PALETTE_BYTES_MAX = 768
# By the colour type: how many samples a pixel has. Interlaced pictures and 16 bits are not needed for a seal.
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def checked_png(encoded: str) -> str:
    """
    The picture in base64, without its comments and all else that is no part of the picture.

    Raises:
        Rejected: it is not base64, not a whole PNG of 8 bits, or too large.
    """
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused("it is not base64") from error
    if len(content) > PICTURE_BYTES_MAX:
        raise _refused(f"it has more than {PICTURE_BYTES_MAX // 1024} KiB")
    return base64.b64encode(_bare(content)).decode()


def _bare(content: bytes) -> bytes:
    if not content.startswith(SIGNATURE):
        raise _refused("it is not a PNG")
    parts: list[tuple[bytes, bytes]] = []
    place = len(SIGNATURE)
    while place < len(content):
        if len(content) < place + 12:
            raise _refused("it ends too early")
        length, kind = struct.unpack_from(">I4s", content, place)
        body = content[place + 8 : place + 8 + length]
        end = place + 8 + length
        if content[end : end + 4] != struct.pack(">I", zlib.crc32(kind + body)):
            raise _refused("a part of it is damaged")
        if kind in _KEPT:
            parts.append((kind, body))
        place = end + 4
    _check_parts(parts)
    return SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def _check_parts(parts: list[tuple[bytes, bytes]]) -> None:
    kinds = [kind for kind, _ in parts]
    if not kinds or kinds[0] != b"IHDR" or kinds[-1] != b"IEND" or len(parts[0][1]) != 13:
        raise _refused("it is not a whole PNG")
    if kinds.count(b"IHDR") > 1 or kinds.count(b"IEND") > 1:
        raise _refused("it is not one PNG")
    width, height, depth, colours, packing, filters, interlaced = struct.unpack(">IIBBBBB", parts[0][1])
    if depth != 8 or colours not in _SAMPLES or packing or filters or interlaced:
        raise _refused("it has to have 8 bits for each colour, and no interlacing")
    if not 1 <= width * height <= PIXELS_MAX:
        raise _refused(f"it has more than {PIXELS_MAX:,} pixels")
    if (colours == 3) != (b"PLTE" in kinds) and colours in (0, 3, 4):
        raise _refused("its palette is missing, or it may have none")
    _check_palette([body for kind, body in parts if kind == b"PLTE"])
    rows = (width * _SAMPLES[colours] + 1) * height
    unpacker = zlib.decompressobj()
    try:
        # Never more than the pixels need, whatever is packed.
        pixels = unpacker.decompress(b"".join(body for kind, body in parts if kind == b"IDAT"), rows + 1)
    except zlib.error as error:
        raise _refused("its pixels are damaged") from error
    if len(pixels) != rows or any(pixels[row] > 4 for row in range(0, rows, rows // height)):
        raise _refused("it has too many or too few pixels")


def _check_palette(palettes: list[bytes]) -> None:
    # The decoder does not look, and reads beyond the end.
    if len(palettes) > 1 or any(len(one) % 3 or not 3 <= len(one) <= PALETTE_BYTES_MAX for one in palettes):
        raise _refused("its palette is damaged")


def _refused(why: str) -> Rejected:
    return Rejected(f"the picture is refused: {why}", code="picture_refused")
