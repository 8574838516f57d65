"""
A ticket as a PDF of one page, A6, written here: a page of words and squares needs no library.

Chinese words are in STSong-Light, one of the fonts that the format itself names: the reader has it or puts
another Chinese font in its place, so the file embeds none and has a few kilobytes. Letters and digits are in
Courier, which every reader has. The QR code is drawn as squares.

Source: ISO 32000-1, sections 9.6.2.2 (standard fonts), 9.7.5.2 (UniGB-UTF16-H) and 7.5 (file structure)
"""

from collections.abc import Iterator
from itertools import groupby

from services.registration.tickets import qr
from services.registration.tickets.face import Face

# A6 in points, of which an inch has 72.
WIDTH, HEIGHT = 298, 420
MARGIN = 24
CODE_WIDTH = 176

_CATALOG, _PAGES, _PAGE, _CONTENT, _SONG, _COURIER, _CID_FONT, _DESCRIPTOR, _ABOUT = range(1, 10)
# A letter of Courier is six tenths as wide as high. Squeezed, it is half as wide as a Chinese character.
_HALF = 0.5
_SQUEEZED_PERCENT = 83.3


def pdf(face: Face) -> bytes:
    """The ticket as a file."""
    content = "\n".join(_drawn(face)).encode("ascii")
    return _file(
        {
            _CATALOG: f"<< /Type /Catalog /Pages {_PAGES} 0 R /Lang (zh-CN) >>",
            _PAGES: f"<< /Type /Pages /Kids [{_PAGE} 0 R] /Count 1 >>",
            _PAGE: (
                f"<< /Type /Page /Parent {_PAGES} 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] "
                f"/Contents {_CONTENT} 0 R "
                f"/Resources << /Font << /Song {_SONG} 0 R /Code {_COURIER} 0 R >> >> >>"
            ),
            _CONTENT: f"<< /Length {len(content)} >>\nstream\n{content.decode()}\nendstream",
            _SONG: (
                "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light-UniGB-UTF16-H "
                f"/Encoding /UniGB-UTF16-H /DescendantFonts [{_CID_FONT} 0 R] >>"
            ),
            _COURIER: (
                "<< /Type /Font /Subtype /Type1 /BaseFont /Courier-Bold /Encoding /WinAnsiEncoding >>"
            ),
            _CID_FONT: (
                "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light "
                "/CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> "
                f"/FontDescriptor {_DESCRIPTOR} 0 R /DW 1000 >>"
            ),
            _DESCRIPTOR: (
                "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] "
                "/ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>"
            ),
            _ABOUT: "<< /Producer (Kepu Week) >>",
        }
    )


def _drawn(face: Face) -> list[str]:
    """The page's operators, from the top."""
    drawn: list[str] = []
    y = HEIGHT - MARGIN - 8
    drawn += _words("入场券 Ticket", MARGIN, y, 9)
    for line in face.title:
        y -= 19
        drawn += _words(line, MARGIN, y, 15)
    y -= 4
    for label, lines in face.rows:
        for number, line in enumerate(lines):
            y -= 15
            if number == 0:
                drawn += _words(label, MARGIN, y, 8)
            drawn += _words(line, MARGIN + 54, y, 11)
    drawn += _code(face.text, (WIDTH - CODE_WIDTH) / 2, MARGIN + 22)
    left = (WIDTH - len(face.ticket_code) * 9.6) / 2
    code = face.ticket_code.encode("ascii").hex()
    drawn.append(f"BT /Code 16 Tf 100 Tz {left:.1f} {MARGIN} Td <{code}> Tj ET")
    return drawn


def _words(words: str, x: float, y: float, size: int) -> Iterator[str]:
    """
    A line: letters and digits of ASCII in a font that every reader has, the others in the Chinese one.

    So a reader that puts another font in the place of the Chinese one cannot make a time illegible.
    """
    for ascii_, run in groupby(words, str.isascii):
        part = "".join(run)
        if ascii_:
            font, code, width = f"/Code {size} Tf {_SQUEEZED_PERCENT} Tz", part.encode("ascii"), _HALF
        else:
            font, code, width = f"/Song {size} Tf 100 Tz", part.encode("utf-16-be"), 1.0
        yield f"BT {font} {x:.1f} {y} Td <{code.hex()}> Tj ET"
        x += len(part) * width * size


def _code(text: str, x: float, y: float) -> list[str]:
    """The code with its light border, its bottom left corner here."""
    width, runs = qr.dark_runs(text)
    dot = CODE_WIDTH / (width + 2 * qr.BORDER)
    squares = [f"{run.x + qr.BORDER} {width + qr.BORDER - 1 - run.y} {run.length} 1 re" for run in runs]
    return [f"q {dot:.4f} 0 0 {dot:.4f} {x:.2f} {y} cm 0 g", *squares, "f Q"]


def _file(objects: dict[int, str]) -> bytes:
    """A PDF of these objects, numbered from 1, with the table of where each one begins."""
    written = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places: list[int] = []
    for number, content in sorted(objects.items()):
        places.append(len(written))
        written += f"{number} 0 obj\n{content}\nendobj\n".encode("ascii")
    table = len(written)
    written += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    written += "".join(f"{place:010} 00000 n \n" for place in places).encode()
    written += (
        f"trailer\n<< /Size {len(objects) + 1} /Root {_CATALOG} 0 R /Info {_ABOUT} 0 R >>\n"
        f"startxref\n{table}\n%%EOF\n"
    ).encode()
    return bytes(written)
