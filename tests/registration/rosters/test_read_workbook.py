"""Workbooks: what programs write is read as people see it, and no workbook costs much time or memory."""

import io
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import MAC_EPOCH

from services.registration.rosters.read_table import read_table
from services.registration.rosters.rules import CELL_CHARS_MAX, COLUMNS_MAX, ROSTER_LINES_MAX
from shared.runtime.errors import Rejected
from shared.web.tables import Cell, xlsx_file
from tests.registration.rosters.workbooks import (
    BOOK,
    PARTS,
    RELATED,
    ROOT,
    ROWS,
    SHAPES,
    SHEET,
    STRINGS,
    Cost,
    workbook,
)
from tests.support.slowness import slowness

SHEET_OF = "<worksheet><sheetData>{}</sheetData></worksheet>"


def code_of(content: bytes) -> str:
    with pytest.raises(Rejected) as refused:
        read_table(content)
    return refused.value.code


def sheet_of(rows: str) -> bytes:
    return workbook({SHEET: SHEET_OF.format(rows)})


@pytest.mark.parametrize(
    ("value", "number_format", "seen"),
    [
        ("007", "General", "007"),
        (" 王 小明 ", "General", "王 小明"),
        ("<&>\n=1", "@", "<&>\n=1"),
        (7, "0.00", "7"),
        (-3.0, "General", "-3"),
        (0.5, "0%", "0.5"),
        (2.5, '0"day"', "2.5"),
        (2.5, "[Red]0;[Blue]-0", "2.5"),
        (202_600_000_000_017, "0", "202600000000017"),
        (1e21, "General", "1000000000000000000000"),
        (True, "General", "yes"),
        (False, "General", "no"),
        (datetime(2012, 9, 1, 8, 30, tzinfo=UTC).replace(tzinfo=None), "yyyy-mm-dd hh:mm", "2012-09-01"),
        (date(2012, 9, 1), "dd/mm/yyyy", "2012-09-01"),
        (41_153, '[$-804]yyyy"年"m"月"', "2012-09-01"),
        (41_153, "m/d;@", "2012-09-01"),
        (time(8, 30), "h:mm", "08:30:00"),
        (timedelta(hours=30), "[h]:mm:ss", "1 day, 6:00:00"),
        (59, "yyyy-mm-dd", "1900-02-28"),
        (61, "yyyy-mm-dd", "1900-03-01"),
        (1e30, "yyyy-mm-dd", "#VALUE!"),
    ],
)
def test_a_cell_is_as_people_see_it(value: Any, number_format: str, seen: str) -> None:
    book = Workbook()
    cell = book.worksheets[0].cell(1, 2)
    cell.value = value
    cell.number_format = number_format
    content = io.BytesIO()
    book.save(content)
    assert read_table(content.getvalue()) == [(1, ["", seen])]


def test_days_count_from_1904_if_the_workbook_says_so() -> None:
    book = Workbook()
    book.epoch = MAC_EPOCH
    book.worksheets[0].append([date(2012, 9, 1)])
    content = io.BytesIO()
    book.save(content)
    assert read_table(content.getvalue()) == [(1, ["2012-09-01"])]


def test_the_first_sheet_is_read_and_a_chart_is_none() -> None:
    book = Workbook()
    book.create_chartsheet("图", 0)
    book.worksheets[0].append(["姓名"])
    book.create_sheet("后").append(["other"])
    content = io.BytesIO()
    book.save(content)
    assert read_table(content.getvalue()) == [(1, ["姓名"])]


def test_prefixes_absolute_names_shared_texts_and_readings_of_words() -> None:
    assert read_table(workbook()) == ROWS


async def test_a_table_that_was_exported_can_be_read_again() -> None:
    async def rows() -> AsyncIterator[Sequence[Sequence[Cell]]]:
        yield [["=1+1", 7, None, datetime(2026, 9, 1, tzinfo=UTC)]]

    content = b"".join([piece async for piece in xlsx_file(["姓名", "b", "c", "d"], rows())])
    assert read_table(content) == [
        (1, ["姓名", "b", "c", "d"]),
        (2, ["=1+1", "7", "", "2026-09-01T00:00:00Z"]),
    ]


