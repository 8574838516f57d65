"""Pictures are checked before anything decodes them."""

import base64
import struct
import zlib
from collections.abc import Callable

import pytest

from services.awards.documents.png import checked_png
from shared.runtime.errors import Rejected
from tests.awards.documents.builders import chunks, png


def test_a_sound_picture_is_kept_without_what_its_maker_wrote_into_it() -> None:
    kept = base64.b64decode(checked_png(png()))
    assert kept.startswith(b"\x89PNG")
    assert b"IDAT" in kept
    assert b"Li" not in kept


def broken(place: int, change: int = 1) -> str:
    content = bytearray(base64.b64decode(png()))
    content[place] ^= change
    return base64.b64encode(content).decode()


def indexed(*palettes: bytes) -> str:
    """A picture of two points, whose colours stand in a palette."""
    head = struct.pack(">IIBBBBB", 2, 1, 8, 3, 0, 0, 0)
    return chunks(
        (b"IHDR", head),
        *[(b"PLTE", one) for one in palettes],
        (b"IDAT", zlib.compress(bytes(3))),
        (b"IEND", b""),
    )


def test_a_picture_with_a_palette_is_kept() -> None:
    assert checked_png(indexed(b"\1\2\3")) == indexed(b"\1\2\3")


# Made when the test runs: a large one takes a second, and each worker of a run reads this list.
REFUSED: dict[str, Callable[[], str]] = {
    "palette": lambda: indexed(b"\1\2\3\4"),
    "short": lambda: indexed(b"\1"),
    "empty": lambda: indexed(b""),
    "long": lambda: indexed(bytes(771)),
    "twice": lambda: indexed(bytes(3), bytes(3)),
    "text": lambda: "no base64!",
    "gif": lambda: base64.b64encode(b"GIF89a").decode(),
    "cut": lambda: base64.b64encode(base64.b64decode(png())[:-20]).decode(),
    "head": lambda: broken(20),
    "end": lambda: broken(-30),
    "16 bits": lambda: png(depth=16),
    "pixels": lambda: png(1001, 1000),
    # Says that it is small, and unpacks to more.
    "bomb": lambda: png(60, 40, rows=4_000),
    "rows": lambda: png(60, 40, rows=3),
    # The file is small enough, and has 72 MB of pixels.
    "large bomb": lambda: png(300, 300, rows=60_000),
    "bytes": lambda: base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(300_000)).decode(),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_picture_that_is_no_small_sound_png_is_refused(what: str) -> None:
    with pytest.raises(Rejected) as refused:
        checked_png(REFUSED[what]())
    assert refused.value.code == "picture_refused"
