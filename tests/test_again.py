"""The few tests that fail are run once more: many are not, and what fails twice has failed."""

from pathlib import Path

import pytest

from tests.support.again import FAILED_MAX, run

GOOD = "def test_good():\n    assert True\n"
FAILS = "def test_wrong():\n    assert False\n"
FAILS_ONCE = """
import pathlib
def test_once():
    met = pathlib.Path(__file__).with_suffix(".met")
    was, _ = met.exists(), met.touch()
    assert was
"""
NO_MODULE = "import nothing_of_this_name\n"


def project(folder: Path, *modules: str) -> Path:
    (folder / "pytest.ini").write_text("[pytest]\n")
    for number, text in enumerate(modules):
        (folder / f"test_{number}.py").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("modules", "exit_code", "again"),
    [
        pytest.param([GOOD], 0, False, id="all pass"),
        pytest.param([GOOD, *[FAILS_ONCE] * FAILED_MAX], 0, True, id="few fail once"),
        pytest.param([GOOD, *[FAILS_ONCE] * (FAILED_MAX + 1)], 1, False, id="many fail"),
        pytest.param([FAILS_ONCE, FAILS], 1, True, id="one of two fails twice"),
        pytest.param([FAILS_ONCE, "import os\nos._exit(3)"], 3, False, id="broken off"),
        pytest.param([FAILS_ONCE, NO_MODULE], 2, False, id="a module that cannot be imported"),
    ],
)
def test_a_run_passes_if_each_of_its_tests_does(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], modules: list[str], exit_code: int, again: bool
) -> None:
    assert run(["-q"], project(tmp_path, *modules)) == exit_code
    out = capfd.readouterr().out
    assert ("Once more, alone" in out) == again
    assert ("mend it" in out) == (again and exit_code == 0)


def test_what_failed_in_an_earlier_run_is_not_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    root = project(tmp_path, *[FAILS] * FAILED_MAX)
    assert run(["-q"], root) == 1
    for module in root.glob("test_*.py"):
        module.write_text(GOOD)
    (root / "test_0.py").write_text(FAILS_ONCE)
    assert run(["-q"], root) == 0
    assert "mend it: test_0.py::test_once\n" in capfd.readouterr().out
