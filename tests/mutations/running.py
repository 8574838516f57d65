"""
Applies mutations to a copy of the project, one at a time, and runs the tests that have to notice.

Tools that mutate by themselves (mutmut, cosmic-ray) change operators and constants, and run all tests for
each of thousands of changes: with a real broker that takes days. And none of their changes leaves out a
transaction or commits too early. So the mutations are a list, written by hand, a file for each part of the
project.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

SECONDS_MAX = 180.0
LAST_LINES = 12
# What is not the project's: environments, data, caches.
LEFT_OUT = (".git", ".venv", ".kepu", "__pycache__", ".*_cache", ".hypothesis")


class Verdict(StrEnum):
    """What became of one mutation."""

    noticed = "noticed"
    survived = "survived"
    broken = "broken"


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change of one file, where `old` is exactly once. `tests` are pytest's ids; one of them fails."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`said` tells why a mutation is broken, or how the tests ended."""

    mutation: Mutation
    verdict: Verdict
    said: str


class Broken(Exception):
    """A mutation can't be tried: its text is gone, or its tests are, or fail without it."""


def read(folder: Path) -> list[Mutation]:
    """The lists in a folder's TOML files: tables [[mutation]] with name, file, old, new, tests."""
    return [
        Mutation(each["name"], each["file"], each["old"], each["new"], tuple(each["tests"]))
        for path in sorted(folder.glob("*.toml"))
        for each in tomllib.loads(path.read_text())["mutation"]
    ]


def copy(root: Path, to: Path) -> Path:
    """The project without what is not its own."""
    return Path(shutil.copytree(root, to, ignore=shutil.ignore_patterns(*LEFT_OUT)))


def run(
    copied: Path,
    mutations: Sequence[Mutation],
    environment: Mapping[str, str],
    tell: Callable[[Outcome], None] = lambda _: None,
    seconds_max: float = SECONDS_MAX,
) -> list[Outcome]:
    """
    Try each on a copy of the project, which is as before afterwards.

    Args:
        environment: for the tests; names servers that they share, so that none starts its own.
        seconds_max: for the tests of one mutation. Tests that take longer have noticed something.
    """
    tests = _Tests(copied, environment, seconds_max)
    outcomes = []
    for mutation in mutations:
        outcomes.append(_try(copied, mutation, tests))
        tell(outcomes[-1])
    return outcomes


def mutated(root: Path, mutation: Mutation) -> str:
    """
    The file's text with the change.

    Raises:
        Broken: the old text is not there exactly once, or the new one is the same.
    """
    path = root / mutation.file
    if not path.is_file():
        raise Broken(f"there is no {mutation.file}")
    text = path.read_text()
    if (count := text.count(mutation.old)) != 1 or not mutation.old:
        raise Broken(f"its old text is {count} times in {mutation.file}, not once: write it anew")
    if mutation.new == mutation.old:
        raise Broken("it changes nothing")
    return text.replace(mutation.old, mutation.new)


def _try(copied: Path, mutation: Mutation, tests: "_Tests") -> Outcome:
    path = copied / mutation.file
    try:
        changed = mutated(copied, mutation)
        tests.pass_as_they_are(mutation.tests)
        original = path.read_text()
        path.write_text(changed)
        try:
            noticed, said = tests.fail(mutation.tests)
        finally:
            path.write_text(original)
    except Broken as reason:
        return Outcome(mutation, Verdict.broken, str(reason))
    return Outcome(mutation, Verdict.noticed if noticed else Verdict.survived, said)


class _Tests:
    """Runs tests in the copy; remembers which pass there without any mutation."""

    def __init__(self, copied: Path, environment: Mapping[str, str], seconds_max: float) -> None:
        self._copied = copied
        self._seconds_max = seconds_max
        # The copy first: an installed project would else be found where it was installed from.
        self._environment = {
            **os.environ,
            **environment,
            "PYTHONPATH": str(copied),
            # A mutation of the same size in the same second would be taken for what was compiled before it.
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._passing: set[str] = set()

    def pass_as_they_are(self, tests: Sequence[str]) -> None:
        """
        Raises:
            Broken: they don't, so their failing would show nothing.
        """
        if not tests:
            raise Broken("it names no test")
        if unknown := [test for test in tests if test not in self._passing]:
            # In the usual time, however short the time with the mutation is: this only has to pass.
            code, said = self._run(unknown, SECONDS_MAX)
            if code != 0:
                raise Broken(f"its tests don't pass without it:\n{said}")
            self._passing.update(unknown)

    def fail(self, tests: Sequence[str]) -> tuple[bool, str]:
        """
        Whether one of them fails, or none ends in time; and how they ended.

        Raises:
            Broken: they could not be run.
        """
        code, said = self._run(tests, self._seconds_max)
        if code is not None and code not in (0, 1):
            raise Broken(f"its tests could not be run with it:\n{said}")
        return code != 0, said

    def _run(self, tests: Iterable[str], seconds_max: float) -> tuple[int | None, str]:
        command = (sys.executable, "-m", "pytest", "-q", "-x", "--color=no", "-p", "no:cacheprovider", *tests)
        try:
            done = subprocess.run(
                command,
                cwd=self._copied,
                env=self._environment,
                timeout=seconds_max,
                check=False,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        except subprocess.TimeoutExpired:
            return None, f"not within {seconds_max:.0f} s"
        return done.returncode, "\n".join(done.stdout.strip().splitlines()[-LAST_LINES:])
