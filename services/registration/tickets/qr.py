"""A ticket's text as a QR code: a picture, or dark runs to be drawn with other things."""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from itertools import groupby
from typing import NamedTuple

import segno

# A quarter of the code may be dirty or folded with Q; with M it is a seventh, and the dots are larger. Large
# dots matter more on a dark or cracked screen.
CORRECTION = "m"
# Light dots around the code, as ISO/IEC 18004 asks for.
BORDER = 4
DOT_PIXELS = 8
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Run(NamedTuple):
    """Dark dots side by side, counted from the top left corner."""

    x: int
    y: int
    length: int


def png(text: str) -> bytes:
    """
    The code as a PNG picture of two colours. Segno's own takes five times as long: it draws pixel by pixel.

    A dot is 8 pixels wide, which are the 8 bits of one byte.
    """
    rows = [bytes(0x00 if dark else 0xFF for dark in row) for row in _code(text).matrix_iter(border=BORDER)]
    width = len(rows) * DOT_PIXELS
    # Each row begins with its filter: none.
    lines = b"".join((b"\0" + row) * DOT_PIXELS for row in rows)
    head = struct.pack(">IIBBBBB", width, width, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return PNG_SIGNATURE + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )


def svg(text: str) -> bytes:
    """The code as an SVG picture."""
    picture = BytesIO()
    _code(text).save(picture, kind="svg", scale=DOT_PIXELS, border=BORDER, xmldecl=True, light="#fff")
    return picture.getvalue()


def dark_runs(text: str) -> tuple[int, list[Run]]:
    """How many dots the code is wide, without a border, and its dark runs."""
    rows = [bytes(row) for row in _code(text).matrix]
    return len(rows), [run for y, row in enumerate(rows) for run in _runs(y, row)]


def _runs(y: int, row: bytes) -> Iterator[Run]:
    x = 0
    for dark, dots in groupby(row):
        length = len(list(dots))
        if dark:
            yield Run(x, y, length)
        x += length


def _code(text: str) -> segno.QRCode:
    return segno.make_qr(text, error=CORRECTION, boost_error=False)
