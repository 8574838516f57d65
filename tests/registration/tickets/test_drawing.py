"""Tickets as pictures and paper, as others read them: ZXing reads the codes, Chrome's PDFium the paper."""

import ctypes
import struct
import xml.etree.ElementTree as ElementTree
import zlib
from collections.abc import Iterator

import pypdfium2
import pytest
import zxingcpp

from services.registration.tickets import qr
from services.registration.tickets.card import card
from services.registration.tickets.face import Face, face, fitted, times
from services.registration.tickets.pdf import pdf
from tests.registration.check_in.scenes import holder, session_at, text_of

OF = session_at(activity_title="科普宣传一条街 & <展览>", venue="市政府综合办公楼广场")
TEXT = text_of(holder(3), OF)
FACE = face(OF, 3, "7K3QX-M0R9T", TEXT)
LONGEST = face(
    session_at(activity_title="科" * 200, venue="馆" * 200, session_id="s" * 64),
    60,
    "7K3QX-M0R9T",
    text_of(holder(60), session_at(session_id="s" * 64)),
)
SVG = "{http://www.w3.org/2000/svg}"


def test_the_png_is_read_as_the_ticket() -> None:
    width, height, rows = pixels(qr.png(TEXT))
    assert (width, read(rows, width, height)) == (height, TEXT)


def test_the_svg_has_the_same_dots() -> None:
    root = ElementTree.fromstring(qr.svg(TEXT))  # noqa: S314 (made above)
    dots, runs = qr.dark_runs(TEXT)
    assert root.attrib["width"] == root.attrib["height"] == str(qr.DOT_PIXELS * (dots + 2 * qr.BORDER))
    assert read_runs(dots, runs) == TEXT


@pytest.mark.parametrize("shown", [FACE, LONGEST])
def test_the_card_says_all_in_words_and_in_its_code(shown: Face) -> None:
    root = ElementTree.fromstring(card(shown))  # noqa: S314 (made above)
    words = [text.text for text in root.iter(f"{SVG}text")]
    expected = [*shown.title, *(line for row in shown.rows for line in row.lines), shown.ticket_code]
    assert [word for word in words if word in expected] == expected
    height = float(root.attrib["height"])
    assert all(float(text.attrib["y"]) < height for text in root.iter(f"{SVG}text"))
    runs = list(runs_of(next(path for path in root.iter(f"{SVG}path") if "shape-rendering" in path.attrib)))
    assert read_runs(qr.dark_runs(shown.text)[0], runs) == shown.text


@pytest.mark.parametrize("shown", [FACE, LONGEST])
def test_the_paper_says_all_in_words_and_in_its_code(shown: Face) -> None:
    document = pypdfium2.PdfDocument(pdf(shown))
    assert len(document) == 1
    page = document[0]
    words = "".join(page.get_textpage().get_text_bounded().split())
    for line in (*shown.title, *(line for row in shown.rows for line in row.lines), shown.ticket_code):
        assert "".join(line.split()) in words
    bitmap = page.render(scale=4, grayscale=True)
    size = bitmap.stride * bitmap.height
    dots = bytes(ctypes.string_at(bitmap.buffer, size))
    rows = b"".join(
        dots[row * bitmap.stride : row * bitmap.stride + bitmap.width] for row in range(bitmap.height)
    )
    assert read(rows, bitmap.width, bitmap.height) == shown.text


def test_the_paper_is_small_and_names_nobody() -> None:
    assert len(pdf(FACE)) < 15_000
    assert {row.label for row in FACE.rows} == {"时间 Time", "地点 Venue", "人数 Places"}


def test_long_words_are_broken_and_cut() -> None:
    assert fitted("街" * 20) == ["街" * 16, "街" * 4]
    assert fitted("街" * 60)[-1] == "街" * 15 + "…"
    assert fitted("a" * 33) == ["a" * 32, "a"]


def test_times_are_those_of_the_weeks_zone() -> None:
    of = session_at()
    assert times(of.starts_at, of.ends_at) == "2023-05-20 周六 09:30-11:30"
    overnight = of.starts_at.replace(hour=15)
    assert times(of.starts_at, overnight.replace(day=21)) == "2023-05-20 周六 09:30 - 2023-05-21 23:30"


def read(rows: bytes, width: int, height: int) -> str:
    """The only QR code in a grey picture."""
    picture = memoryview(rows).cast("B", shape=[height, width])
    [found] = zxingcpp.read_barcodes(picture)
    return str(found.text)


def read_runs(dots: int, runs: list[qr.Run]) -> str:
    """A code from its dark runs, each dot four pixels wide."""
    size, width = 4, 4 * (dots + 8)
    rows = [bytearray(b"\xff" * width) for _ in range(width)]
    for run in runs:
        for y in range(size * (run.y + 4), size * (run.y + 5)):
            rows[y][size * (run.x + 4) : size * (run.x + 4 + run.length)] = bytes(size * run.length)
    return read(b"".join(rows), width, width)


def runs_of(path: ElementTree.Element) -> Iterator[qr.Run]:
    for part in path.attrib["d"].split("M")[1:]:
        start, length = part.split("h")[:2]
        x, y = start.split()
        yield qr.Run(int(x), int(y), int(length.split("v")[0]))


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and a byte for each pixel of a PNG with two colours, without filters."""
    width, height, depth, colours = struct.unpack(">IIBB", png[16:26])
    assert (depth, colours) in ((1, 0), (1, 3))
    data, place = b"", 8
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        data += png[place + 8 : place + 8 + length] if kind == b"IDAT" else b""
        place += 12 + length
    raw = zlib.decompress(data)
    line = (width + 7) // 8 + 1
    rows = bytearray()
    for row in range(height):
        assert raw[row * line] == 0
        bits = raw[row * line + 1 : (row + 1) * line]
        rows += bytes(255 * (bits[x // 8] >> 7 - x % 8 & 1) for x in range(width))
    return width, height, bytes(rows)
