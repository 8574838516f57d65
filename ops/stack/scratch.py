"""Temporary folders that are removed when the program ends, for any reason."""

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
    A new temporary folder until the end of the block, or of this process if it ends first.

    Python's own `TemporaryDirectory` leaves its folder behind after a signal or a second Ctrl-C.

    Args:
        mark: a `NAME=VALUE`. Processes with it in their environment are killed before the folder is removed.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    program = str(Path(__file__).with_name("sweeper.py"))
    sweeper = subprocess.Popen(
        (sys.executable, "-I", program, str(folder), *filter(None, [mark])),
        stdin=subprocess.PIPE,
        # Without the mark: another sweeper would kill this one as left over.
        env={},
        # In its own session: Ctrl-C in a terminal reaches all processes of the terminal's session.
        start_new_session=True,
    )
    try:
        yield folder
    finally:
        sweeper.communicate(timeout=2 * SWEEP_SECONDS_MAX)
