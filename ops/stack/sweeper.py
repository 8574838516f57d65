"""
Cleans up after a program that has ended: normally, by a signal, or by kill -9.

Called as a script: sweeper.py FOLDER [NAME=VALUE]. Standard input is a pipe. The program holds its other end
and never writes to it, so end of file means that the program is gone. Then every process with NAME=VALUE in
its environment is killed, and the folder is removed. Children inherit the environment, so processes that the
program's children started are found too.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

SWEEP_SECONDS_MAX = 20.0
POLL_SECONDS = 0.05


def main() -> None:
    folder, *marks = sys.argv[1:]
    sys.stdin.read()
    sweep(Path(folder), *marks)


def sweep(folder: Path, mark: str = "") -> None:
    """Kill the marked processes and remove the folder. Repeat: dying servers may still write to it."""
    deadline = time.monotonic() + SWEEP_SECONDS_MAX
    while time.monotonic() < deadline:
        left = list(_marked(mark)) if mark else []
        for process in left:
            try:
                process.kill()
            except psutil.Error:
                continue
        shutil.rmtree(folder, ignore_errors=True)
        if not left and not folder.exists():
            return
        time.sleep(POLL_SECONDS)


def _marked(mark: str) -> Iterator[psutil.Process]:
    name, _, value = mark.partition("=")
    for process in psutil.process_iter():
        try:
            bears = process.pid != os.getpid() and process.environ().get(name) == value
            if bears and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except psutil.Error:  # Gone, or another user's.
            continue


if __name__ == "__main__":
    main()
