"""
In a fresh checkout, one process reads all tests before the workers do.

Python and pytest keep what they have compiled beside the sources. Workers that begin at the same time would
each compile everything: the tests, the product and all libraries. The one process works while the servers
start.
"""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SECONDS_MAX = 300.0
KEPT = f"{sys.implementation.cache_tag}-pytest-{pytest.__version__}.pyc"


class Reader:
    """Reads all tests in a process of its own, if nobody has."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Do not wait for the end."""
        if not sys.dont_write_bytecode and not all_kept(TESTS):
            self._process = subprocess.Popen(
                (sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider", TESTS),
                cwd=TESTS.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def wait(self) -> None:
        """Whatever went wrong, the workers say it too."""
        if self._process is not None:
            try:
                self._process.wait(SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.end()
            self._process = None

    def end(self) -> None:
        """A run that is over needs it no more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def all_kept(tests: Path) -> bool:
    """Whether pytest has compiled every module of these tests. One that changes later costs little."""
    modules = tests.rglob("test_*.py")
    return all((one.parent / "__pycache__" / f"{one.stem}.{KEPT}").exists() for one in modules)
