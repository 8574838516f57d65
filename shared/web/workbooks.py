"""
The first sheet of an XLSX workbook as rows of text. Formulas are not evaluated: the stored value is taken.

A workbook comes from anybody, so the cost of reading is bounded whatever is in it. Only
the parts that a table needs are opened: the list of sheets, the texts, the styles (which ones show days), and
the rows. What follows the rows is not read.

Source: ECMA-376, part 1, section 18 (SpreadsheetML); part 2, section 6.5 (relationships)
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal
from xml.parsers.expat import ExpatError

from shared.web.xml_events import Event, XmlReader, XmlTooLarge

# A roster of 5,000 lines has about 2 MB in its parts, once they are unpacked.
UNPACKED_BYTES_MAX = 16_777_216
PARTS_MAX = 200
# 5,000 lines with a text of its own in each of 32 columns have 645,000 elements and up to 680,000 attributes.
ELEMENTS_MAX = 660_000
ATTRIBUTES_MAX = 750_000
# Of a part, and of a workbook: more than a program that writes workbooks keeps.
RELATED_MAX = 1_000
FORMATS_MAX = 1_000

# The others that an archive may use take far more memory, and no spreadsheet writes them.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NO_WORKBOOK = (
    zipfile.BadZipFile,
    zlib.error,
    ExpatError,
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
)

_Kind = Literal["number", "moment", "span"]
# The formats that have only a number, by what the program shows.
_FORMATS: Mapping[int, _Kind] = {
    **dict.fromkeys(range(14, 23), "moment"),
    45: "moment",
    46: "span",
    47: "moment",
}
# What a format shows as it is: quoted, escaped, a space's width, a colour or a language. Never read twice.
_AS_IT_IS = re.compile(r'"[^"]*"?|[\\_].|\[(?!(?:h+|m+|s+)\])[^\]]*\]?', re.IGNORECASE | re.DOTALL)
_SPAN = re.compile(r"\[[hms]", re.IGNORECASE)
_MOMENT = re.compile(r"[dmhys]", re.IGNORECASE)
_SINCE_1900 = datetime(1899, 12, 30)  # noqa: DTZ001 (a day in a sheet has no time zone)
_SINCE_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
_DAY_MILLISECONDS = 86_400_000


class NoWorkbook(Exception):
    """The file is no workbook that can be read."""


class WorkbookTooLarge(Exception):
    """Too much is in it, once it is unpacked."""


def read_workbook(
    content: bytes, *, columns_max: int, cell_chars_max: int
) -> Iterator[tuple[int, list[str]]]:
    """
    The rows that are not empty, each with its number.

    Args:
        columns_max: a value beyond it is in the column after it.
        cell_chars_max: a longer text is cut to one character more.

    Raises:
        NoWorkbook: it is no workbook.
        WorkbookTooLarge: too much is in it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_parts(archive.infolist())
            yield from _Workbook(archive, columns_max, cell_chars_max).rows()
    except XmlTooLarge:
        raise WorkbookTooLarge from None
    except _NO_WORKBOOK:
        # The words of the error could quote the file.
        raise NoWorkbook from None


def _check_parts(parts: Sequence[zipfile.ZipInfo]) -> None:
    """Check before anything is unpacked. The unpacker never gives more than a part says it has."""
    if len(parts) > PARTS_MAX or sum(part.file_size for part in parts) > UNPACKED_BYTES_MAX:
        raise WorkbookTooLarge
    if any(part.compress_type not in _COMPRESSIONS for part in parts):
        raise ValueError("an archive of another kind")


