"""Questions become a file in one of the formats."""

from collections.abc import Mapping, Sequence

from services.quiz.formats.aiken import write_aiken
from services.quiz.formats.gift import write_gift
from services.quiz.formats.moodle_xml import write_moodle_xml
from services.quiz.formats.qti import write_qti
from services.quiz.formats.question_table import write_question_table
from services.quiz.formats.rules import Format, Written

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# The kind of the file, and the end of its name.
MEDIA_TYPES: Mapping[Format, tuple[str, str]] = {
    "gift": ("text/plain; charset=utf-8", "gift.txt"),
    "aiken": ("text/plain; charset=utf-8", "aiken.txt"),
    "moodle_xml": ("application/xml", "moodle.xml"),
    "qti22": ("application/zip", "qti22.zip"),
    "qti30": ("application/zip", "qti30.zip"),
    "csv": ("text/csv; charset=utf-8", "csv"),
    "xlsx": (XLSX, "xlsx"),
}


async def write_file(questions: Sequence[Written], kind: Format) -> bytes:
    """A file with these questions."""
    match kind:
        case "gift":
            return write_gift(questions).encode()
        case "aiken":
            return write_aiken(questions).encode()
        case "moodle_xml":
            return write_moodle_xml(questions).encode()
        case "qti22" | "qti30":
            return write_qti(questions, kind)
        case "csv" | "xlsx":
            return await write_question_table(questions, kind)
