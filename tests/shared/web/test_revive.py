"""A container's health check ends a process that does not live, and no other."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ops.stack.host import free_port
from shared.web.revive import ENDED_AFTER, KILLED_AFTER, NEVER_LIVED_ENDED_AFTER, Looks, look, read, write


def after(failed: int, *, lived: bool = True) -> Looks:
    looks = Looks().then(alive=True) if lived else Looks()
    for _ in range(failed):
        looks = looks.then(alive=False)
    return looks


def test_a_process_that_does_not_live_is_asked_to_end_and_then_forced() -> None:
    signals = [after(failed).signal for failed in range(KILLED_AFTER + 1)]
    assert signals == [None, None, None, signal.SIGTERM, signal.SIGTERM, signal.SIGKILL]
    assert ENDED_AFTER == 3


def test_one_good_look_makes_up_for_the_bad_ones() -> None:
    looks = after(KILLED_AFTER).then(alive=True)
    assert (looks.lived, looks.failed, looks.signal) == (True, 0, None)


def test_a_process_that_has_never_lived_has_time_to_start() -> None:
    assert after(NEVER_LIVED_ENDED_AFTER - 1, lived=False).signal is None
    assert after(NEVER_LIVED_ENDED_AFTER, lived=False).signal is signal.SIGTERM


@pytest.mark.parametrize("text", [None, "", "lived", "lived many", "\0"])
def test_a_memory_that_is_lost_or_broken_begins_anew(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "looks").write_text(text)
    assert read(tmp_path / "looks") == Looks()


def test_the_process_is_ended_and_its_parent_not(tmp_path: Path) -> None:
    memory, nobody_listens = tmp_path / "looks", free_port()
    write(memory, after(ENDED_AFTER - 1))
    # The parent stands for a container's first process.
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "print('started', flush=True)\n"
        "print(child.wait(), flush=True)\n"
    )
    with subprocess.Popen((sys.executable, "-c", script), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == "started\n"
        assert look(nobody_listens, memory, parent.pid) is False
        assert parent.stdout.readline() == f"{-signal.SIGTERM}\n"
    assert parent.returncode == 0
    assert read(memory).failed == ENDED_AFTER
