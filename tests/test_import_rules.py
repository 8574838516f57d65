"""The import rules are checked by a tool; these tests check that the tool would notice."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINT = Path(sys.executable).with_name("lint-imports")

FORBIDDEN = {
    "a service imports another": (
        "services/quiz/grading/handlers.py",
        "import services.awards.issuing.rules",
    ),
    "shared imports a service": ("shared/runtime/clock.py", "import services.quiz.quizzes.rules"),
    "a service imports the command line": ("services/awards/app.py", "import ops.keys"),
    "the command line imports the bench": ("ops/keys.py", "import bench.load.client"),
    "rules import the store": ("services/quiz/quizzes/rules.py", "import services.quiz.quizzes.store"),
    "a room imports a higher one": ("services/awards/schemes/put.py", "import services.awards.issuing.rules"),
    "a store imports its api": ("services/awards/schemes/store.py", "import services.awards.schemes.api"),
    "rules look at the clock": ("services/awards/schemes/rules.py", "import shared.runtime.clock"),
    "a store imports the driver": ("services/quiz/quizzes/store.py", "import pymongo"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The code and its rules, to be spoilt."""
    for package in ("services", "shared", "ops", "bench"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    # The copy before the installed project: it is the copy that is looked at.
    environment = {"PYTHONPATH": str(folder), "PATH": str(LINT.parent)}
    return subprocess.run(
        [str(LINT), "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_rules_are_kept(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("module", "line"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_forbidden_import_makes_the_check_fail(copy: Path, module: str, line: str) -> None:
    spoilt = copy / module
    spoilt.write_text(spoilt.read_text() + f"\n{line}\n")
    done = lint(copy)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout
