"""Folders that are gone when the program is gone."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.stack.sweeper import SWEEP_SECONDS_MAX


@contextmanager
def scratch(prefix: str, mark: str = "") -> Iterator[Path]:
    """
    A new temporary folder until the end of the block, or of this process if that comes first.

    Python's own `TemporaryDirectory` leaves its folder behind when a signal ends the process, or when Ctrl-C
    comes a second time.

    Args:
        mark: a `NAME=VALUE`; processes with it in their environment are killed before the folder goes.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    program = str(Path(__file__).with_name("sweeper.py"))
    sweeper = subprocess.Popen(
        (sys.executable, "-I", program, str(folder), *filter(None, [mark])),
        stdin=subprocess.PIPE,
        # Bearing no mark itself: another sweeper would take it for something left over.
        env={},
        # Ctrl-C in a terminal reaches all processes of the terminal's session.
        start_new_session=True,
    )
    try:
        yield folder
    finally:
        sweeper.communicate(timeout=2 * SWEEP_SECONDS_MAX)
