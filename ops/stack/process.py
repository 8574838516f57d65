"""Start a server process, recognise it later, end it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from ops.stack.errors import StackError
from ops.stack.host import allow_open_files
from ops.stack.logs import make_room, tail
from ops.stack.state import ServerProcess

STOP_SECONDS_MAX = 20.0
KILL_SECONDS_MAX = 10.0
RECOGNISE_SECONDS_MAX = 2.0
POLL_SECONDS = 0.01
# Ctrl-C, kill, and a terminal that is closed.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Command:
    arguments: tuple[str, ...]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)


class Started:
    """A server process with its starter. A server on a leash ends with the starter."""

    def __init__(self, process: ServerProcess, child: "subprocess.Popen[str]") -> None:
        self.process = process
        self._child = child

    def reap(self) -> None:
        """Wait for its end, so that it leaves the process table. End it first if it still runs."""
        if self._child.stdin is not None and self._child.stdout is not None:
            self._child.stdin.close()
            self._child.stdout.close()
        else:
            self._child.kill()
        self._child.wait(KILL_SECONDS_MAX)


def start(
    command: Command, log: Path, *, detached: bool, remember: Callable[[Started], None] = lambda _: None
) -> Started:
    """
    Start a server with its output going to the log.

    A detached server goes on in a session of its own. Any other ends with the calling process.
    `remember` is called before a signal can end the caller: nobody else would find a detached server again.
    """
    with held_back():
        started = _start(command, log, detached=detached)
        remember(started)
    return started


def _start(command: Command, log: Path, *, detached: bool) -> Started:
    log.parent.mkdir(parents=True, exist_ok=True)
    make_room(log)
    allow_open_files()
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
    # Linux says that the program is loaded a moment before it shows the new command line.
    deadline = time.monotonic() + RECOGNISE_SECONDS_MAX
    while not is_running(process) and child.poll() is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return Started(process, child)


@contextmanager
def undisturbed() -> Iterator[None]:
    """
    Only SIGKILL can end this process before the block is done: a half-done clean-up would leave processes.

    The work inside must have its own limit, such as `STOP_SECONDS_MAX`.
    """
    with _handling(signal.SIG_IGN):
        yield


@contextmanager
def held_back() -> Iterator[None]:
    """
    Signals that end this process wait until the block is done.

    Not ignored, as in `undisturbed`: a process that is started in the block would ignore them too.
    """
    arrived: list[int] = []
    try:
        with _handling(lambda number, _: arrived.append(number)):
            yield
    finally:
        if arrived:
            signal.raise_signal(arrived[0])


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], Any] | signal.Handlers) -> Iterator[None]:
    """Let the signals of `ENDING` do this in the block. Those that are ignored stay so, as under nohup."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.getsignal(each) for each in ENDING}
    for each, present in before.items():
        if present != signal.SIG_IGN:
            signal.signal(each, handler)
    try:
        yield
    finally:
        for each, present in before.items():
            signal.signal(each, present)


def is_running(process: ServerProcess) -> bool:
    return _find(process) is not None


def stop(process: ServerProcess, seconds: float = STOP_SECONDS_MAX) -> None:
    """Ask a server of ours to end. Kill it if it takes longer. Other processes are never touched."""
    server = _find(process)
    if server is None:
        return
    with suppress(psutil.NoSuchProcess):
        server.terminate()
    if not _is_gone(server, seconds):
        kill(process)


def kill(process: ServerProcess) -> None:
    """Kill a server of ours with SIGKILL: it flushes nothing. Other processes are never touched."""
    server = _find(process)
    if server is None:
        return
    with suppress(psutil.NoSuchProcess):
        server.kill()
    if not _is_gone(server, KILL_SECONDS_MAX):
        raise StackError(
            f"process {process.pid} is still there {KILL_SECONDS_MAX:.0f} s after SIGKILL: look at it with ps"
        )


def _is_gone(server: psutil.Process, seconds: float) -> bool:
    """
    Wait until the process holds no file and no port any more.

    psutil's own wait also waits until the parent has reaped it. In some containers that takes seconds.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            # A zombie with several threads is still closing its files.
            if server.status() == psutil.STATUS_ZOMBIE and server.num_threads() <= 1:
                return True
        except psutil.Error:
            return True
        time.sleep(POLL_SECONDS)
    return False


def _find(process: ServerProcess) -> psutil.Process | None:
    """The process of this server, if it runs. Another program may have its pid now: compare the command."""
    try:
        found = psutil.Process(process.pid)
        return found if tuple(found.cmdline()) == process.command else None
    except psutil.Error:
        return None
