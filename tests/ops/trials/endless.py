"""Run by test_run.py as a run of its own: says that it has begun, and goes on until a signal ends it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ops.stack.process import Command, start
from ops.stack.scratch import scratch

# One that its starter forgets, in a session of its own.
FORGOTTEN = "import subprocess; subprocess.Popen(['sleep', '601'], start_new_session=True)"


def test_goes_on(tmp_path: Path) -> None:
    with scratch("kepu-trial-") as folder:
        start(Command(("sleep", "602"), folder), folder / "log", detached=False)
        subprocess.run((sys.executable, "-c", FORGOTTEN), check=True)
        (Path(tempfile.gettempdir()) / f"begun-{os.getpid()}").touch()
        subprocess.run(("sleep", "603"), check=True)  # noqa: S607 (any program will do)


@pytest.mark.stack
def test_goes_on_with_servers(stack: object, tmp_path: Path) -> None:
    test_goes_on(tmp_path)
