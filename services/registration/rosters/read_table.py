"""
A file of a roster as rows of text: CSV or XLSX. A group's managers upload it, so it may be malicious:
`shared/web/read_table.py` bounds what reading costs.
"""

from services.registration.rosters.rules import CELL_CHARS_MAX, COLUMNS_MAX, ROSTER_LINES_MAX
from shared.runtime.errors import Rejected
from shared.web import read_table as tables
from shared.web.read_table import Bounds, NoTable, Row

ROSTER_BYTES_MAX = 2_097_152
BOUNDS = Bounds(ROSTER_LINES_MAX, COLUMNS_MAX, CELL_CHARS_MAX)


def read_table(content: bytes) -> list[Row]:
    """
    The rows of a file that are not empty; the first one is the heading.

    Raises:
        Rejected: it is no file of these kinds (`roster_unreadable`, `roster_encoding`), or is too large
            (`roster_too_long`, `roster_too_wide`, `roster_unpacked`).
    """
    try:
        return tables.read_table(content, BOUNDS)
    except NoTable as error:
        raise _refusal(error) from None


def _refusal(error: NoTable) -> Rejected:
    match error.reason:
        case "unreadable":
            where = "the file" if error.line is None else f"line {error.line} of the file"
            return Rejected(f"{where} can be read neither as CSV nor as XLSX", code="roster_unreadable")
        case "encoding":
            return Rejected("the file is neither in UTF-8 nor in GB18030", code="roster_encoding")
        case "too_long":
            return Rejected(
                f"a file has at most {ROSTER_LINES_MAX} lines", code="roster_too_long", most=ROSTER_LINES_MAX
            )
        case "too_wide":
            return Rejected(
                f"a file has at most {COLUMNS_MAX} columns", code="roster_too_wide", most=COLUMNS_MAX
            )
        case "unpacked":
            return Rejected(
                "the workbook is too large once it is unpacked; save only the sheet with the roster",
                code="roster_unpacked",
            )
