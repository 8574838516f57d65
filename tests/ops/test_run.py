"""A run of the tests, as a process: what ends it, what it says, and that it leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from ops.local.services import ROOT

pytestmark = pytest.mark.own_servers

TRIALS = Path(__file__).with_name("trials")
# Its own servers, also where the outer run has others.
OWN = {name: value for name, value in os.environ.items() if not name.startswith(("KEPU_", "PYTEST_"))}
BEGIN_SECONDS_MAX = 60.0
END_SECONDS_MAX = 30.0
# By this in their environment all processes of a trial are found, however they were started.
TRIAL = "TRIAL_OF"


@contextmanager
def trial(folder: Path, name: str, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """A run of one file of `trials/`, with a temporary folder of its own."""
    folder.mkdir()
    arguments = ("-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider", *options)
    environment = {**OWN, "TMPDIR": str(folder), TRIAL: str(folder)}
    run = subprocess.Popen(
        (sys.executable, *arguments, str(TRIALS / f"{name}.py")),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    try:
        yield run
    finally:
        run.kill()
        run.communicate()


def wait_until_begun(run: "subprocess.Popen[str]", folder: Path, times: int = 1) -> None:
    deadline = time.monotonic() + BEGIN_SECONDS_MAX
    while len(list(folder.glob("begun-*"))) < times:
        assert run.poll() is None, run.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def assert_nothing_is_left(folder: Path) -> None:
    deadline = time.monotonic() + END_SECONDS_MAX
    while left := [*_processes(folder), *folder.glob("kepu-*")]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def _processes(folder: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if process.environ().get(TRIAL) == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except psutil.Error:
            continue


@pytest.mark.stack
@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "workers"])
def test_server_that_dies_ends_the_run_at_once_with_its_last_words(
    tmp_path: Path, options: Sequence[str]
) -> None:
    folder = tmp_path / "trial"
    with trial(folder, "death", *options) as run:
        said, _ = run.communicate(timeout=BEGIN_SECONDS_MAX)
    assert run.returncode == pytest.ExitCode.INTERNAL_ERROR, said
    assert "all tests share it: mongo has died" in said
    assert "mongo.log ends with:" in said
    assert "test_comes_after_it" not in said
    assert_nothing_is_left(folder)


@pytest.mark.stack
def test_databases_and_topics_go_with_their_test_also_if_it_failed(tmp_path: Path) -> None:
    with trial(tmp_path / "trial", "leaving") as run:
        said, _ = run.communicate(timeout=BEGIN_SECONDS_MAX)
    assert "1 failed, 1 passed" in said, said
    assert "fails, having left a database and a topic" in said


HANG_UP = pytest.param(
    (signal.SIGHUP,),
    marks=pytest.mark.skipif(
        signal.getsignal(signal.SIGHUP) == signal.SIG_IGN, reason="nohup keeps a hang-up from ending anything"
    ),
)


@pytest.mark.parametrize(
    "signals",
    [(signal.SIGINT,), (signal.SIGINT,) * 2, (signal.SIGTERM,), HANG_UP, (signal.SIGKILL,)],
    ids=["ctrl-c", "ctrl-c-twice", "term", "hang-up", "kill"],
)
def test_run_that_is_ended_leaves_no_process_and_no_folder(
    tmp_path: Path, signals: Sequence[signal.Signals]
) -> None:
    folder = tmp_path / "trial"
    with trial(folder, "endless", "-k", "not servers") as run:
        wait_until_begun(run, folder)
        # As a terminal does: to all processes of the run.
        for each in signals:
            os.killpg(run.pid, each)
        run.wait(END_SECONDS_MAX)
        assert_nothing_is_left(folder)


@pytest.mark.stack
def test_run_with_servers_and_workers_that_is_ended_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "trial"
    with trial(folder, "endless", "-n", "2") as run:
        wait_until_begun(run, folder, times=2)
        os.killpg(run.pid, signal.SIGINT)
        os.killpg(run.pid, signal.SIGINT)
        run.wait(END_SECONDS_MAX)
        assert_nothing_is_left(folder)
