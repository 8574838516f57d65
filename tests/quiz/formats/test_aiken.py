"""
Aiken: what Moodle's own files say is read, or named by its line.

The inputs are those of moodle/moodle, question/format/aiken/tests/fixtures.
"""

from services.quiz.formats.aiken import read_aiken

# aiken_errors.txt
ERRORS = """A question with too few answers
A) Only answer
ANSWER: A

A) Question not started

ANSWER: Question not started

A good question
A) Correct
B) Incorrect
ANSWER: A

A question started but not finished
A) Correct-ish
B) Incorrect-ish

A second good question
A)Incorrect (No space)
B)Correct (No space)
ANSWER: B"""


def test_good_questions_are_read_and_the_others_named_by_their_lines() -> None:
    parsed = read_aiken(ERRORS)
    assert [(one.line, one.options, one.right) for one in parsed.drafted] == [
        # That one option is too few, the check of all formats says.
        (1, ("Only answer",), (0,)),
        (9, ("Correct", "Incorrect"), (0,)),
        (18, ("Incorrect (No space)", "Correct (No space)"), (1,)),
    ]
    assert [(one.line, one.code) for one in parsed.problems] == [
        (5, "option_without_question"),
        (7, "answer_without_question"),
        (14, "key_missing"),
    ]


def test_two_options_that_say_true_and_false_are_such_a_question() -> None:
    # questions.aiken.txt
    [found] = read_aiken(
        'Moodle\'s abilities include handling user input that includes <html class="cool"> & images:\n'
        "A) True\nB) False\nANSWER: A\n"
    ).drafted
    assert (found.kind, found.right) == ("true_false", (0,))


def test_letters_out_of_order_and_a_key_beyond_them_are_named() -> None:
    parsed = read_aiken("One\nA) x\nC) y\nANSWER: A\n\nTwo\nA) x\nB) y\nANSWER: D\n")
    assert [(one.line, one.code) for one in parsed.problems] == [
        (1, "option_letters"),
        (6, "key_beyond_options"),
    ]
