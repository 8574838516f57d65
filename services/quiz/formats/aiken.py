"""
Aiken: a question, its options from "A)" on, and "ANSWER: B". It knows one right option, and nothing else.

Source: https://docs.moodle.org/en/Aiken_format
"""

import re
from collections.abc import Sequence

from services.quiz.formats.rules import (
    RAW_CHARS_MAX,
    RAW_OPTIONS_MAX,
    Drafted,
    Parsed,
    Problem,
    Written,
    kind_of,
    lines_of,
)

_OPTION = re.compile(r"([A-Z])[.)]\s*(.*)")
_ANSWER = re.compile(r"ANSWER\s*[:：]\s*(.*)", re.IGNORECASE)


class _Open:
    """The question that is being read."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.text: list[str] = []
        self.options: list[tuple[str, str]] = []


def read_aiken(text: str) -> Parsed:
    """The questions of a file, and what is none."""
    parsed = Parsed()
    now: _Open | None = None
    for number, raw in enumerate(lines_of(text), 1):
        words = raw.strip()[: RAW_CHARS_MAX + 1]
        if not words:
            # A question that has options goes on after an empty line, and one without is over.
            if now and not now.options:
                parsed.add_problem(Problem(now.line, "options_missing"))
                now = None
            continue
        if answer := _ANSWER.fullmatch(words):
            if now is None:
                parsed.add_problem(Problem(number, "answer_without_question"))
            else:
                _end(parsed, now, answer[1].strip())
            now = None
        elif option := _OPTION.fullmatch(words):
            if now is None:
                parsed.add_problem(Problem(number, "option_without_question"))
            elif len(now.options) < RAW_OPTIONS_MAX:
                now.options.append((option[1], option[2].strip()))
        else:
            if now and now.options:
                parsed.add_problem(Problem(now.line, "key_missing"))
                now = None
            now = now or _Open(number)
            now.text.append(words)
    if now:
        parsed.add_problem(Problem(now.line, "key_missing" if now.options else "options_missing"))
    return parsed


def _end(parsed: Parsed, ended: _Open, letter: str) -> None:
    letters = [one for one, _ in ended.options]
    if letters != [chr(ord("A") + place) for place in range(len(letters))]:
        parsed.add_problem(Problem(ended.line, "option_letters"))
        return
    if letter and letter not in letters:
        parsed.add_problem(Problem(ended.line, "key_beyond_options", field="key"))
        return
    options = tuple(option for _, option in ended.options)
    right = (letters.index(letter),) if letter else ()
    parsed.add(
        Drafted(
            line=ended.line,
            text="\n".join(ended.text),
            options=options,
            right=right,
            kind=kind_of(options, right) if right else "single",
        )
    )


def write_aiken(questions: Sequence[Written]) -> str:
    """A file with these questions. What Aiken has no place for is not there."""
    written = []
    for question in questions:
        lines = question.text.split("\n")
        lines += [f"{chr(ord('A') + place)}) {option}" for place, option in enumerate(question.options)]
        lines.append("ANSWER: " + "".join(chr(ord("A") + place) for place in question.right))
        written.append("\n".join(lines))
    return "\n\n".join(written) + "\n"
