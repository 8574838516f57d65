"""
A file of a spreadsheet as rows of text: CSV in the usual encodings and with the usual separators, or XLSX.

A file comes from anybody who manages a group, so it may be malicious. What reading costs is bounded: by the
size of a CSV file, and by all that is in a workbook (`read_workbook.py`).
"""

import csv
import io
from collections.abc import Iterator

from services.registration.rosters.read_workbook import read_workbook
from services.registration.rosters.rules import CELL_CHARS_MAX, COLUMNS_MAX, ROSTER_LINES_MAX
from shared.runtime.errors import Rejected

ROSTER_BYTES_MAX = 2_097_152
SEPARATORS = ",;\t"

_ZIP = b"PK\x03\x04"
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
            # A file may have a million empty lines.
            if any(cells):
                looked_at = [cell[: CELL_CHARS_MAX + 1].strip() for cell in cells[: COLUMNS_MAX + 1]]
                yield number, _bounded(looked_at)
            # A quoted cell may have several lines.
            number = reader.line_num + 1
    except csv.Error:
        raise Rejected(f"line {number} is no line of a CSV file", code="roster_unreadable") from None


def _of_xlsx(content: bytes) -> Iterator[Row]:
    for number, cells in read_workbook(content):
        yield number, _bounded(cells)


def _bounded(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) > COLUMNS_MAX:
        raise Rejected(f"a file has at most {COLUMNS_MAX} columns", code="roster_too_wide", most=COLUMNS_MAX)
    return cells
