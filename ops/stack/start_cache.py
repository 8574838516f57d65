"""
Kafka starts in half the time when Java finds what an earlier run has loaded (an AOT cache, since Java 25).

The cache is recorded once for each set of jars, in a run of its own with data of its own. It is optional:
without it, or with one that does not match, Kafka starts as usual.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ops.stack.errors import StackError
from ops.stack.host import free_port, is_free
from ops.stack.process import Command, is_running, start, stop
from ops.stack.state import locked

TRAINING_START_SECONDS_MAX = 60.0
# Java writes the cache when it ends: some seven seconds, more on a busy machine.
TRAINING_END_SECONDS_MAX = 90.0
POLL_SECONDS = 0.1


class StartCache:
    """The cache in a file. `file` is None if this Java cannot have one."""

    def __init__(self, file: Path | None, tell: Callable[[str], None]) -> None:
        self._file = file
        self._tell = tell

    def flags(self) -> tuple[str, ...]:
        return () if self._file is None or not _has_content(self._file) else (f"-XX:AOTCache={self._file}",)

    def fill(self, training: Callable[[Path, Sequence[int], Sequence[str]], Command]) -> None:
        """
        Record a run, once. `training` makes its command from a folder, two ports and Java flags.

        A failure is remembered and not reported: starts are only slower without the cache.
        """
        if self._file is None or self._file.exists():
            return
        with locked(self._file.with_name("lock")):
            if self._file.exists():
                return
            self._tell("Recording a start of Kafka, so that later ones take half the time")
            with tempfile.TemporaryDirectory(dir=self._file.parent, prefix="training-") as folder:
                recorded = Path(folder) / "recorded.aot"
                port = free_port()
                ports = (port, free_port([port]))
                try:
                    _run(
                        training(Path(folder), ports, (f"-XX:AOTCacheOutput={recorded}",)), Path(folder), port
                    )
                except StackError:
                    recorded.unlink(missing_ok=True)
                if recorded.exists():
                    recorded.replace(self._file)
                else:
                    self._file.touch()

    def give_up(self) -> bool:
        """Never use the cache again: it may keep Kafka from starting. False if it was not in use."""
        if self._file is None or not _has_content(self._file):
            return False
        self._file.write_bytes(b"")
        return True


def _has_content(file: Path) -> bool:
    """False for an empty file too: it marks a cache that was tried and failed."""
    return file.exists() and file.stat().st_size > 0


def _run(command: Command, folder: Path, port: int) -> None:
    """Start, wait until the port is served, stop. Java records what it has loaded until then."""
    started = start(command, folder / "training.log", detached=False)
    deadline = time.monotonic() + TRAINING_START_SECONDS_MAX
    try:
        while is_free(port) and is_running(started.process):
            if time.monotonic() > deadline:
                raise StackError("Kafka didn't serve its port in time")
            time.sleep(POLL_SECONDS)
    finally:
        stop(started.process, TRAINING_END_SECONDS_MAX)
        started.reap()
