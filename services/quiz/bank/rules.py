"""
A question in the bank: what it may be, and what becomes of it. All functions are pure.

Each change of the words or the key is a new version, and a draft. Whoever wrote a version cannot review it:
two people have looked at each question that a quiz takes (docs/decisions/0046-question-bank.md).
"""

import hashlib
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict
from pydantic_core import PydanticKnownError

from services.quiz.formats.rules import Written
from services.quiz.quizzes.questions import OPTION_LETTERS, PlainQuestion, Question, not_blank
from shared.contracts.checked import same_to_readers, text_of_lines
from shared.contracts.events import Difficulty
from shared.runtime.errors import Conflict, NotFound, Outdated

# A contest of 1,000 questions a year for twenty years.
BANK_QUESTIONS_MAX = 20_000
QUESTION_VERSIONS_MAX = 100
# What fits a phone's page together with eight options.
PAGE_CHARS_MAX = 1_000
EXPLANATION_CHARS_MAX = 2_000
SOURCE_CHARS_MAX = 500

EntryStatus = Literal["draft", "reviewed", "retired"]


def _lines(chars_max: int) -> AfterValidator:
    """Lines without spaces around them. Their length is checked once more, since NFC can make them longer."""

    def check(text: str) -> str:
        text = text_of_lines(text).strip()
        if len(text) > chars_max:
            raise PydanticKnownError("string_too_long", {"max_length": chars_max})
        return text

    return AfterValidator(check)


PageText = Annotated[
    str, StringConstraints(max_length=PAGE_CHARS_MAX), _lines(PAGE_CHARS_MAX), AfterValidator(not_blank)
]
Explanation = Annotated[
    str, StringConstraints(max_length=EXPLANATION_CHARS_MAX), _lines(EXPLANATION_CHARS_MAX)
]
SourceText = Annotated[str, StringConstraints(max_length=SOURCE_CHARS_MAX), _lines(SOURCE_CHARS_MAX)]


BANK_EXAMPLE: JsonDict = {
    "id": "photosynthesis-gas",
    "topic": "生命与健康",
    "difficulty": "easy",
    "kind": "single",
    "text": "植物进行光合作用时释放的气体是？",
    "options": [{"id": "A", "text": "氧气"}, {"id": "B", "text": "氮气"}],
    "key": "A",
    "explanation": "光合作用吸收二氧化碳，释放氧气。",
    "source": "义务教育生物学课程标准",
}


