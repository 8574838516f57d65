"""
Questions as a table: CSV or XLSX with one question in a row. docs/organising.md has the columns.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Literal

from services.quiz.formats.rules import (
    QUESTIONS_A_FILE_MAX,
    RAW_CHARS_MAX,
    Drafted,
    Parsed,
    Problem,
    Written,
)
from shared.contracts.events import QuestionKind
from shared.runtime.errors import Rejected
from shared.web.read_table import ZIP, Bounds, Row, read_table
from shared.web.tables import FORMULA_BEGINS, csv_file, xlsx_file

LETTERS = "ABCDEFGH"
QUESTION_COLUMNS_MAX = 32
HEADING_CHARS_MAX = 40
_MARKED = re.compile(f"'+[{re.escape(''.join(FORMULA_BEGINS))}]")
BOUNDS = Bounds(QUESTIONS_A_FILE_MAX, QUESTION_COLUMNS_MAX, RAW_CHARS_MAX)

COLUMNS = ("编号", "知识领域", "难度", "题型", "题目", *LETTERS, "答案", "解析", "来源")
_FIELDS = (
    "question_id",
    "topic",
    "difficulty",
    "kind",
    "text",
    *LETTERS,
    "key",
    "explanation",
    "source",
)
# By the headings that people write, in small letters and without spaces.
HEADINGS: Mapping[str, str] = {
    **dict(zip(COLUMNS, _FIELDS, strict=True)),
    **{letter.lower(): letter for letter in LETTERS},
    **{f"选项{letter.lower()}": letter for letter in LETTERS},
    **{f"option{letter.lower()}": letter for letter in LETTERS},
    "题号": "question_id",
    "id": "question_id",
    "领域": "topic",
    "分类": "topic",
    "topic": "topic",
    "difficulty": "difficulty",
    "类型": "kind",
    "kind": "kind",
    "题干": "text",
    "question": "text",
    "text": "text",
    "正确答案": "key",
    "标准答案": "key",
    "key": "key",
    "answer": "key",
    "说明": "explanation",
    "explanation": "explanation",
    "出处": "source",
    "source": "source",
}
KINDS: Mapping[str, QuestionKind] = {
    "单选": "single",
    "单选题": "single",
    "single": "single",
    "多选": "multiple",
    "多选题": "multiple",
    "multiple": "multiple",
    "判断": "true_false",
    "判断题": "true_false",
    "true_false": "true_false",
}
KIND_NAMES: Mapping[QuestionKind, str] = {"single": "单选", "multiple": "多选", "true_false": "判断"}
DIFFICULTIES: Mapping[str, str] = {"易": "easy", "中": "medium", "难": "hard"}
DIFFICULTY_NAMES: Mapping[str, str] = {name: word for word, name in DIFFICULTIES.items()}


def read_question_table(content: bytes) -> Parsed:
    """
    The questions of a file, and the cells that cannot be read.

    Raises:
        NoTable: it is no table, or too large.
        Rejected: its headings are not enough (`file_column_missing`), or two say the same
            (`file_column_doubled`).
    """
    rows = read_table(content, BOUNDS)
    if not rows:
        return Parsed()
    columns = _columns([cell[:HEADING_CHARS_MAX] for cell in rows[0][1]])
    parsed = Parsed()
    if unknown := sum(1 for place, cell in enumerate(rows[0][1]) if cell and place not in columns):
        parsed.left_out["columns"] = unknown
    is_csv = not content.startswith(ZIP)
    for number, cells in rows[1:]:
        _read_row((number, list(map(_unmarked, cells)) if is_csv else cells), columns, parsed)
    return parsed


def _columns(headings: Sequence[str]) -> dict[int, str]:
    columns: dict[int, str] = {}
    for place, heading in enumerate(headings):
        name = HEADINGS.get("".join(heading.split()).casefold()) or HEADINGS.get(heading.strip())
        if name is None:
            continue
        if name in columns.values():
            raise Rejected(
                f"the file has two columns for the same: {heading}",
                code="file_column_doubled",
                column=heading,
            )
        columns[place] = name
    for name in ("text", "A", "B", "key"):
        if name not in columns.values():
            column = COLUMNS[_FIELDS.index(name)]
            raise Rejected(
                f"the first line has no heading {column}", code="file_column_missing", column=column
            )
    return columns


def _read_row(row: Row, columns: Mapping[int, str], parsed: Parsed) -> None:
    number, cells = row
    said = {name: cells[place] for place, name in columns.items() if place < len(cells)}
    options = [said.get(letter, "") for letter in LETTERS]
    # Only the options at the end may be left out: an empty one between others is a mistake.
    while options and not options[-1]:
        options.pop()
    key = "".join(said.get("key", "").split()).upper().replace("，", "").replace(",", "").replace("、", "")
    if any(letter not in LETTERS for letter in key):
        parsed.add_problem(Problem(number, "key_unreadable", field="key"))
        return
    right = tuple(sorted({LETTERS.index(letter) for letter in key}))
    word = "".join(said.get("kind", "").split()).casefold()
    kind = KINDS.get(word)
    if word and kind is None:
        parsed.add_problem(Problem(number, "kind_unknown", field="kind"))
        return
    difficulty = said.get("difficulty", "")
    parsed.add(
        Drafted(
            line=number,
            text=said.get("text", ""),
            options=tuple(options),
            right=right,
            kind=kind,
            question_id=said.get("question_id") or None,
            topic=said.get("topic") or None,
            difficulty=DIFFICULTIES.get(difficulty, difficulty.casefold()) or None,
            explanation=said.get("explanation", ""),
            source=said.get("source", ""),
        )
    )


def _unmarked(cell: str) -> str:
    """Without the apostrophe that `csv_file` writes before what a spreadsheet would take for a formula."""
    return cell[1:] if _MARKED.match(cell) else cell


async def write_question_table(questions: Sequence[Written], kind: Literal["csv", "xlsx"]) -> bytes:
    """A file with these questions."""

    async def rows() -> AsyncIterator[Sequence[Sequence[str]]]:
        # A text that looks like one of ours with its apostrophe gets another one.
        mark = _marked if kind == "csv" else str
        yield [[mark(cell) for cell in _cells(question)] for question in questions]

    write = csv_file if kind == "csv" else xlsx_file
    return b"".join([piece async for piece in write(COLUMNS, rows())])


def _marked(cell: str) -> str:
    return f"'{cell}" if _MARKED.match(cell) else cell


def _cells(question: Written) -> Iterator[str]:
    yield question.question_id
    yield question.topic
    yield DIFFICULTY_NAMES.get(question.difficulty, question.difficulty)
    yield KIND_NAMES[question.kind]
    yield question.text
    yield from question.options
    yield from [""] * (len(LETTERS) - len(question.options))
    yield "".join(LETTERS[place] for place in question.right)
    yield question.explanation
    yield question.source
