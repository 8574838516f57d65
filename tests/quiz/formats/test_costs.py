"""
No file costs much more than its length, whatever is repeated in it.

A thread that reads a file is no bound: a regular expression keeps the whole process waiting until it ends.
"""

import time
from contextlib import suppress
from itertools import product

import pytest

from services.quiz.formats.read import read_file
from services.quiz.formats.rules import Format
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