class BankQuestion(PlainQuestion):
    """A question as an organiser puts it into the bank. A quiz takes the same fields, and says the points."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [BANK_EXAMPLE]})

    text: PageText
    explanation: Explanation = ""
    source: SourceText = ""
    difficulty: Annotated[Difficulty, Field(description="easy 易, medium 中, hard 难")] = "medium"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """
    A question of the bank as it is now.

    Attributes:
        version: counts the changes of the question, from 1.
        revision: counts every change, of the status too; the `ETag`.
        author: the name of the key that wrote this version.
        reviewed_by: who reviewed this version.
        retired_by: who retired the question.
    """

    question: BankQuestion
    version: int
    revision: int
    status: EntryStatus
    author: str
    changed_at: datetime
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None
    retired_by: str | None = None

    @property
    def question_id(self) -> str:
        return self.question.id


def text_key(question: PlainQuestion) -> str:
    """The same for texts between which readers see no difference."""
    seen = same_to_readers(question.text).casefold()
    return hashlib.sha256(seen.encode()).hexdigest()


def put(before: Entry | None, question: BankQuestion, who: str, now: datetime) -> Entry:
    """
    The question after an organiser has put it. The same again changes nothing.

    Raises:
        Conflict: it is retired, or has changed too often.
    """
    if before is None:
        return Entry(question=question, version=1, revision=1, status="draft", author=who, changed_at=now)
    if before.question == question:
        return before
    check_not_retired(before)
    if before.version >= QUESTION_VERSIONS_MAX:
        raise Conflict(
            f"question {before.question_id} has {QUESTION_VERSIONS_MAX} versions already",
            code="question_versions_too_many",
            question_id=before.question_id,
        )
    return Entry(
        question=question,
        version=before.version + 1,
        revision=before.revision + 1,
        status="draft",
        author=who,
        changed_at=now,
    )


def reviewed(entry: Entry, version: int, who: str, now: datetime) -> Entry:
    """
    The question after a review of this version. A second review changes nothing.

    Raises:
        Conflict: it is retired, or whoever reviews it wrote it.
        Outdated: it has another version by now.
    """
    check_not_retired(entry)
    if version != entry.version:
        raise Outdated(
            f"question {entry.question_id} has version {entry.version} now",
            code="question_version_differs",
            question_id=entry.question_id,
            version=entry.version,
        )
    if entry.author == who:
        raise Conflict(
            f"{who} wrote version {version} of question {entry.question_id}; somebody else reviews it",
            code="review_by_author",
            question_id=entry.question_id,
        )
    if entry.status == "reviewed":
        return entry
    return replace(entry, status="reviewed", reviewed_by=who, reviewed_at=now, revision=entry.revision + 1)


def retired(entry: Entry, who: str) -> Entry:
    """The question after it was retired: no new quiz takes it. Repeating it changes nothing."""
    if entry.status == "retired":
        return entry
    return replace(entry, status="retired", retired_by=who, revision=entry.revision + 1)


def restored(entry: Entry) -> Entry:
    """The question after it was taken back from retirement: a draft again. Repeating it changes nothing."""
    if entry.status != "retired":
        return entry
    return replace(
        entry,
        status="draft",
        retired_by=None,
        reviewed_by=None,
        reviewed_at=None,
        revision=entry.revision + 1,
    )


def check_not_retired(entry: Entry) -> None:
    """
    Check that the question is not retired.

    Raises:
        Conflict: it is.
    """
    if entry.status == "retired":
        raise Conflict(
            f"question {entry.question_id} is retired; restore it first",
            code="question_retired",
            question_id=entry.question_id,
        )


def check_unchanged(matches: bool, question_id: str) -> None:
    """
    Check that a question is still what the organiser has read.

    Raises:
        Outdated: somebody has changed it since.
    """
    if not matches:
        raise Outdated(
            f"question {question_id} has changed since it was read; read it again", code="version_differs"
        )


def check_room(count: int, more: int) -> None:
    """
    Check that the bank has room for so many more questions.

    Raises:
        Conflict: it would have more than `BANK_QUESTIONS_MAX`.
    """
    if count + more > BANK_QUESTIONS_MAX:
        raise Conflict(
            f"the bank has at most {BANK_QUESTIONS_MAX} questions",
            code="bank_full",
            most=BANK_QUESTIONS_MAX,
        )


def for_quiz(entry: Entry | None, question_id: str, version: int | None) -> Question:
    """
    The question as a quiz takes it.

    Raises:
        NotFound: the bank has no such question.
        Conflict: this version is not reviewed, or the question is retired.
        Outdated: it has another version by now.
    """
    if entry is None:
        raise question_unknown(question_id)
    check_not_retired(entry)
    if version not in (None, entry.version):
        raise Outdated(
            f"question {question_id} has version {entry.version} now",
            code="question_version_differs",
            question_id=question_id,
            version=entry.version,
        )
    if entry.status != "reviewed":
        raise Conflict(
            f"version {entry.version} of question {question_id} is not reviewed",
            code="question_not_reviewed",
            question_id=question_id,
        )
    return Question.model_validate(entry.question.model_dump())


def question_unknown(question_id: str) -> NotFound:
    """The refusal of a question that the bank does not have."""
    return NotFound(
        f"the bank has no question {question_id}", code="bank_question_unknown", question_id=question_id
    )


def written(question: BankQuestion) -> Written:
    """The question as files say it."""
    return Written(
        question_id=question.id,
        topic=question.topic,
        difficulty=question.difficulty,
        kind=question.kind,
        text=question.text,
        options=tuple(option.text for option in question.options),
        right=tuple(OPTION_LETTERS.index(letter) for letter in question.key),
        explanation=question.explanation,
        source=question.source,
    )
