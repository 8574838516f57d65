"""What always holds with the tests that prove it, and what happens when something fails."""

import re
import tomllib
from pathlib import Path
from typing import Any

from ops.documents.finding import files_of_test
from ops.documents.limits import value_of
from ops.documents.tables import table

GUARANTEES = Path(__file__).with_name("guarantees.toml")
FAILURES = Path(__file__).with_name("failures.toml")
# {place:NAME} in a text stands for the value of that constant.
_VALUE = re.compile(r"\{([a-z/_]+:[A-Za-z_.]+)\}")


def everything() -> str:
    """A table for each theme."""
    return "\n\n".join(f"## {each['title']}\n\n{_proved(each['holds'])}" for each in _themes())


def chief() -> str:
    """The guarantees that everything else stands on."""
    return _proved([one for each in _themes() for one in each["holds"] if one.get("chief")])


def failures() -> str:
    """What ends or hangs, what others notice of it, and what has to be done."""
    return table(
        ["what fails", "what others see", "what happens", "what you do"],
        (
            [with_values(each[column]) for column in ("what", "seen", "happens", "do")]
            for each in tomllib.loads(FAILURES.read_text())["failure"]
        ),
    )


def with_values(text: str) -> str:
    """The text with the values of the constants that it names."""
    return _VALUE.sub(lambda match: value_of(match[1]), text)


def _themes() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(GUARANTEES.read_text())["theme"]
    return found


def _proved(holds: list[dict[str, Any]]) -> str:
    return table(
        ["it always holds that", "proved by"],
        ([with_values(one["that"]), tests_named(one["tests"])] for one in holds),
    )


def tests_named(names: list[str]) -> str:
    """The tests, each with its file; of several in one file the file once."""
    places: dict[str, list[str]] = {}
    for name in names:
        for file in files_of_test(name):
            places.setdefault(file, []).append(name)
    return ", ".join(
        f"`{file}::{name}`" if number == 0 else f"`::{name}`"
        for file, held in places.items()
        for number, name in enumerate(held)
    )
