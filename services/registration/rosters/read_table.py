"""
A file of a spreadsheet as rows of text: CSV in the usual encodings and with the usual separators, or XLSX.

A file comes from anybody who manages a group, so it may be malicious: an archive that grows a thousandfold,
an entity that repeats itself, a sheet with a cell in its millionth row. Everything here is bounded before it
is read. Formulas are not evaluated: the value that was stored with them is taken."""

import csv
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime

from defusedxml import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from services.registration.rosters.rules import ROSTER_LINES_MAX
from shared.runtime.errors import Rejected

ROSTER_BYTES_MAX = 2_097_152
# A roster of 5,000 lines has about 2 MB in its parts, once they are unpacked.
UNPACKED_BYTES_MAX = 16_777_216
PARTS_MAX = 200
COLUMNS_MAX = 32
# Far more than any of our columns takes: what is longer is found to be too long by the column's own check.
CELL_CHARS_MAX = 1_000
SEPARATORS = ",;\t"

_ZIP = b"PK\x03\x04"
# What the library, the unpackers and the XML parser raise for a file that is no workbook.
_NO_WORKBOOK = (
    InvalidFileException,
    DefusedXmlException,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
_FULL_WIDTH = str.maketrans("，；", ",;")

Row = tuple[int, list[str]]
"""The number of the line as a spreadsheet counts it, from 1, and its cells without the spaces around them."""


def read_table(content: bytes) -> list[Row]:
    """
    The rows of a file that are not empty; the first one is the heading.

    Raises:
        Rejected: it is no file of these kinds (`roster_unreadable`, `roster_encoding`), or is too large
            (`roster_too_long`, `roster_too_wide`, `roster_unpacked`).
    """
    rows = _of_xlsx(content) if content.startswith(_ZIP) else _of_csv(_text(content))
    found: list[Row] = []
    for number, cells in rows:
        if not any(cells):
            continue
        if len(found) > ROSTER_LINES_MAX:
            raise Rejected(
                f"a file has at most {ROSTER_LINES_MAX} lines", code="roster_too_long", most=ROSTER_LINES_MAX
            )
        found.append((number, cells))
    return found


def _text(content: bytes) -> str:
    # UTF-8 first: a text in GB18030 is hardly ever valid UTF-8, but nearly every UTF-8 is valid GB18030.
    encodings = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Rejected("the file is neither in UTF-8 nor in GB18030", code="roster_encoding")


def _of_csv(text: str) -> Iterator[Row]:
    heading = text.lstrip().partition("\n")[0].translate(_FULL_WIDTH)
    separator = max(SEPARATORS, key=heading.count)
    if heading.count(separator) and not text.lstrip().partition("\n")[0].count(separator):
        # The whole file was typed with full-width commas.
        text = text.translate(_FULL_WIDTH)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 1
    try:
        for cells in reader:
            yield number, _bounded([cell[: CELL_CHARS_MAX + 1].strip() for cell in cells[: COLUMNS_MAX + 1]])
            # A quoted cell may have several lines.
            number = reader.line_num + 1
    except csv.Error:
        raise Rejected(f"line {number} is no line of a CSV file", code="roster_unreadable") from None


def _of_xlsx(content: bytes) -> Iterator[Row]:
    _check_archive(content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        # What the file says of its size is not believed.
        sheet.reset_dimensions()
        # One more row and column than allowed, so that too much is seen. Rows may be empty in between.
        last = 2 * (ROSTER_LINES_MAX + 2)
        rows = sheet.iter_rows(max_row=last, max_col=COLUMNS_MAX + 1, values_only=True)
        for number, cells in enumerate(rows, start=1):
            yield number, _bounded([_cell(cell) for cell in cells])
    except Rejected:
        raise
    except _NO_WORKBOOK:
        # Whatever the library stumbles over in a file that is no workbook. Its words could quote the file.
        raise Rejected("the file is no XLSX workbook that can be read", code="roster_unreadable") from None


def _check_archive(content: bytes) -> None:
    """
    Check the archive before anything is unpacked. The unpacker never gives more than a part says it has.

    Raises:
        Rejected: it is no archive, or its parts are too many or too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise Rejected("the file is no XLSX workbook that can be read", code="roster_unreadable") from None
    if len(parts) > PARTS_MAX or sum(part.file_size for part in parts) > UNPACKED_BYTES_MAX:
        raise Rejected(
            "the workbook is too large once it is unpacked; save only the sheet with the roster",
            code="roster_unpacked",
        )


def _cell(value: object) -> str:
    """A cell as a person sees it: whole numbers without a point, days without a time."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)[: CELL_CHARS_MAX + 1].strip()


def _bounded(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) > COLUMNS_MAX:
        raise Rejected(f"a file has at most {COLUMNS_MAX} columns", code="roster_too_wide", most=COLUMNS_MAX)
    return cells