class _Workbook:
    def __init__(self, archive: zipfile.ZipFile, columns_max: int, cell_chars_max: int) -> None:
        self._archive = archive
        self._columns_max = columns_max
        # A longer text is found to be too long by its own check.
        self._chars_max = cell_chars_max + 1
        # One for all parts: what they cost is counted together.
        self._xml = XmlReader(
            bytes_max=UNPACKED_BYTES_MAX,
            elements_max=ELEMENTS_MAX,
            attributes_max=ATTRIBUTES_MAX,
            text_chars_max=self._chars_max,
        )
        self._epoch = _SINCE_1900
        self._kinds: list[_Kind] = []
        self._strings: list[str] = []

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        [book] = [target for kind, target in self._related("").values() if kind == "officeDocument"]
        related = self._related(book)
        sheet = self._first_sheet(book, related)
        for kind, target in related.values():
            if kind == "styles":
                self._kinds = self._read_styles(target)
            elif kind == "sharedStrings":
                self._strings = list(self._read_strings(target))
        return self._read_rows(sheet)

    def _events(self, part: str, *tags: str) -> Iterator[Event]:
        with self._archive.open(part) as document:
            yield from self._xml.events(document, frozenset(tags))

    def _related(self, part: str) -> dict[str, tuple[str, str]]:
        """The parts that a part names, by their ids: the last word of the kind, and the part's name."""
        folder, name = posixpath.split(part)
        related: dict[str, tuple[str, str]] = {}
        rels = self._events(posixpath.join(folder, "_rels", f"{name}.rels"), "Relationship")
        left = RELATED_MAX
        for _, said, _ in rels:
            if said is None:
                continue
            left -= 1
            if left < 0:
                raise XmlTooLarge
            if said.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, said["Target"])).lstrip("/")
                related[said["Id"]] = (said["Type"].rpartition("/")[2], target)
        return related

    def _first_sheet(self, book: str, related: Mapping[str, tuple[str, str]]) -> str:
        first = None
        for tag, said, _ in self._events(book, "workbookPr", "sheet"):
            if tag == "workbookPr" and said and said.get("date1904") in ("1", "true"):
                self._epoch = _SINCE_1904
            elif tag == "sheet" and said and first is None:
                # Without an id it is a LookupError, as an unknown one.
                kind, target = related[next((said[name] for name in said if name.endswith(":id")), "")]
                # A sheet may be a chart.
                first = target if kind == "worksheet" else None
        if first is None:
            raise LookupError("no sheet")
        return first

    def _read_styles(self, part: str) -> list[_Kind]:
        """What the numbers of each style are."""
        formats = dict(_FORMATS)
        kinds: list[_Kind] = []
        of_cells, formats_left = False, FORMATS_MAX
        for tag, said, _ in self._events(part, "cellXfs", "numFmt", "xf"):
            if tag == "cellXfs":
                of_cells = said is not None
            elif tag == "numFmt" and said:
                formats_left -= 1
                if formats_left < 0:
                    raise XmlTooLarge
                formats[int(said["numFmtId"])] = _kind(said["formatCode"])
            elif tag == "xf" and of_cells and said is not None:
                kinds.append(formats.get(int(said.get("numFmtId", 0)), "number"))
        return kinds

    def _read_strings(self, part: str) -> Iterator[str]:
        """The texts that cells name by their places."""
        text, is_phonetic = "", False
        for tag, said, words in self._events(part, "si", "t", "rPh"):
            if tag == "rPh":
                is_phonetic = said is not None
            elif tag == "si":
                if said is None:
                    yield _unescaped(text)
                text = ""
            elif tag == "t" and not is_phonetic:
                text = (text + words)[: self._chars_max]

    def _read_rows(self, part: str) -> Iterator[tuple[int, list[str]]]:
        number, place = 0, -1
        cells: list[str] = []
        cell: Mapping[str, str] = {}
        text, is_phonetic = "", False
        for tag, said, words in self._events(part, "sheetData", "row", "c", "v", "t", "rPh"):
            if tag == "c":
                if said is not None:
                    cell, text = said, ""
                    place = _column(said["r"].rstrip("0123456789")) if "r" in said else place + 1
                elif text and (value := self._shown(text, cell)):
                    at = min(place, self._columns_max)
                    cells += [""] * (at + 1 - len(cells))
                    cells[at] = value
            elif tag == "v" and cell.get("t") != "inlineStr":
                text = words
            elif tag == "t" and cell.get("t") == "inlineStr" and not is_phonetic:
                text = (text + words)[: self._chars_max]
            elif tag == "rPh":
                is_phonetic = said is not None
            elif tag == "row":
                if said is None:
                    if cells:
                        yield number, cells
                    continue
                following = int(said["r"]) if "r" in said else number + 1
                if following <= number:
                    raise ValueError("rows in another order")
                number, place, cells = following, -1, []
            elif tag == "sheetData" and said is None:
                return

    def _shown(self, text: str, cell: Mapping[str, str]) -> str:
        """A cell as a person sees it: whole numbers without a point, days without a time."""
        match cell.get("t", "n"):
            case "s":
                return self._strings[int(text)].strip()
            case "b":
                return "yes" if int(text) else "no"
            case "d":
                return text.partition("T")[0]
            case "n":
                style = int(cell.get("s", 0))
                kind = self._kinds[style] if style < len(self._kinds) else "number"
                number = int(text) if text.lstrip("-").isdecimal() else float(text)
                return _number(number) if kind == "number" else _moment(number, kind, self._epoch)
            case _:
                return text.strip()


def _unescaped(text: str) -> str:
    # An underscore that would begin an escape is written as one.
    return text.replace("_x005F_", "_")


@lru_cache(maxsize=1_024)
def _column(letters: str) -> int:
    """The place of a column from 0: A is 0, AA is 26."""
    if not letters.isascii() or not letters.isalpha() or len(letters) > 3:
        raise ValueError("no column")
    place = 0
    for letter in letters.upper():
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _kind(format_code: str) -> _Kind:
    """What a format makes of a number, by its first section."""
    first = _AS_IT_IS.sub("", format_code.partition(";")[0])
    if _SPAN.search(first):
        return "span"
    return "moment" if _MOMENT.search(first) else "number"


def _number(number: float) -> str:
    return str(int(number) if isinstance(number, float) and number.is_integer() else number)


def _moment(days: float, kind: _Kind, epoch: datetime) -> str:
    try:
        since = timedelta(milliseconds=round(days * _DAY_MILLISECONDS))
        if kind == "span":
            return str(since)
        if timedelta() <= since < timedelta(days=1):
            return str((epoch + since).time())
        # The first program of this kind had a 29 February 1900, and all others keep it.
        if epoch == _SINCE_1900 and 0 < days < 60:
            since += timedelta(days=1)
        return (epoch + since).date().isoformat()
    except OverflowError:
        return "#VALUE!"
