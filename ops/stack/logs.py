"""The servers' log files: their last lines, lines to come, and a limit of their size."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

LOG_BYTES_MAX = 16 * 1024**2
TAIL_LINES = 12
TAIL_BYTES = 64 * 1024
FOLLOW_SECONDS = 0.2


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The place and the last lines of a log, for an error message."""
    last = last_lines(log, lines)
    return f"{log} ends with:\n" + "\n".join(f"    {line}" for line in last) if last else f"{log} is empty"


def last_lines(log: Path, lines: int) -> list[str]:
    """The last lines, at most this many, out of the last `TAIL_BYTES`. None if there is no log."""
    if lines < 1 or not log.exists():
        return []
    with log.open("rb") as file:
        size_bytes = file.seek(0, os.SEEK_END)
        file.seek(max(0, size_bytes - TAIL_BYTES))
        return file.read().decode(errors="replace").splitlines()[-lines:]


def lines_to_come(logs: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """Every line written from now on, with the name of its log. Never ends by itself."""
    with ExitStack() as files:
        opened = {name: files.enter_context(log.open(errors="replace")) for name, log in logs.items()}
        begun = dict.fromkeys(opened, "")
        for file in opened.values():
            file.seek(0, os.SEEK_END)
        while True:
            idle = True
            for name, file in opened.items():
                while part := file.readline():
                    idle = False
                    begun[name] += part
                    # The writer may have written only the beginning of a line so far.
                    if part.endswith("\n"):
                        yield name, begun[name].removesuffix("\n")
                        begun[name] = ""
            if idle:
                time.sleep(FOLLOW_SECONDS)


def make_room(log: Path) -> None:
    """Before a start: set a large log aside and drop the one before, so that logs never fill the disk."""
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_suffix(".old.log"))