def test_a_value_far_away_is_no_table_of_a_million_rows_or_columns() -> None:
    assert read_table(sheet_of('<row r="1048576"><c r="B1048576"><v>1</v></c></row>')) == [
        (1_048_576, ["", "1"])
    ]
    assert code_of(sheet_of('<row r="1"><c r="XFD1"><v>1</v></c></row>')) == "roster_too_wide"


def test_a_workbook_has_so_many_lines_and_columns_at_most() -> None:
    cells = COLUMNS_MAX * (ROSTER_LINES_MAX + 1)
    texts = "".join(f"<si><t>{place}</t></si>" for place in range(cells))
    written = [f'<c s="0" t="s"><v>{place}</v></c>' for place in range(cells)]
    rows = [written[start : start + COLUMNS_MAX] for start in range(0, cells, COLUMNS_MAX)]
    sheet = "".join(f"<row>{''.join(row)}</row>" for row in rows)
    fullest = read_table(workbook({SHEET: SHEET_OF.format(sheet), STRINGS: f"<sst>{texts}</sst>"}))
    assert [cell for _, row in fullest for cell in row] == [str(place) for place in range(cells)]
    assert code_of(sheet_of("<row><c><v>1</v></c></row>" * (ROSTER_LINES_MAX + 2))) == "roster_too_long"
    assert code_of(sheet_of(f"<row>{'<c><v>1</v></c>' * (COLUMNS_MAX + 1)}</row>")) == "roster_too_wide"


def test_a_long_text_is_cut() -> None:
    [(_, [cell])] = read_table(sheet_of(f'<row><c t="str"><v>{"x" * 100_000}</v></c></row>'))
    assert cell == "x" * (CELL_CHARS_MAX + 1)


@pytest.mark.parametrize(
    "change",
    [
        {SHEET: "<worksheet><sheetData>"},
        {SHEET: '<!DOCTYPE a [<!ENTITY b "c">]><worksheet><sheetData/></worksheet>'},
        {SHEET: '<worksheet><sheetData><row r="2"/><row r="2"/></sheetData></worksheet>'},
        {SHEET: '<worksheet><sheetData><row><c r="$$1"><v>1</v></c></row></sheetData></worksheet>'},
        {SHEET: '<worksheet><sheetData><row><c t="s"><v>9</v></c></row></sheetData></worksheet>'},
        {SHEET: "<worksheet><sheetData><row><c><v>one</v></c></row></sheetData></worksheet>"},
        {BOOK: PARTS[BOOK].replace('rel:id="b"', "")},
        {RELATED: "<r/>"},
        {RELATED: PARTS[RELATED].replace("sheet1.xml", "../../../sheet1.xml")},
        {"_rels/.rels": "<r/>"},
    ],
)
def test_what_is_no_workbook_is_refused(change: dict[str, str]) -> None:
    assert code_of(workbook(change)) == "roster_unreadable"


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_what_spreadsheets_write_is_unpacked(compression: int) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, part in PARTS.items():
            archive.writestr(name, part)
    assert code_of(content.getvalue()) == "roster_unreadable"


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
def test_no_workbook_costs_much_time_or_memory(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in SHAPES}
    for name, made in SHAPES.items():
        files[name].write_bytes(made())
    costs = costs_of(files)
    dear = {name: files[name] for name, cost in costs.items() if not cost.is_little}
    # What shares the core makes a second longer. A file that is dear is dear each time.
    for _ in range(2):
        dear = {name: files[name] for name, cost in costs_of(dear).items() if not cost.is_little}
    assert not dear
    # The other ones are good: nothing that a table needs is many.
    harmless = {name: cost.found for name, cost in costs.items() if cost.found != "roster_unpacked"}
    assert harmless == dict.fromkeys(
        ["wide strings", "names", "comments", "entities", "line breaks"], len(ROWS)
    )


def costs_of(files: Mapping[str, Path]) -> dict[str, Cost]:
    """What a process of its own needs for each, on a usual core."""
    if not files:
        return {}
    slow = [slowness()]
    measured = subprocess.run(
        [sys.executable, "-m", "tests.registration.rosters.workbooks", *files.values()],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    slow.append(slowness())
    found = msgspec.json.decode(measured.stdout, type=list[Cost])
    return {
        name: msgspec.structs.replace(cost, cpu_seconds=cost.cpu_seconds / max(slow))
        for name, cost in zip(files, found, strict=True)
    }
