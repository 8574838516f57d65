"""
GIFT: what Moodle's own files say is read, or named by its line.

The inputs are those of moodle/moodle, question/format/gift/examples.txt and tests/fixtures/*.gift.txt.
"""

import pytest

from services.quiz.formats.gift import read_gift
from services.quiz.formats.rules import TRUE_FALSE_TEXTS, Parsed


def problems(parsed: Parsed) -> list[tuple[int, str, object]]:
    return [(one.line, one.code, one.values.get("kind")) for one in parsed.problems]


def test_a_choice_with_a_missing_word_is_read() -> None:
    [found] = read_gift("Grant is {~buried =entombed ~living} in Grant's tomb.").drafted
    assert found.text == "Grant is _____ in Grant's tomb."
    assert (found.options, found.right) == (("buried", "entombed", "living"), (1,))


def test_a_choice_over_several_lines_with_name_feedback_and_formats_is_read() -> None:
    parsed = read_gift(
        "// multiple choice with specified feedback for right and wrong answers\n"
        "::Q2:: What's between orange and green in the spectrum?\n{\n    =yellow # right; good!\n"
        "    ~red # [html]wrong, it's yellow\n    ~[plain]blue # wrong, it's yellow\n}\n"
    )
    [found] = parsed.drafted
    assert (found.line, found.text) == (2, "What's between orange and green in the spectrum?")
    assert (found.options, found.right) == (("yellow", "red", "blue"), (0,))
    assert parsed.left_out == {"feedback": 3}


def test_weights_mark_several_right_options() -> None:
    parsed = read_gift(
        "What two people are entombed in Grant's tomb? {\n    ~%-50%No one\n    ~%50%Grant\n"
        "    ~%50%Grant's wife\n    ~%-50%Grant's father }"
    )
    [found] = parsed.drafted
    assert (found.kind, found.right) == ("multiple", (1, 2))
    assert parsed.left_out == {"weights": 2}


@pytest.mark.parametrize(("word", "right"), [("T", 0), ("TRUE", 0), ("FALSE", 1), ("F", 1)])
def test_true_and_false_are_read(word: str, right: int) -> None:
    [found] = read_gift("TSL is blablabla.{" + word + "}").drafted
    assert (found.kind, found.options, found.right) == ("true_false", TRUE_FALSE_TEXTS, (right,))


def test_general_feedback_is_the_explanation() -> None:
    [found] = read_gift(
        "::Q1:: 42 is the Absolute Answer to everything.{\nFALSE#42 is the Ultimate Answer."
        "#You gave the right answer.\n####This is, of course, a Hitchiker's Guide reference.}"
    ).drafted
    assert (found.right, found.explanation) == ((1,), "This is, of course, a Hitchiker's Guide reference.")


def test_escaped_control_characters_are_text() -> None:
    parsed = read_gift(
        "Which of these is NOT a control character? {\n   ~ \\~     # \\~ is a control character.\n"
        "   ~ \\=     # \\= is a control character.\n   ~ \\#\n   ~ \\{     # \\{ is one.\n   ~ \\}\n"
        "   = \\\\     # Correct! \\\\ (backslash) is none. BUT,\n              it escapes.\n}\n\n"
        "Which answer equals 5? {\n     ~ \\= 2 + 2\n     = \\= 2 + 3\n     ~ \\= 2 + 4  }"
    )
    first, second = parsed.drafted
    assert (first.options, first.right) == (("~", "=", "#", "{", "}", "\\"), (5,))
    assert (second.options, second.right) == (("= 2 + 2", "= 2 + 3", "= 2 + 4"), (1,))


def test_html_becomes_text_and_a_category_the_topic() -> None:
    [found] = read_gift(
        "// question: 0  name: switch category\n$CATEGORY: $course$/Default for New Features\n\n"
        '::Greeting::[html]<a href\\="http\\://demo.moodle.net/bonjour.mp3">Listen to this greeting\\:</a>'
        "<br /><br />What language is being spoken?{\n\t~English#Sorry, listen again.\n\t=French#Yes\n}"
    ).drafted
    assert found.topic == "Default for New Features"
    assert found.text == "Listen to this greeting:\nWhat language is being spoken?"


def test_a_square_stays_a_square_and_no_other_raised_text_is_lost() -> None:
    [found] = read_gift("[html]10<sup>2</sup> H<sub>2</sub>O {T}").drafted
    assert found.text == "10² H₂O"
    assert problems(read_gift("[html]e<sup>ab</sup> {T}")) == [(1, "markup_unsupported", None)]


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        ("::Q8:: How are you? {}", "kind_unsupported", "essay"),
        ("When was Ulysses S. Grant born?{#1822:1}", "kind_unsupported", "numerical"),
        ("Who's buried in Grant's tomb?{=no one =nobody}", "kind_unsupported", "short_answer"),
        ("Match. {\n    =Canada -> Ottawa\n    =Italy  -> Rome\n    }", "kind_unsupported", "matching"),
        ("Difficult.{~wrong answer ~%50%half credit answer =full credit answer}", "partial_credit", None),
        ("No answers at all", "answers_missing", None),
        ("[html]Look: <img src\\='x.png'> {T}", "media_unsupported", None),
    ],
)
def test_what_is_no_question_of_ours_is_named_by_its_line(words: str, code: str, kind: str | None) -> None:
    parsed = read_gift(f"The sun rises in the east.{{T}}\n\n// a comment\n{words}\n\nIt sets there.{{F}}\n")
    assert problems(parsed) == [(4, code, kind)]
    assert len(parsed.drafted) == 2


def test_escapes_without_an_end_cost_no_more_than_their_length() -> None:
    assert problems(read_gift("x{" + "\\" * 60_000)) == [(1, "answers_missing", None)]
    assert problems(read_gift("x{" + "=" * 60_000)) == [(1, "answers_missing", None)]
