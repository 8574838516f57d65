"""
No file costs much more than its length, whatever is repeated in it.

A thread that reads a file is no bound: a regular expression keeps the whole process waiting until it ends.
"""

import time
from contextlib import suppress
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.quiz.formats.read import read_file
from services.quiz.formats.rules import (
    QUESTION_FILE_BYTES_MAX,
    QUESTIONS_A_FILE_MAX,
    Format,
    lines_of,
)
from shared.runtime.errors import Rejected

FILE_CHARS = 262_144
# What is quadratic takes seconds to minutes at this length, and all else a fraction of one.
# (Processor time: how busy the machine is does not matter.)
CPU_SECONDS_MAX = 1.5

PIECES = {
    "gift": r"[id:\ //[id:\ //[tag: [id:\[ :: ::\ \:: \ \# #### { } = ~ %1 %1%"
    " [html] [html]<a <a <!-- &# $CATEGORY: T //",
    "aiken": "ANSWER ANSWER: A) A. Z B)",
    "csv": """ , " "" ' = a,b """,
    "moodle_xml": "<a> <a/> <question> <text> &lt; &amp; <![CDATA[ <!-- ]]> <a\tb='c'/>",
    "qti22": "<a> <a/> <p> <choiceInteraction/> &lt; <!-- <a\tb='c'/>",
}
SPACES = (" ", "\t", "\n", "\n\n")
AROUND = {
    "gift": (
        "",
        "//…\nQ {T}",
        ":: a…b\n",
        "::…b\n",
        "Q {…}",
        "Q {=a~…}",
        "Q {T…x}",
        "$CATEGORY:…\nQ {T}",
        "Q…{=a~b}",
        "[html]Q <…{=a~b}",
    ),
    "aiken": ("", "q\nA) …x\n", "q\nA) a\nB) b\nANSWER…x\n"),
    "csv": ("", "text,a,b,key\n…"),
    "moodle_xml": (
        "<quiz>…</quiz>",
        "<quiz><question type='multichoice'><questiontext><text>…</text></questiontext></question></quiz>",
    ),
    "qti22": ("<assessmentItem><itemBody>…</itemBody></assessmentItem>",),
}


@pytest.mark.parametrize("kind", PIECES)
def test_a_piece_that_is_repeated_costs_no_more_than_its_length(kind: Format) -> None:
    dear = []
    for around, piece in product(AROUND[kind], (*PIECES[kind].split(" "), *SPACES)):
        # At most a question of the greatest length, and longer.
        for chars in (60_000, FILE_CHARS) if piece else ():
            begin, _, end = around.partition("…")
            content = f"{begin}{piece * (chars // len(piece))}{end}"
            begun = time.process_time()
            _read(content, kind)
            if (seconds := time.process_time() - begun) > CPU_SECONDS_MAX:
                dear.append(f"{around} with {piece}, {chars} characters: {seconds:.1f} s")
                break
    assert not dear


def test_elements_with_different_names_cost_no_more_than_their_number() -> None:
    elements = "".join(f"<a{number}/>" for number in range(60_000))
    begun = time.process_time()
    _read(f"<assessmentItem><itemBody>{elements}</itemBody></assessmentItem>", "qti22")
    assert time.process_time() - begun < CPU_SECONDS_MAX


def _read(content: str, kind: Format) -> None:
    with suppress(Rejected):
        read_file(content.encode(), kind)


TOO_MANY = {
    "gift": "a\n\n",
    "aiken": "a\n\n",
}


@pytest.mark.parametrize("kind", TOO_MANY)
def test_a_file_with_too_many_questions_is_refused_before_the_rest_is_read(kind: Format) -> None:
    def seconds(questions: int) -> float:
        content = (TOO_MANY[kind] * questions).encode()
        begun = time.process_time()
        with pytest.raises(Rejected, match="at most") as refused:
            read_file(content, kind)
        assert refused.value.code == "file_too_long"
        return time.process_time() - begun

    # The largest file costs hardly more than the first one that has too many: only its bytes are decoded.
    shortest = min(seconds(QUESTIONS_A_FILE_MAX + 1) for _ in range(3))
    longest = min(seconds(QUESTION_FILE_BYTES_MAX // len(TOO_MANY[kind])) for _ in range(3))
    assert longest < 5 * shortest + 0.01


@given(st.text(alphabet="ab \n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029。"))
def test_lines_are_read_one_by_one_as_all_together(text: str) -> None:
    assert list(lines_of(text)) == text.splitlines()
