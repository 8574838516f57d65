"""Faults of a server that ends while they are at work."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ops.chaos.rig import limited

WRITES = """
import sys
for _ in sys.stdin:
    try:
        with open(sys.argv[1], "w") as file:
            file.write("x")
        print("written", flush=True)
    except OSError as error:
        print("refused", flush=True)
"""


def writes(server: "subprocess.Popen[str]") -> str:
    assert server.stdin
    assert server.stdout
    server.stdin.write("\n")
    server.stdin.flush()
    return server.stdout.readline().strip()


def test_a_full_disk_has_room_again_unless_its_server_has_ended(tmp_path: Path) -> None:
    # As servers do: the signal is ignored, and the write fails.
    program = f"import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n{WRITES}"
    command = [sys.executable, "-c", program, str(tmp_path / "file")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        process = psutil.Process(server.pid)
        assert writes(server) == "written"
        make_room = limited(process)
        assert writes(server) == "refused"
        make_room()
        assert writes(server) == "written"
        make_room = limited(process)
        server.kill()
    make_room()
    with pytest.raises(psutil.NoSuchProcess):
        limited(process)
