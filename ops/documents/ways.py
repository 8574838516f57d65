"""What happens at each step of a way when something fails there: a table, and the tests that prove it."""

import re
import tomllib
from pathlib import Path

from ops.documents.guarantees import tests_named, with_values
from ops.documents.tables import table

FILE = Path(__file__).with_name("ways.toml")
COLUMNS = {
    "step": "step",
    "kafka": "Kafka is away",
    "mongo": "MongoDB is away",
    "killed": "the process is killed",
    "malformed": "malformed or unknown",
    "late": "late, in conflict, or in another order",
    "erased": "the participant is erased",
}
# [test_name] in a text stands for the test's number.
_TEST = re.compile(r"\[(test_\w+)\]")


def submission() -> str:
    """The way of a submission."""
    return _way("submission")


def registration() -> str:
    """The way of a registration."""
    return _way("registration")


def _way(name: str) -> str:
    numbers: dict[str, int] = {}

    def numbered(text: str) -> str:
        return _TEST.sub(lambda test: f"({numbers.setdefault(test[1], len(numbers) + 1)})", text)

    steps = tomllib.loads(FILE.read_text())[name]
    rows = [[numbered(with_values(step[column])) for column in COLUMNS] for step in steps]
    tests = "\n".join(f"{number}. {tests_named([test])}" for test, number in numbers.items())
    return f"{table(list(COLUMNS.values()), rows)}\n\nProved by:\n\n{tests}"
