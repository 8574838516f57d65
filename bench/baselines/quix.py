"""
The environment of Quix Streams. It needs older versions than our lock file, so it has one of its own.

The first run installs it by hash from bench/baselines/quix-requirements.lock into .kepu/bench/quix. The
header of that file says how to renew it.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from bench.contest import Contest
from bench.errors import BenchError

LOCK = Path(__file__).with_name("quix-requirements.lock")
HOME = Path(__file__).parent.parent.parent / ".kepu" / "bench" / "quix"
KEYS = HOME / "keys.json"
INSTALL_SECONDS_MAX = 300


def python() -> tuple[str, ...]:
    """The interpreter of that environment."""
    return (str(HOME / "environment" / "bin" / "python"),)


def prepare(contest: Contest) -> None:
    """
    Install the environment if need be, and write the file that tells the grader about the quiz.

    Raises:
        BenchError: the environment cannot be installed.
    """
    HOME.mkdir(parents=True, exist_ok=True)
    state, wanted = HOME / "installed", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not state.exists() or state.read_text() != wanted:
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(HOME / "environment"))
        _uv("pip", "sync", "--quiet", "--python", python()[0], "--require-hashes", str(LOCK))
        state.write_text(wanted)
    quiz = contest.quiz
    known = {
        "title": quiz.title,
        "pass_percent": quiz.pass_percent,
        "papers": quiz.papers,
        "opens_at": quiz.opens_at.isoformat(),
        "keys": contest.keys(),
    }
    KEYS.write_text(json.dumps(known))


def _uv(*arguments: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    try:
        subprocess.run([str(uv), *arguments], check=True, timeout=INSTALL_SECONDS_MAX)
    except (OSError, subprocess.SubprocessError) as error:
        raise BenchError(
            f"Quix Streams cannot be installed into {HOME} ({error}): is the package registry reachable?"
        ) from error
