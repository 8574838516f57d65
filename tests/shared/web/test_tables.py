"""Tables as files: what spreadsheets read, without formulas, and in little memory."""

import csv
import io
import tracemalloc
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from xml.etree import ElementTree

import pytest

from shared.web.tables import BOM, FORMULA_BEGINS, Cell, Rows, csv_file, xlsx_file

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
Make = Callable[[Sequence[str], Rows], AsyncIterator[bytes]]


async def given(*pages: list[list[Cell]]) -> AsyncIterator[list[list[Cell]]]:
    for page in pages:
        yield page


async def whole(make: Make, *pages: list[list[Cell]]) -> bytes:
    return b"".join([piece async for piece in make(["name", "places"], given(*pages))])


async def read_csv(*pages: list[list[Cell]]) -> list[list[str]]:
    content = (await whole(csv_file, *pages)).decode()
    assert content.startswith(BOM)
    return list(csv.reader(io.StringIO(content.removeprefix(BOM), newline="")))


async def read_xlsx(*pages: list[list[Cell]]) -> list[list[Any]]:
    archive = zipfile.ZipFile(io.BytesIO(await whole(xlsx_file, *pages)))
    assert archive.testzip() is None
    # Each part that another one names is there.
    for part in archive.namelist():
        ElementTree.fromstring(archive.read(part))  # noqa: S314 (made here)
    rows = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))  # noqa: S314
    return [[value(cell) for cell in row] for row in rows.iter(f"{SHEET}row")]


def value(cell: ElementTree.Element) -> Any:
    assert cell.find(f"{SHEET}f") is None
    text, number = cell.find(f"{SHEET}is/{SHEET}t"), cell.find(f"{SHEET}v")
    if text is not None:
        assert cell.get("t") == "inlineStr"
        return text.text
    return int(number.text or "") if number is not None else None


async def test_a_file_has_the_names_of_its_columns_and_then_its_rows() -> None:
    pages: list[list[list[Cell]]] = [[["王芳", 2], ['O\'Brien, "Li"\nsecond line', 1]], [], [["李", None]]]
    assert await read_csv(*pages) == [
        ["name", "places"],
        ["王芳", "2"],
        ['O\'Brien, "Li"\nsecond line', "1"],
        ["李", ""],
    ]
    assert await read_xlsx(*pages) == [
        ["name", "places"],
        ["王芳", 2],
        ['O\'Brien, "Li"\nsecond line', 1],
        ["李", None],
    ]


async def test_times_are_texts_in_utc() -> None:
    at = datetime(2027, 5, 20, 9, tzinfo=timezone(timedelta(hours=8)))
    assert (await read_csv([[at]]))[1] == ["2027-05-20T01:00:00Z"]
    assert (await read_xlsx([[at.astimezone(UTC)]]))[1] == ["2027-05-20T01:00:00Z"]


@pytest.mark.parametrize("begins", FORMULA_BEGINS)
async def test_what_a_spreadsheet_would_take_for_a_formula_is_a_text(begins: str) -> None:
    formula = f'{begins}HYPERLINK("https://example.org";A1)'
    [[in_csv, number]] = (await read_csv([[formula, -1]]))[1:]
    assert in_csv == f"'{formula}"
    assert number == "-1"
    # Marked as a text, it needs no apostrophe. XML readers take each line end for "\n".
    assert (await read_xlsx([[formula, -1]]))[1] == [formula.replace("\r", "\n"), -1]


async def test_what_xml_cannot_hold_spoils_no_file() -> None:
    assert (await read_xlsx([["a\x00b\x1f\ufffe <&> ]]>", 1]]))[1] == ["a\ufffdb\ufffd\ufffd <&> ]]>", 1]


@pytest.mark.parametrize("make", [csv_file, xlsx_file])
async def test_a_long_file_is_never_in_memory_as_a_whole(make: Make) -> None:
    async def many() -> AsyncIterator[list[list[Cell]]]:
        for page in range(100):
            yield [[f"{page}-{number}-{hash((page, number))}", number] for number in range(500)]

    tracemalloc.start()
    sent = 0
    async for piece in make(["name", "places"], many()):
        sent += len(piece)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent > 500_000
    assert most < 1_000_000
