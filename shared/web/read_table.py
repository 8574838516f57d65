"""
A file of a spreadsheet as rows of text: CSV in the usual encodings and with the usual separators, or XLSX.

A file comes from anybody, so it may be malicious. What reading costs is bounded: by the size of a CSV file,
which the caller bounds, and by all that is in a workbook (`workbooks.py`).
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from shared.web.workbooks import NoWorkbook, WorkbookTooLarge, read_workbook

SEPARATORS = ",;\t"

ZIP = b"PK\x03\x04"
_FULL_WIDTH = str.maketrans("，；", ",;")

Row = tuple[int, list[str]]
"""The number of the line as a spreadsheet counts it, from 1, and its cells without the spaces around them."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """
    How large a table may be.

    Attributes:
        lines_max: without the heading.
        cell_chars_max: a longer cell is cut to one character more, and found to be too long by its own check.
    """

    lines_max: int
    columns_max: int
    cell_chars_max: int


class NoTable(Exception):
    """
    A file that is no table, or too large a one.

    Attributes:
        line: where a file is unreadable, if that is known.
    """

    def __init__(
        self,
        reason: Literal["unreadable", "encoding", "too_long", "too_wide", "unpacked"],
        line: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def read_table(content: bytes, bounds: Bounds) -> list[Row]:
    """
    The rows of a file that are not empty; the first one is the heading.

    Raises:
        NoTable: it is no file of these kinds, or is too large.
    """
    rows = _of_xlsx(content, bounds) if content.startswith(ZIP) else _of_csv(text_of(content), bounds)
    found: list[Row] = []
    for number, cells in rows:
        if not any(cells):
            continue
        if len(found) > bounds.lines_max:
            raise NoTable("too_long")
        found.append((number, cells))
    return found


def text_of(content: bytes) -> str:
    """
    The text of a file in UTF-8, UTF-16 with its mark, or GB18030.

    Raises:
        NoTable: it is in none of them (`encoding`).
    """
    # UTF-8 first: a text in GB18030 is hardly ever valid UTF-8, but nearly every UTF-8 is valid GB18030.
    encodings = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise NoTable("encoding")


def _of_csv(text: str, bounds: Bounds) -> Iterator[Row]:
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
                looked_at = [
                    cell[: bounds.cell_chars_max + 1].strip() for cell in cells[: bounds.columns_max + 1]
                ]
                yield number, _bounded(looked_at, bounds)
            # A quoted cell may have several lines.
            number = reader.line_num + 1
    except csv.Error:
        raise NoTable("unreadable", number) from None


def _of_xlsx(content: bytes, bounds: Bounds) -> Iterator[Row]:
    rows = read_workbook(content, columns_max=bounds.columns_max, cell_chars_max=bounds.cell_chars_max)
    try:
        for number, cells in rows:
            yield number, _bounded(cells, bounds)
    except NoWorkbook:
        raise NoTable("unreadable") from None
    except WorkbookTooLarge:
        raise NoTable("unpacked") from None


def _bounded(cells: list[str], bounds: Bounds) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) > bounds.columns_max:
        raise NoTable("too_wide")
    return cells
