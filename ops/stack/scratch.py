"""Temporary folders that are removed when the program ends, for any reason."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from ops.stack.sweeper import SWEEP_SECONDS_MAX

# Where Linux keeps files in memory.
IN_MEMORY = Path("/dev/shm")  # noqa: S108 (only for a folder of a random name in it)
# A run of all tests writes about one, and as much again on the stacks that it kills.
SPACE_BYTES_MIN = 4 * 1024**3


@contextmanager
def scratch(prefix: str, mark: str = "", *, within: Path | None = None) -> Iterator[Path]:
    """
    A new temporary folder until the end of the block, or of this process if it ends first.

    Python's own `TemporaryDirectory` leaves its folder behind after a signal or a second Ctrl-C.

    Args:
        mark: a `NAME=VALUE`. Processes with it in their environment are killed before the folder is removed.
        within: the folder in which it is made, by default that of all temporary files.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=within))
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


def in_memory() -> Path | None:
    """
    A folder in memory for servers of tests, if there is one with enough space.

    MongoDB waits for the disk at each acknowledged write: that takes longer than all else that most tests do.
    No test cuts the power, so what a killed server had written is there afterwards.

    Returns: None if there is no such folder, or if TMPDIR names one. Then they write where other programs do.
    """
    if "TMPDIR" in os.environ or not os.access(IN_MEMORY, os.W_OK):
        return None
    space = min(shutil.disk_usage(IN_MEMORY).free, psutil.virtual_memory().available)
    return IN_MEMORY if space >= SPACE_BYTES_MIN else None
