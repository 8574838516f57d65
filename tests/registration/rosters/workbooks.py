"""
Workbooks that cost a reader much, and what reading a file costs, measured in a process of its own.

    python workbooks.py FILE...
"""

import io
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from services.registration.rosters.read_table import read_table
from shared.runtime.errors import Rejected
from shared.web.workbooks import UNPACKED_BYTES_MAX

ROOT = Path(__file__).parents[3]
BOOK = "xl/workbook.xml"
RELATED = "xl/_rels/workbook.xml.rels"
STYLES = "xl/styles.xml"
STRINGS = "xl/sharedStrings.xml"
SHEET = "xl/worksheets/sheet1.xml"
# As other programs write them: with a prefix, with absolute names, and with the readings of words.
PARTS: Mapping[str, str] = {
    "_rels/.rels": '<r><Relationship Id="a" Type="http://x/officeDocument" Target="/xl/workbook.xml"/></r>',
    BOOK: '<x:workbook xmlns:x="m" xmlns:rel="r"><x:sheets><x:sheet name="1" sheetId="1" rel:id="b"/>'
    "</x:sheets></x:workbook>",
    RELATED: '<r><Relationship Id="b" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>'
    '<Relationship Id="c" Type="http://x/styles" Target="styles.xml"/>'
    '<Relationship Id="d" Type="http://x/sharedStrings" Target="sharedStrings.xml"/></r>',
    STYLES: '<s><numFmts><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;"/></numFmts>'
    '<fonts/><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></s>',
    STRINGS: "<sst><si><t>姓名</t></si>"
    "<si><r><t>王</t></r><r><t>小明</t></r><rPh><t>wáng</t></rPh></si></sst>",
    SHEET: '<x:worksheet xmlns:x="m"><x:sheetData><x:row r="1"><x:c r="A1" t="s"><x:v>0</x:v></x:c></x:row>'
    '<x:row r="3"><x:c r="A3" t="s"><x:v>1</x:v></x:c><x:c r="C3" s="1"><x:v>41153</x:v></x:c></x:row>'
    "</x:sheetData></x:worksheet>",
}
ROWS = [(1, ["姓名"]), (3, ["王小明", "", "2012-09-01"])]


def workbook(change: Mapping[str, str] | None = None) -> bytes:
    """A workbook with some parts in the place of others."""
    content = io.BytesIO()
    # Packed quickly: each of the workbooks below unpacks to sixteen megabytes.
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, part in {**PARTS, **(change or {})}.items():
            archive.writestr(name, part)
    return content.getvalue()


def _full(part: str, before: str, piece: str | Callable[[int], str]) -> bytes:
    """A part is filled with pieces, as many as the whole workbook may unpack to."""
    room = UNPACKED_BYTES_MAX - sum(len(text.encode()) for text in PARTS.values())
    if isinstance(piece, str):
        filling = piece * (room // len(piece.encode()))
    else:
        filling = "".join(map(piece, range(room // len(piece(0).encode()))))
    assert before in PARTS[part]
    return workbook({part: PARTS[part].replace(before, filling + before, 1)})


def _many_attributes(number: int) -> str:
    names = "='' ".join(f"a{number:03}{place:04}" for place in range(4_000))
    return f"<x:row {names}=''/>"


def _format(place: int) -> str:
    return f'<numFmt numFmtId="{place + 1_000:07}" formatCode="{"[x" * 120}"/>'


# Each by a function, so that only one is in memory.
SHAPES: Mapping[str, Callable[[], bytes]] = {
    "styles": lambda: _full(STYLES, "</cellXfs>", "<xf/>"),
    "formats": lambda: _full(STYLES, "</numFmts>", _format),
    "strings": lambda: _full(STRINGS, "</sst>", "<si><t>ab</t></si>"),
    "wide strings": lambda: _full(STRINGS, "</sst>", f"<si><t>\U0001f600{'x' * 997}</t></si>"),
    "sheets": lambda: _full(BOOK, "</x:sheets>", '<x:sheet name="a" sheetId="2" rel:id="b"/>'),
    "names": lambda: _full(BOOK, "</x:workbook>", '<x:definedName name="a">a</x:definedName>'),
    "relations": lambda: _full(RELATED, "</r>", '<Relationship Type="a" Target="b" Id="e"/>'),
    "cells": lambda: _full(SHEET, "</x:row>", "<x:c/>"),
    "numbers": lambda: _full(SHEET, "</x:row>", '<c s="1"><v>1.5</v></c>'),
    "texts": lambda: _full(SHEET, "</x:row>", '<c t="inlineStr"><is><t>ab</t></is></c>'),
    "names of tags": lambda: _full(SHEET, "</x:sheetData>", lambda place: f"<a{place:07}/>"),
    "nested": lambda: _full(SHEET, "</x:sheetData>", "<x:row>"),
    "attributes": lambda: _full(SHEET, "</x:sheetData>", _many_attributes),
    "one tag": lambda: _full(SHEET, "<x:row", f"<a b='{'x' * 16_000_000}'/>"),
    "comments": lambda: _full(SHEET, "</x:sheetData>", "<!---->"),
    "entities": lambda: _full(SHEET, "</x:sheetData>", "&lt;"),
    "line breaks": lambda: _full(SHEET, "</x:sheetData>", "\n"),
}


# Of a usual core. It takes a second; a reader that makes an object of each element takes 5 to 55.
CPU_SECONDS_MAX = 4
MEMORY_MIB_MAX = 100


class Cost(msgspec.Struct, frozen=True):
    """
    What reading a file costs, and its rows or the code of its refusal.

    Attributes:
        memory_mib: how far the peak of the process is above the peak before this file.
    """

    found: int | str
    cpu_seconds: float
    memory_mib: float

    @property
    def is_little(self) -> bool:
        return self.cpu_seconds <= CPU_SECONDS_MAX and self.memory_mib <= MEMORY_MIB_MAX


def cost_of(path: Path) -> Cost:
    content = path.read_bytes()
    before_mib, started = _peak_mib(), time.process_time()
    found: int | str
    try:
        found = len(read_table(content))
    except Rejected as refused:
        found = refused.code
    return Cost(found, time.process_time() - started, _peak_mib() - before_mib)


def _peak_mib() -> float:
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    costs = [cost_of(Path(name)) for name in sys.argv[1:]]
    sys.stdout.buffer.write(msgspec.json.encode(costs))
