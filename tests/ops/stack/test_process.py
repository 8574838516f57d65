"""Servers are recognised before any signal, and don't outlive whom they were tied to."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ops.stack.process import Command, Started, is_running, kill, start, stop
from ops.stack.state import ServerProcess

SLEEP = ("sleep", "60")
# Says so when it has set its trap: a signal before that would end it.
STUBBORN = ("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
STARTS_AND_WAITS = """
import sys
from pathlib import Path
from ops.stack.process import Command, start
folder = Path(sys.argv[1])
started = start(Command(("sleep", "60"), folder), folder / "log", detached=False)
print(started.process.pid, flush=True)
sys.stdin.read()
"""


IS_ENDED_WHILE_IT_STARTS = """
import os, signal, sys
from pathlib import Path
from ops.stack.process import Command, start
folder = Path(sys.argv[1])
def remember(started):
    os.kill(os.getpid(), signal.SIGINT)
    (folder / "remembered").write_text(str(started.process.pid))
start(Command(("sleep", "60"), folder), folder / "log", detached=True, remember=remember)
print("not ended")
"""


@pytest.fixture(params=[True, False], ids=["detached", "leashed"])
def sleeping(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Started]:
    started = start(Command(SLEEP, tmp_path), tmp_path / "log", detached=request.param)
    yield started
    started.reap()


def test_started_server_is_recognised(sleeping: Started) -> None:
    assert is_running(sleeping.process)


@pytest.mark.parametrize("end", [stop, kill])
def test_ended_server_is_no_longer_there(sleeping: Started, end: Callable[[ServerProcess], None]) -> None:
    end(sleeping.process)
    assert not is_running(sleeping.process)
    sleeping.reap()
    assert not psutil.pid_exists(sleeping.process.pid)


@pytest.mark.parametrize("end", [stop, kill])
def test_pid_that_belongs_to_another_program_by_now_is_left_alone(
    sleeping: Started, end: Callable[[ServerProcess], None]
) -> None:
    remembered = ServerProcess(pid=sleeping.process.pid, command=("java", "kafka.Kafka"))
    assert not is_running(remembered)
    end(remembered)
    assert is_running(sleeping.process)


def test_pid_of_nobody_is_not_running(sleeping: Started) -> None:
    kill(sleeping.process)
    sleeping.reap()
    kill(sleeping.process)
    stop(sleeping.process)
    assert not is_running(sleeping.process)


def test_server_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    started = start(Command(STUBBORN, tmp_path), log, detached=True)
    _wait_until(lambda: "ready" in log.read_text())
    stop(started.process, seconds=0.2)
    assert not is_running(started.process)
    started.reap()


def test_leashed_server_dies_with_its_killed_starter(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        (sys.executable, "-c", STARTS_AND_WAITS, str(tmp_path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert psutil.pid_exists(pid)
        starter.kill()
    _wait_until(lambda: not is_running(ServerProcess(pid=pid, command=SLEEP)))


def test_starter_that_is_ended_while_it_starts_a_server_has_remembered_it(tmp_path: Path) -> None:
    ended = subprocess.run(
        (sys.executable, "-c", IS_ENDED_WHILE_IT_STARTS, str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    remembered = psutil.Process(int((tmp_path / "remembered").read_text()))
    # A server must not inherit that its starter heard no signal just then.
    remembered.terminate()
    remembered.wait(10)
    assert "KeyboardInterrupt" in ended.stderr
    assert "not ended" not in ended.stdout


@pytest.mark.parametrize("detached", [True, False])
def test_output_goes_to_the_log(tmp_path: Path, detached: bool) -> None:
    speaking = Command(("sh", "-c", "echo out; echo err >&2"), tmp_path)
    started = start(speaking, tmp_path / "log", detached=detached)
    _wait_until(lambda: (tmp_path / "log").read_text() == "out\nerr\n")
    started.reap()


def _wait_until(fact: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.02)
