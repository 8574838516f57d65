"""Streams that are compressed: by pieces that many streams share."""

import gzip
import re
import zlib

import pytest

from shared.web.live.coding import Gzip, coding_for
from tests.shared.web.live.boards import Shown, streaming

TEXTS = [b"event: standings\ndata: " + b'{"rank":%d,"alias":"7K3QM0R9"}' % n * 50 + b"\n\n" for n in range(5)]


@pytest.mark.parametrize(
    ("accepts", "is_compressed"),
    [
        (b"gzip, deflate, br", True),
        (b"br;q=1.0, gzip;q=0.8", True),
        (b"GZIP", True),
        (b"", False),
        (b"br", False),
        (b"gzip;q=0, br", False),
        (b"gzip;q=0.000", False),
        (b"identity, xgzip", False),
    ],
)
def test_what_the_client_takes_is_used(accepts: bytes, is_compressed: bool) -> None:
    assert isinstance(coding_for(accepts), Gzip) is is_compressed


def test_pieces_that_streams_share_are_whole_streams_in_any_order() -> None:
    for order in (TEXTS, TEXTS[::-1], TEXTS[2:4]):
        coding, sent = Gzip(), []
        sent.append(coding.begin() + coding.alone(b"retry: 2000\n\n"))
        sent += [coding.shared(text) for text in order]
        sent.append(coding.alone(b":\n\n") + coding.shared(b"") + coding.alone(b"") + coding.end())
        # With the sum and the size at the end.
        assert gzip.decompress(b"".join(sent)) == b"retry: 2000\n\n" + b"".join(order) + b":\n\n"
    assert len(sent[1]) < len(TEXTS[2]) / 5


def test_each_piece_can_be_read_as_soon_as_it_has_come() -> None:
    coding, reader = Gzip(), zlib.decompressobj(31)
    assert reader.decompress(coding.begin() + coding.alone(b"retry: 2000\n\n")) == b"retry: 2000\n\n"
    for text in TEXTS:
        assert reader.decompress(coding.shared(text)) == text


def test_a_long_text_for_one_stream_is_stored_in_several_pieces() -> None:
    coding, text = Gzip(), bytes(range(256)) * 600
    assert gzip.decompress(coding.begin() + coding.alone(text) + coding.end()) == text


async def test_a_stream_is_compressed_for_whoever_takes_it() -> None:
    async with streaming(beat_seconds=0.1) as at:
        at.shown = Shown(1, 5_000)
        heard = await at.listen(b"Accept-Encoding: gzip")
        plain = await at.listen(b"Accept-Encoding: gzip;q=0")
        assert b"content-encoding: gzip" in heard.head
        assert b"content-encoding" not in plain.head
        await plain.until(b"id-1")
        at.shown = Shown(2, 5_000)
        await plain.until(b"id-2")
        plain.seen = b""
        await plain.until(b":\n\n")
        at.shown = Shown(3, 5_000, ends=True)
        said = gzip.decompress(unchunked(await heard.whole()))
        assert re.findall(rb"id: (\S+)", said) == [b"id-1", b"id-2", b"id-3"]
        assert b"\n\n:\n\n" in said
        assert len(heard.seen) < 3 * 1_000


def unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole, body = whole + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return whole
