"""The kepu command ended in the middle of its work, by a signal or by the death of a server of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from ops.local.services import ROOT
from ops.stack.state import State, load

KEPU = str(Path(sys.executable).with_name("kepu"))
OWN = {name: value for name, value in os.environ.items() if not name.startswith("KEPU_")}
BEGIN_SECONDS_MAX = 180.0
END_SECONDS_MAX = 30.0
# By this in their environment all processes of a command are found, however they were started.
TRIAL = "TRIAL_OF"

pytestmark = [pytest.mark.stack, pytest.mark.own_servers]


@contextmanager
def kepu(home: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = subprocess.Popen(
        (KEPU, *arguments, "--home", str(home)),
        cwd=ROOT,
        env={**OWN, TRIAL: str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    try:
        yield command
    finally:
        command.kill()
        command.communicate()
        for left in _processes(home):
            left.kill()


def eventually(fact: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.02)


def started(home: Path, state: str, count: int) -> bool:
    found: State = load(home / state)
    return sum(server.process is not None for server in found.servers.values()) >= count


def _processes(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(TRIAL) == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def end(command: "subprocess.Popen[str]", by: signal.Signals) -> None:
    """As somebody impatient does: again and again until it is gone."""

    def press() -> bool:
        if command.poll() is None:
            os.killpg(command.pid, by)
        return command.returncode is not None

    eventually(press, END_SECONDS_MAX)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_stack_up_that_is_ended_leaves_nothing_running(tmp_path: Path, by: signal.Signals) -> None:
    home = tmp_path / "home"
    with kepu(home, "stack", "up") as command:
        eventually(lambda: started(home, "stack.json", 2), BEGIN_SECONDS_MAX)
        end(command, by)
        eventually(lambda: not _processes(home), END_SECONDS_MAX)


def test_week_that_is_ended_while_it_starts_leaves_nothing_running(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with kepu(home, "up") as command:
        eventually(lambda: started(home, "services.json", 3), BEGIN_SECONDS_MAX)
        end(command, signal.SIGINT)
        eventually(lambda: not _processes(home), END_SECONDS_MAX)


@pytest.mark.parametrize("command_name", ["up", "demo"])
def test_server_that_dies_ends_the_command_with_its_last_words(tmp_path: Path, command_name: str) -> None:
    home = tmp_path / "home"
    with kepu(home, command_name) as command:
        eventually(lambda: started(home, "services.json", 3), BEGIN_SECONDS_MAX)
        mongo = load(home / "stack.json").servers["mongo"].process
        assert mongo is not None
        os.kill(mongo.pid, signal.SIGKILL)
        said, _ = command.communicate(timeout=END_SECONDS_MAX)
        assert command.returncode == 1, said
        assert "kepu: mongo has died" in said
        assert "mongo.log ends with:" in said
        assert "Traceback" not in said
        eventually(lambda: not _processes(home), END_SECONDS_MAX)
