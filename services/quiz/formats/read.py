"""A file in one of the formats becomes questions and problems."""

from services.quiz.formats.aiken import read_aiken
from services.quiz.formats.gift import read_gift
from services.quiz.formats.moodle_xml import read_moodle_xml
from services.quiz.formats.qti import read_qti
from services.quiz.formats.question_table import QUESTION_COLUMNS_MAX, read_question_table
from services.quiz.formats.rules import Format, Parsed, too_long
from shared.runtime.errors import Rejected
from shared.web.read_table import NoTable, text_of


def read_file(content: bytes, kind: Format) -> Parsed:
    """
    The questions of a file, and what is none: every problem with its line.

    Raises:
        Rejected: it is no file of this format (`file_unreadable`, `file_encoding`, `file_column_missing`,
            `file_column_doubled`), is too large (`file_too_long`, `file_too_wide`, `file_unpacked`), or there
            is nothing in it (`file_empty`).
    """
    try:
        parsed = _read(content, kind)
    except NoTable as error:
        raise _refusal(error) from None
    if not parsed.drafted and not parsed.problems:
        raise Rejected("there are no questions in the file", code="file_empty")
    return parsed


def _read(content: bytes, kind: Format) -> Parsed:
    match kind:
        case "gift":
            return read_gift(text_of(content))
        case "aiken":
            return read_aiken(text_of(content))
        case "moodle_xml":
            return read_moodle_xml(content)
        case "qti22" | "qti30":
            return read_qti(content)
        case "csv" | "xlsx":
            return read_question_table(content)


def _refusal(error: NoTable) -> Rejected:
    match error.reason:
        case "unreadable":
            line = error.line or 1
            return Rejected(f"the file cannot be read from line {line} on", code="file_unreadable", line=line)
        case "encoding":
            return Rejected("the file is neither in UTF-8 nor in GB18030", code="file_encoding")
        case "too_long":
            return too_long()
        case "too_wide":
            return Rejected(
                f"a file has at most {QUESTION_COLUMNS_MAX} columns",
                code="file_too_wide",
                most=QUESTION_COLUMNS_MAX,
            )
        case "unpacked":
            return Rejected("the file is too large once it is unpacked", code="file_unpacked")
