"""What is written in a format is read as the same, whatever stands in it that the bank accepts."""

import asyncio
import string
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import TypeAdapter, ValidationError

from services.quiz.bank.rules import PageText
from services.quiz.formats.read import read_file
from services.quiz.formats.rules import TRUE_FALSE, Format, Written
from services.quiz.formats.write import write_file
from shared.contracts.checked import Line
from shared.runtime.errors import Rejected
from tests.quiz.formats.builders import as_read, written

FORMATS: tuple[Format, ...] = ("gift", "moodle_xml", "qti22", "qti30", "csv", "xlsx")
SPECIAL = "~=#{}:\\[]%&<>\"'/$,;，；。？ _*-+@²₂天文对错abc12TF.)"
# What has a meaning somewhere, and what nobody thinks of.
CHARACTERS = st.one_of(st.sampled_from(SPECIAL), st.characters(exclude_categories=("Cc", "Cn", "Co", "Cs")))


def accepted(kind: Any) -> Callable[[str], str]:
    """What the bank keeps of a text, as it keeps it; nothing if it is refused."""
    adapter: TypeAdapter[str] = TypeAdapter(kind)

    def kept(text: str) -> str:
        try:
            return adapter.validate_python(text)
        except ValidationError:
            return ""

    return kept


# The bank keeps no spaces around a text. A file may bring them back.
page = accepted(PageText)
LINES = st.text(CHARACTERS, min_size=1, max_size=30).map(accepted(Line)).filter(bool)
# Empty lines and indented ones too.
TEXTS = st.text(st.one_of(CHARACTERS, st.sampled_from("\n\t ")), min_size=1).map(page).filter(bool)


@st.composite
def questions(draw: st.DrawFn) -> Written:
    options = draw(
        st.one_of(
            st.sampled_from(TRUE_FALSE), st.lists(LINES, min_size=2, max_size=8, unique=True).map(tuple)
        )
    )
    places = st.integers(0, len(options) - 1)
    kind = draw(
        st.sampled_from(["single", "multiple", "true_false"] if len(options) == 2 else ["single", "multiple"])
    )
    right = draw(st.sets(places, min_size=1, max_size=1 if kind != "multiple" else 8))
    return written(
        draw(st.text(string.ascii_lowercase, min_size=1, max_size=8)),
        topic=draw(st.one_of(LINES, st.sampled_from(["top", "/", "a//b/"]))),
        difficulty=draw(st.sampled_from(["easy", "medium", "hard"])),
        kind=kind,
        text=draw(TEXTS),
        options=options,
        right=tuple(sorted(right)),
        explanation=draw(st.one_of(st.just(""), TEXTS)),
        source=draw(st.one_of(st.just(""), TEXTS)),
    )


def through(kind: Format, sent: Sequence[Written]) -> list[Written]:
    parsed = read_file(asyncio.run(write_file(sent, kind)), kind)
    assert not parsed.problems
    found = (as_read(one) for one in parsed.drafted)
    return [
        replace(one, text=page(one.text), explanation=page(one.explanation), source=page(one.source))
        for one in found
    ]


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=40)
@given(sent=st.lists(questions(), min_size=1, max_size=3, unique_by=lambda one: one.question_id))
def test_everything_comes_back(kind: Format, sent: list[Written]) -> None:
    assert through(kind, sent) == sent


def test_aiken_brings_back_what_it_has_a_place_for() -> None:
    sent = [written("q1"), written("q2", kind="true_false", options=("对", "错"), right=(0,))]
    bare = {"question_id": "", "topic": "", "difficulty": "", "explanation": "", "source": ""}
    assert through("aiken", sent) == [replace(one, **bare) for one in sent]


def test_a_table_needs_its_headings_and_says_which_cells_are_wrong() -> None:
    head = "题目,A,B,C,答案,题型,难度,备注\n"
    parsed = read_file(
        f"{head}甲？,1,2,,B,单选,易,x\n乙？,1,2,,Z,,,\n丙？,1,2,,A,填空,,\n丁？,1,,3,AC,,难,\n".encode(),
        "csv",
    )
    assert [(one.line, one.right, one.difficulty) for one in parsed.drafted] == [
        (2, (1,), "easy"),
        (5, (0, 2), "hard"),
    ]
    assert [(one.line, one.code, one.field) for one in parsed.problems] == [
        (3, "key_unreadable", "key"),
        (4, "kind_unknown", "kind"),
    ]
    assert parsed.left_out == {"columns": 1}
    for content, code in (
        ("题目,A,答案\n", "file_column_missing"),
        ("题目,题干,A,B,答案\n", "file_column_doubled"),
        ("", "file_empty"),
    ):
        with pytest.raises(Rejected) as refused:
            read_file(content.encode(), "csv")
        assert refused.value.code == code
