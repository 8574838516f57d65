"""
Tables as files, made piece by piece: CSV and XLSX. Only a few rows are in memory, and no file is on disk.

People have written what stands in the cells. A spreadsheet would take a text that begins with "=" for a
formula, and a formula can send the content of the sheet away. In a CSV file such a text gets an apostrophe.
In an XLSX file each text is marked as a text, and stays one.

XLSX is a zip of XML files. The smallest workbook has five of them, and Python's zipfile writes to a stream.

Source: RFC 4180; ECMA-376, part 1, section 18; OWASP, CSV injection
"""

import csv
import io
import zipfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import IO, TypeAlias, cast
from xml.sax.saxutils import escape

from shared.runtime.errors import Rejected

Cell: TypeAlias = str | int | datetime | None
Rows: TypeAlias = AsyncIterator[Sequence[Sequence[Cell]]]

# By this a spreadsheet sees that the file is in UTF-8.
BOM = "\ufeff"
# Full-width signs too: a spreadsheet may take them for the others.
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Of the programs that open such files.
SHEET_ROWS_MAX = 1_048_576
CELL_CHARS_MAX = 32_767

# What XML 1.0 cannot hold.
_NOT_XML = dict.fromkeys(
    [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\ufffd"
)
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_MEDIA}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_MEDIA}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
_SHEET = "xl/worksheets/sheet1.xml"
_SHEET_BEGINS = f'{_XML}<worksheet xmlns="{_SHEETS}"><sheetData>'
_SHEET_ENDS = "</sheetData></worksheet>"


async def csv_file(columns: Sequence[str], rows: Rows) -> AsyncIterator[bytes]:
    """A CSV file in UTF-8 with its columns' names in the first line; times are in UTC."""
    yield BOM.encode() + _lines([columns])
    async for some in rows:
        if some:
            yield _lines(some)


async def xlsx_file(columns: Sequence[str], rows: Rows) -> AsyncIterator[bytes]:
    """
    A workbook of one sheet with its columns' names in the first row; times are texts in UTC.

    Raises:
        Rejected: there are more rows than a sheet can have (`too_many_rows`).
    """
    sink = _Sink()
    # The sink cannot be wound back, so the archive writes each size behind its part.
    archive = zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_DEFLATED)
    for name, content in _PARTS.items():
        archive.writestr(name, _XML + content)
    number = 1
    with archive.open(_SHEET, "w") as sheet:
        sheet.write(_SHEET_BEGINS.encode() + _row(columns))
        async for some in rows:
            number += len(some)
            if number > SHEET_ROWS_MAX:
                raise Rejected(f"a sheet has at most {SHEET_ROWS_MAX} rows", code="too_many_rows")
            sheet.write(b"".join(map(_row, some)))
            if piece := sink.take():
                yield piece
        sheet.write(_SHEET_ENDS.encode())
    archive.close()
    yield sink.take()


class _Sink:
    """Takes what the archive writes, until it is sent."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, content: bytes, /) -> int:
        self._written.append(bytes(content))
        return len(content)

    def flush(self) -> None:
        """Everything is here already."""

    def take(self) -> bytes:
        content = b"".join(self._written)
        self._written.clear()
        return content


def _lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _harmless(cell: Cell) -> str | int:
    if isinstance(cell, str) and cell.startswith(FORMULA_BEGINS):
        return f"'{cell}"
    return _shown(cell)


def _shown(cell: Cell) -> str | int:
    if isinstance(cell, datetime):
        return f"{cell.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return "" if cell is None else cell


def _row(cells: Sequence[Cell]) -> bytes:
    return f"<row>{''.join(_xml_cells(cells))}</row>".encode()


def _xml_cells(cells: Sequence[Cell]) -> Iterator[str]:
    for cell in map(_shown, cells):
        if isinstance(cell, int):
            yield f"<c><v>{cell}</v></c>"
        elif cell:
            text = escape(cell[:CELL_CHARS_MAX].translate(_NOT_XML))
            yield f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
        else:
            yield "<c/>"
