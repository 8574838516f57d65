"""A question as a file says it, and what is wrong in a file. Nothing here is checked against our bounds."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from shared.contracts.checked import ID_PATTERN
from shared.contracts.events import QuestionKind
from shared.runtime.errors import Rejected

# As many as one import takes.
QUESTIONS_A_FILE_MAX = 2_000
QUESTION_FILE_BYTES_MAX = 2_097_152
# Of all texts together: the cells of a workbook may name one long text many times.
FILE_CHARS_MAX = 3_000_000
# Of one text. All our own bounds are smaller, so a longer one is found to be too long by its own check.
RAW_CHARS_MAX = 8_000
# More than any question of ours may have: the question is found to have too many.
RAW_OPTIONS_MAX = 64

# What a file may say and a question here has no place for.
LeftOut = Literal["columns", "feedback", "ids", "weights"]
Format = Literal["gift", "aiken", "moodle_xml", "qti22", "qti30", "csv", "xlsx"]

# A line, and how it ends.
_LINE = re.compile(r"([^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]*+)(?:\r\n|.|\Z)", re.DOTALL)

# Two options with these texts, in this order, are a true/false question in formats that do not say so.
TRUE_FALSE: tuple[tuple[str, str], ...] = (
    ("正确", "错误"),
    ("对", "错"),
    ("是", "否"),
    ("True", "False"),
    ("Yes", "No"),
)
# Formats that know true and false without words get these.
TRUE_FALSE_TEXTS = TRUE_FALSE[0]


class Drafted(msgspec.Struct, frozen=True, kw_only=True):
    """
    A question as a file says it.

    Attributes:
        line: where it begins, from 1; in a table as a spreadsheet counts.
        part: the file in a package.
        right: the places of the right options, from 0; they may be beyond the options.
        kind: None if the format does not say it.
        topic, difficulty: None if the file does not say them.
    """

    line: int
    text: str
    options: tuple[str, ...]
    right: tuple[int, ...]
    kind: QuestionKind | None = None
    part: str | None = None
    question_id: str | None = None
    topic: str | None = None
    difficulty: str | None = None
    explanation: str = ""
    source: str = ""


class Problem(msgspec.Struct, frozen=True):
    """
    What is wrong with a question of a file; never with the words that stand there.

    Attributes:
        field: which part of the question; None: the whole.
        values: the parts of the message that vary.
    """

    line: int
    code: str
    values: dict[str, Any] = {}
    part: str | None = None
    field: str | None = None


class Parsed(msgspec.Struct):
    """
    What a file says. Its bounds are checked while it is read, so nobody reads on in a file that is refused.

    Attributes:
        left_out: how often the file says something that a question here has no place for.
        chars: of all texts together.
    """

    drafted: list[Drafted] = []
    problems: list[Problem] = []
    left_out: dict[LeftOut, int] = {}
    chars: int = 0

    def add(self, drafted: Drafted) -> None:
        """
        One more question.

        Raises:
            Rejected: the file has too many (`file_too_long`), or too much text (`file_unpacked`).
        """
        self.drafted.append(drafted)
        texts = (drafted.text, drafted.explanation, drafted.source, drafted.topic or "", *drafted.options)
        self.chars += sum(map(len, texts))
        if self.chars > FILE_CHARS_MAX:
            raise Rejected("the file is too large once it is unpacked", code="file_unpacked")
        self._check_count()

    def add_problem(self, problem: Problem) -> None:
        """
        One more question that cannot be read.

        Raises:
            Rejected: the file has too many (`file_too_long`).
        """
        self.problems.append(problem)
        self._check_count()

    def _check_count(self) -> None:
        if len(self.drafted) + len(self.problems) > QUESTIONS_A_FILE_MAX:
            raise too_long()


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A question that is written to a file."""

    question_id: str
    topic: str
    difficulty: str
    kind: QuestionKind
    text: str
    options: tuple[str, ...]
    right: tuple[int, ...]
    explanation: str
    source: str


class CannotParse(Exception):
    """What stands here cannot become a question of ours: a code, and the values of its message."""

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def too_long() -> Rejected:
    """The refusal of a file with too many questions."""
    return Rejected(
        f"a file has at most {QUESTIONS_A_FILE_MAX} questions",
        code="file_too_long",
        most=QUESTIONS_A_FILE_MAX,
    )


def lines_of(text: str) -> Iterator[str]:
    """As `text.splitlines()`, one by one: a file may have a million lines, of which few are read."""
    # The last match is empty: it stands behind the last line.
    return (found[1] for found in _LINE.finditer(text) if found[0])


def usable_id(said: str, left_out: dict[LeftOut, int]) -> str | None:
    """An id of another program, if it may be one of ours; otherwise the question gets a new one."""
    if not said or re.fullmatch(ID_PATTERN, said):
        return said or None
    left_out["ids"] = left_out.get("ids", 0) + 1
    return None


def kind_of(options: Sequence[str], right: Sequence[int]) -> QuestionKind:
    """The kind of a question whose format does not say it."""
    if tuple(options) in TRUE_FALSE:
        return "true_false"
    return "single" if len(right) == 1 else "multiple"


def tags_of(question: Written) -> dict[str, str]:
    """What most formats say of a question by tags alone."""
    tags = {"difficulty": question.difficulty, "source": question.source}
    if question.kind != kind_of(question.options, question.right):
        tags["kind"] = question.kind
    return {name: value for name, value in tags.items() if value}


def tagged(tags: Sequence[str]) -> Mapping[str, str]:
    """Our tags among those of a file."""
    pairs = (tag.partition(":") for tag in tags)
    return {
        name.strip(): value.strip()
        for name, _, value in pairs
        if name.strip() in ("topic", "difficulty", "source", "kind")
    }


def kind_named(name: str | None) -> QuestionKind | None:
    """A kind by its name in a tag; None if there is no such kind."""
    kinds: dict[str, QuestionKind] = {"single": "single", "multiple": "multiple", "true_false": "true_false"}
    return kinds.get(name or "")
