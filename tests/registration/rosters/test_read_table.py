"""Files as rows: what spreadsheets write is read, and what could harm is refused before it is unpacked."""

import io
import zipfile

import pytest

from services.registration.rosters.read_table import read_table
from services.registration.rosters.rules import COLUMNS_MAX, ROSTER_LINES_MAX
from shared.runtime.errors import Rejected
from shared.web.workbooks import UNPACKED_BYTES_MAX
from tests.registration.rosters.builders import csv_of, pupils, xlsx_of

TWO = [(1, ["姓名", "班级"]), (2, ["李小明", "一班"])]


def code_of(content: bytes) -> str:
    with pytest.raises(Rejected) as refused:
        read_table(content)
    return refused.value.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_in_each_encoding_and_with_each_separator(encoding: str, separator: str) -> None:
    text = csv_of([["李小明", "一班"]], ["姓名", "班级"], separator)
    assert read_table(text.encode(encoding)) == TWO


def test_full_width_commas_separate_when_nothing_else_does() -> None:
    assert read_table("姓名，班级\n李小明，一班\n".encode()) == TWO


def test_empty_lines_are_left_out_and_the_others_keep_their_numbers() -> None:
    assert [number for number, _ in read_table(b"name\n\n,,\nLi\n")] == [1, 4]


def test_a_quoted_cell_with_line_breaks_does_not_shift_the_numbers() -> None:
    rows = read_table(b'name,class\n"Li\nXiaoming",1\nWang,2\n')
    assert [(number, cells[0]) for number, cells in rows] == [(1, "name"), (2, "Li\nXiaoming"), (4, "Wang")]


def test_a_workbook_shows_numbers_as_people_see_them() -> None:
    rows = read_table(
        xlsx_of([["李小明", 7.0, None], [None, None, None], ["王芳", 12, True]], ["姓名", "学号"])
    )
    assert rows == [(1, ["姓名", "学号"]), (2, ["李小明", "7"]), (4, ["王芳", "12", "yes"])]


def test_a_formula_is_not_evaluated() -> None:
    assert read_table(xlsx_of([["李小明", "=1+1"]]))[1][1] == ["李小明"]


def test_a_file_has_so_many_lines_and_columns_at_most() -> None:
    assert len(read_table(csv_of(pupils(ROSTER_LINES_MAX)).encode())) == ROSTER_LINES_MAX + 1
    assert code_of(csv_of(pupils(ROSTER_LINES_MAX + 1)).encode()) == "roster_too_long"
    assert code_of(csv_of([["x"] * (COLUMNS_MAX + 1)]).encode()) == "roster_too_wide"


def test_an_archive_that_grows_is_refused_before_it_is_unpacked() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * (UNPACKED_BYTES_MAX + 1))
    assert len(content.getvalue()) < 100_000
    assert code_of(content.getvalue()) == "roster_unpacked"


def test_entities_that_repeat_themselves_are_refused() -> None:
    whole = io.BytesIO(xlsx_of([["李小明"]]))
    content = io.BytesIO()
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><workbook>&a;</workbook>'
    with zipfile.ZipFile(whole) as before, zipfile.ZipFile(content, "w") as after:
        for part in before.namelist():
            after.writestr(part, bomb if part == "xl/workbook.xml" else before.read(part))
    assert code_of(content.getvalue()) == "roster_unreadable"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"PK\x03\x04 no archive", "roster_unreadable"),
        (b'name\n"Li', "roster_unreadable"),
        (b"name\n\xff\xff\xff", "roster_encoding"),
        (b"name\nL\0i", "roster_encoding"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, code: str) -> None:
    assert code_of(content) == code
