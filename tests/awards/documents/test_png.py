"""Pictures are checked before anything decodes them."""

import base64

import pytest

from services.awards.documents.png import checked_png
from shared.runtime.errors import Rejected
from tests.awards.documents.builders import png


def test_a_sound_picture_is_kept_without_what_its_maker_wrote_into_it() -> None:
    kept = base64.b64decode(checked_png(png()))
    assert kept.startswith(b"\x89PNG")
    assert b"IDAT" in kept
    assert b"Li" not in kept


def broken(place: int, change: int = 1) -> str:
    content = bytearray(base64.b64decode(png()))
    content[place] ^= change
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    "picture",
    [
        "no base64!",
        base64.b64encode(b"GIF89a").decode(),
        base64.b64encode(base64.b64decode(png())[:-20]).decode(),
        broken(20),
        broken(-30),
        png(depth=16),
        png(1001, 1000),
        # Says that it is small, and unpacks to more.
        png(60, 40, rows=4_000),
        png(60, 40, rows=3),
        png(300, 300, rows=1_000_000),
        base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(300_000)).decode(),
    ],
    ids=["text", "gif", "cut", "head", "end", "16 bits", "pixels", "bomb", "rows", "large bomb", "bytes"],
)
def test_a_picture_that_is_no_small_sound_png_is_refused(picture: str) -> None:
    with pytest.raises(Rejected) as refused:
        checked_png(picture)
    assert refused.value.code == "picture_refused"
