"""Every question of a file against our bounds: each problem with its line, and the good questions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

import msgspec
from pydantic import TypeAdapter, ValidationError

from services.quiz.bank.rules import BankQuestion, Explanation, PageText, SourceText, text_key
from services.quiz.formats.rules import Drafted, LeftOut, Parsed, Problem, kind_of
from services.quiz.quizzes.questions import OPTION_LETTERS, OPTIONS_MAX
from shared.contracts.checked import Id, Line, same_to_readers
from shared.contracts.events import Difficulty
from shared.runtime.ids import ordered_id

_FIELDS: Mapping[str, TypeAdapter[Any]] = {
    "topic": TypeAdapter(Line),
    "text": TypeAdapter(PageText),
    "explanation": TypeAdapter(Explanation),
    "source": TypeAdapter(SourceText),
}
_OPTION: TypeAdapter[str] = TypeAdapter(Line)
_ID: TypeAdapter[str] = TypeAdapter(Id)
DIFFICULTIES = get_args(Difficulty)


class Good(msgspec.Struct, frozen=True):
    """
    A good question of a file.

    Attributes:
        named: the file says its id, so it may be one of the bank.
        text_key: that of its text (`rules.text_key`). It costs as much as all other checks together.
    """

    line: int
    question: BankQuestion
    named: bool
    text_key: str
    part: str | None = None


class CheckedFile(msgspec.Struct, frozen=True):
    """What a file says: good questions, and every problem in the order of the lines."""

    good: list[Good]
    problems: list[Problem]
    left_out: dict[LeftOut, int]


class Defaults(msgspec.Struct, frozen=True):
    """What all questions have for which the file says nothing else."""

    topic: str | None = None
    difficulty: Difficulty | None = None
    source: str = ""


def check_file(parsed: Parsed, defaults: Defaults, now: datetime) -> CheckedFile:
    """
    Check every question alone, and then against those before it in the file.

    Of two questions with the same id or the same text, the later one has the problem.
    """
    problems = list(parsed.problems)
    good: list[Good] = []
    by_id: dict[str, int] = {}
    by_text: dict[str, int] = {}
    for drafted in parsed.drafted:
        found, question = check_question(drafted, defaults, now)
        of_text = ""
        if question is not None:
            of_text = text_key(question)
            for known, key, code in (
                (by_id, question.id, "id_doubled"),
                (by_text, of_text, "text_doubled"),
            ):
                if (other := known.setdefault(key, drafted.line)) != drafted.line:
                    found.append(Problem(drafted.line, code, {"other": other}, drafted.part))
        problems += found
        if question is not None and not found:
            is_named = drafted.question_id is not None
            good.append(Good(drafted.line, question, is_named, of_text, drafted.part))
    return CheckedFile(good, in_order(problems), parsed.left_out)


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    """The problems in the order of parts and lines."""
    return sorted(problems, key=lambda one: (one.part or "", one.line))


def check_question(
    drafted: Drafted, defaults: Defaults, now: datetime
) -> tuple[list[Problem], BankQuestion | None]:
    """All that is wrong with a question, and the question if nothing is."""
    problems: list[Problem] = []

    def wrong(code: str, field: str | None = None, **values: Any) -> None:
        problems.append(Problem(drafted.line, code, values, drafted.part, field))

    said = {
        "topic": drafted.topic or defaults.topic,
        "text": drafted.text.strip(),
        "explanation": drafted.explanation.strip(),
        "source": drafted.source.strip() or defaults.source,
    }
    for name, value in said.items():
        if value is None:
            wrong("topic_missing", "topic")
            continue
        _check(wrong, _FIELDS[name], value, name)
    kind = drafted.kind or kind_of(drafted.options, drafted.right)
    _check_options(wrong, drafted.options, kind)
    _check_key(wrong, drafted, kind)
    difficulty = drafted.difficulty or defaults.difficulty or "medium"
    if difficulty not in DIFFICULTIES:
        wrong("difficulty_unknown", "difficulty")
    if drafted.question_id is not None and not _fits(_ID, drafted.question_id):
        wrong("id_unusable", "question_id")
    if problems:
        return problems, None
    options = [
        {"id": letter, "text": text} for letter, text in zip(OPTION_LETTERS, drafted.options, strict=False)
    ]
    try:
        return [], BankQuestion.model_validate(
            said
            | {
                "id": drafted.question_id or ordered_id(now),
                "kind": kind,
                "options": options,
                "key": "".join(OPTION_LETTERS[place] for place in drafted.right),
                "difficulty": difficulty,
            }
        )
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            wrong(one["type"], str(one["loc"][0]) if one["loc"] else None, **_plain(one.get("ctx", {})))
        return problems, None


def _check_options(wrong: Any, options: Sequence[str], kind: str) -> None:
    if len(options) < 2:
        wrong("options_too_few", "options")
    if len(options) > OPTIONS_MAX:
        wrong("options_too_many", "options", most=OPTIONS_MAX)
    if kind == "true_false" and len(options) != 2:
        wrong("true_false_options", "options")
    for place, option in enumerate(options[:OPTIONS_MAX]):
        if not option.strip():
            wrong("option_blank", OPTION_LETTERS[place])
        else:
            _check(wrong, _OPTION, option, OPTION_LETTERS[place])
    seen = [same_to_readers(option) for option in options if option.strip()]
    if len(set(seen)) != len(seen):
        wrong("options_alike", "options")


def _check_key(wrong: Any, drafted: Drafted, kind: str) -> None:
    if not drafted.right:
        wrong("key_missing", "key")
    elif max(drafted.right) >= len(drafted.options):
        wrong("key_beyond_options", "key")
    elif kind != "multiple" and len(drafted.right) != 1:
        wrong("key_of_one", "key")


def _check(wrong: Any, adapter: TypeAdapter[Any], value: str, field: str) -> None:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        # Without the cause, which quotes the file.
        for one in error.errors(include_url=False, include_input=False):
            wrong(one["type"], field, **_plain(one.get("ctx", {})))


def _fits(adapter: TypeAdapter[Any], value: str) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if isinstance(value, int | str)}
