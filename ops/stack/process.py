"""Starting servers, recognising them later, ending them."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ops.stack.errors import StackError
from ops.stack.state import ServerProcess

LOG_BYTES_MAX = 16 * 1024**2
LOG_TAIL_LINES = 12
LOG_TAIL_BYTES = 64 * 1024
STOP_SECONDS_MAX = 20.0
KILL_SECONDS_MAX = 10.0
RECOGNISE_SECONDS_MAX = 2.0
RECOGNISE_POLL_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Command:
    arguments: tuple[str, ...]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)


class Started:
    """A server as its starter holds it; the leash, where there is one, ends with this object's process."""

    def __init__(self, process: ServerProcess, child: "subprocess.Popen[str]") -> None:
        self.process = process
        self._child = child

    def reap(self) -> None:
        """Take note of its end, so that it doesn't stay in the process table; end it if it hasn't ended."""
        if self._child.stdin is not None and self._child.stdout is not None:
            self._child.stdin.close()
            self._child.stdout.close()
        else:
            self._child.kill()
        self._child.wait(KILL_SECONDS_MAX)


def start(command: Command, log: Path, *, detached: bool) -> Started:
    """
    Start a server with its output going to the log.

    Detached, it lives on in a session of its own; otherwise it dies with the calling process.
    """
    _start_new_log(log)
    leash = () if detached else (sys.executable, "-I", str(Path(__file__).with_name("leash.py")))
    with log.open("ab") as output:
        child = subprocess.Popen(
            (*leash, *command.arguments),
            cwd=command.folder,
            env={**os.environ, **command.environment},
            stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
            stdout=output if detached else subprocess.PIPE,
            stderr=output,
            start_new_session=True,
            text=True,
        )
    pid = child.pid
    if child.stdout is not None:
        told = child.stdout.readline()
        if not told:
            child.wait(KILL_SECONDS_MAX)
            raise StackError(f"{command.arguments[0]} can't be started: {tail(log)}")
        pid = int(told)
    process = ServerProcess(pid=pid, command=command.arguments)
    # Linux tells the starter that the program is loaded a moment before it shows the new command line.
    deadline = time.monotonic() + RECOGNISE_SECONDS_MAX
    while not is_running(process) and child.poll() is None and time.monotonic() < deadline:
        time.sleep(RECOGNISE_POLL_SECONDS)
    return Started(process, child)


def is_running(process: ServerProcess) -> bool:
    return _find(process) is not None


def stop(process: ServerProcess, seconds: float = STOP_SECONDS_MAX) -> None:
    """Ask a server of ours to end, and end it after the time. Does nothing to anyone else's process."""
    server = _find(process)
    if server is None:
        return
    try:
        server.terminate()
        server.wait(seconds)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        kill(process)


def kill(process: ServerProcess) -> None:
    """SIGKILL: nothing is flushed, no client is told. Does nothing to anyone else's process."""
    server = _find(process)
    if server is None:
        return
    try:
        server.kill()
        server.wait(KILL_SECONDS_MAX)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired as error:
        raise StackError(
            f"process {process.pid} is still there {KILL_SECONDS_MAX:.0f} s after SIGKILL"
        ) from error


def tail(log: Path, lines: int = LOG_TAIL_LINES) -> str:
    """Where the log is and how it ends, for an error message."""
    last = last_lines(log, lines)
    return f"{log} ends with:\n" + "\n".join(f"    {line}" for line in last) if last else f"{log} is empty"


def last_lines(log: Path, lines: int) -> list[str]:
    try:
        with log.open("rb") as file:
            size_bytes = file.seek(0, os.SEEK_END)
            file.seek(max(0, size_bytes - LOG_TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


def _start_new_log(log: Path) -> None:
    """Keep one older log at most, so that a stack of many weeks doesn't fill the disk."""
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_suffix(".old.log"))


def _find(process: ServerProcess) -> psutil.Process | None:
    """This very server, if it runs: a pid used again by another program comes with another command line."""
    try:
        found = psutil.Process(process.pid)
        return found if tuple(found.cmdline()) == process.command else None
    except psutil.Error:
        return None
