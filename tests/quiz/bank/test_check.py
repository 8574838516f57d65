"""Every problem of a file is found, and what a file would do to the bank."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from services.quiz.bank.check import CheckedFile, Defaults, Good, check_file
from services.quiz.bank.imports import compare
from services.quiz.bank.rules import EXPLANATION_CHARS_MAX, PAGE_CHARS_MAX, Entry, put, retired, text_key
from services.quiz.formats.rules import Drafted, Parsed, Problem
from tests.quiz.bank.builders import bank_question

NOW = datetime(2026, 5, 20, 4, tzinfo=UTC)
DRAFTED = Drafted(line=1, text="离太阳最近的行星是？", options=("金星", "水星"), right=(1,), topic="天文")


def checked(*drafted: Drafted, topic: str | None = None, problems: Sequence[Problem] = ()) -> CheckedFile:
    return check_file(Parsed(list(drafted), list(problems)), Defaults(topic=topic), NOW)


def problems(**changes: Any) -> list[tuple[str, str | None]]:
    return [(one.code, one.field) for one in checked(replace(DRAFTED, **changes)).problems]


def test_a_good_question_gets_what_the_file_does_not_say() -> None:
    bare = replace(DRAFTED, topic=None, text="  离太阳最近的行星是？ ")
    [good] = check_file(Parsed([bare]), Defaults("地理", "hard", "教材"), NOW).good
    question = good.question
    assert (question.topic, question.difficulty, question.source) == ("地理", "hard", "教材")
    assert (question.kind, question.key, question.text) == ("single", "B", "离太阳最近的行星是？")


def test_each_problem_has_its_code() -> None:
    assert problems() == []
    assert problems(topic=None) == [("topic_missing", "topic")]
    assert problems(text=" ") == [("line_blank", "text")]
    assert problems(text="题" * (PAGE_CHARS_MAX + 1)) == [("string_too_long", "text")]
    assert problems(explanation="题" * (EXPLANATION_CHARS_MAX + 1)) == [("string_too_long", "explanation")]
    assert problems(options=("金星",), right=(0,)) == [("options_too_few", "options")]
    assert problems(options=tuple("一二三四五六七八九")) == [("options_too_many", "options")]
    assert problems(options=("金星", "水星", " ")) == [("option_blank", "C")]
    assert problems(options=("ＣＯ２", "CO2")) == [("options_alike", "options")]
    assert problems(options=("金星", "星" * 201)) == [("string_too_long", "B")]
    assert problems(right=()) == [("key_missing", "key")]
    assert problems(right=(2,)) == [("key_beyond_options", "key")]
    assert problems(right=(0, 1), kind="single") == [("key_of_one", "key")]
    assert problems(options=("对", "错", "不知道"), kind="true_false") == [("true_false_options", "options")]
    assert problems(difficulty="impossible") == [("difficulty_unknown", "difficulty")]
    assert problems(question_id="Q 1") == [("id_unusable", "question_id")]


def test_all_problems_of_all_questions_are_listed_in_the_order_of_the_lines() -> None:
    found = checked(
        replace(DRAFTED, line=9, text="", options=("甲", ""), right=(5,), topic=None),
        replace(DRAFTED, line=2),
        replace(DRAFTED, line=5, right=()),
        problems=[Problem(4, "kind_unsupported", {"kind": "essay"})],
    )
    assert [(one.line, one.code) for one in found.problems] == [
        (4, "kind_unsupported"),
        (5, "key_missing"),
        (9, "topic_missing"),
        (9, "line_blank"),
        (9, "option_blank"),
        (9, "key_beyond_options"),
    ]
    assert [one.line for one in found.good] == [2]


def test_the_later_of_two_questions_with_the_same_text_or_id_is_named() -> None:
    found = checked(
        replace(DRAFTED, line=1, question_id="q1"),
        replace(DRAFTED, line=5, text="离太阳最近的行星是?"),
        replace(DRAFTED, line=9, text="别的？", question_id="q1"),
    )
    assert [(one.line, one.code, one.values) for one in found.problems] == [
        (5, "text_doubled", {"other": 1}),
        (9, "id_doubled", {"other": 1}),
    ]


def good(line: int, named: bool, question_id: str = "q1", **changes: Any) -> Good:
    question = bank_question(question_id, **changes)
    return Good(line, question, named, text_key(question))


def against(*found: Good, there: Sequence[Entry]) -> tuple[list[int], list[int], int, list[tuple[int, str]]]:
    compared = compare(
        found,
        {one.question_id: one for one in there},
        {text_key(one.question): one for one in there},
    )
    added, changed = ([one.line for one in some] for some in (compared.added, compared.changed))
    return added, changed, compared.unchanged, [(one.line, one.code) for one in compared.problems]


def test_a_file_is_compared_with_the_bank() -> None:
    there = [put(None, bank_question(name), "writer", NOW) for name in ("q1", "q2")]
    text = bank_question("q1").text
    # The file says the id: it is the same question.
    assert against(good(1, True), there=there) == ([], [], 1, [])
    assert against(good(1, True, key="A"), there=there) == ([], [1], 0, [])
    assert against(good(1, True, "q3"), there=there) == ([1], [], 0, [])
    # It does not: exactly the same is there already, and the same text with another key is a double.
    assert against(good(1, False, "new", text=text), there=there) == ([], [], 1, [])
    assert against(good(1, False, "new", text=text, key="A"), there=there) == (
        [],
        [],
        0,
        [(1, "text_in_bank")],
    )
    # The text of another question.
    assert against(good(1, True, "q2", text=text), there=there) == ([], [], 0, [(1, "text_in_bank")])
    gone = [retired(there[0], "writer"), there[1]]
    assert against(good(1, True, key="A"), there=gone) == ([], [], 0, [(1, "question_retired")])
