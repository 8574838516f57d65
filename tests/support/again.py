"""
pytest, and once more alone the few tests that fail: `make test AGAIN=1`, as `.ci/run` does it.

Machines that build are noisy, and one of ten thousand tests may meet a pause that none of its waits foresees.
What passes only here is named in the end all the same. It has a race, in the test or in the product: mend it.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ops.commands.terminal import tell

ROOT = Path(__file__).parents[2]
# Where pytest keeps the names of the tests that failed last.
FAILED = Path(".pytest_cache/v/cache/lastfailed")
# One pause of the machine may meet a test of each worker, and the next ones. More are no accident.
FAILED_MAX = 8


def run(arguments: Sequence[str], root: Path = ROOT) -> int:
    """
    Run pytest in this folder.

    Returns: its exit code; 0 also if at most `FAILED_MAX` tests failed and each passed alone.
    """
    (root / FAILED).unlink(missing_ok=True)
    ended = _pytest(arguments, root)
    # By any other code it was broken off, and what has not run has not passed.
    if ended != pytest.ExitCode.TESTS_FAILED:
        return ended
    failed = list(json.loads((root / FAILED).read_text()))
    if len(failed) > FAILED_MAX:
        return ended
    tell(f"Once more, alone: {', '.join(failed)}")
    if not (ended := _pytest(failed, root)):
        tell(f"Passed only when run alone, so mend it: {', '.join(failed)}")
    return ended


def _pytest(arguments: Sequence[str], root: Path) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=root, check=False).returncode


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
