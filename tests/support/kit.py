"""The wheel for other teams, and an environment that has it and no other code of ours."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
KIT = ROOT / "kit"
EXAMPLES = KIT / "examples"
CLIENTS = ("aiokafka", "confluent", "faststream")
# With an empty cache of uv, everything is fetched.
SECONDS = 120.0


def build(folder: Path) -> Path:
    """The wheel, made as `make kit` does it."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=KIT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [wheel] = folder.glob("kepu_events-*.whl")
    return wheel


def environment_with(wheel: Path, folder: Path, *extras: str) -> Path:
    """
    A new virtual environment with the wheel and what it needs.

    Args:
        extras: of the wheel, such as "confluent".
    Returns: its Python.
    """
    uv = str(Path(sys.executable).with_name("uv"))
    python = folder / "bin" / "python"
    named = f"{wheel}[{','.join(extras)}]" if extras else str(wheel)
    # The versions of this checkout, which `make setup` has left in the cache.
    known = ["--constraints", str(ROOT / "requirements-dev.lock")]
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(folder)],
        ["pip", "install", "--quiet", "--python", str(python), *known, named],
    ):
        done = subprocess.run(
            [uv, *command],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            # What is installed there must not be found by way of this environment.
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        )
        assert done.returncode == 0, done.stderr
    return python
