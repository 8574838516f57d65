"""What the machine can't offer is said in one line that names the way out."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from threading import Timer

import pytest

from ops.stack.errors import StackError
from ops.stack.host import (
    OPEN_FILES_MAX,
    PORT_MAX,
    PORT_MIN,
    becomes_free,
    check_disk,
    check_port,
    choose_ports,
    free_port,
    is_free,
    make_folder,
)
from ops.stack.java import find_java
from ops.stack.mongo import find_mongod

SAYS_LIMITS = """
import sys, time
from pathlib import Path
from ops.stack.process import Command, is_running, start
folder = Path(sys.argv[1])
says = Command(("sh", "-c", "ulimit -Sn; ulimit -Hn; sleep 0.1"), folder)
started = start(says, folder / "log", detached=sys.argv[2] == "True")
while is_running(started.process):
    time.sleep(0.01)
started.reap()
"""
OUTGOING_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_the_port_of_a_process_that_is_just_ending_is_waited_for() -> None:
    # The edge and people know the address of a service: after a kill it comes back there.
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        assert not becomes_free(port, seconds=0.05)
        Timer(0.2, held.close).start()
        assert becomes_free(port)


def test_taken_port_is_told_with_the_option_for_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = foreign.getsockname()[1]
        with pytest.raises(StackError, match=rf"port {port} for kafka is taken by .*pid.*--kafka-port"):
            check_port(port, "kafka")


def test_port_taken_on_all_addresses_is_not_free() -> None:
    with socket.create_server(("0.0.0.0", 0)) as foreign:  # noqa: S104 - that is the case tested
        assert not is_free(foreign.getsockname()[1])


def test_free_port_is_not_one_already_promised() -> None:
    all_but_one = set(range(PORT_MIN, PORT_MAX + 1)) - {25_000}
    with pytest.raises(StackError, match="no free port"):
        free_port(all_but_one | {25_000})


def test_server_stays_where_its_clients_found_it_unless_told() -> None:
    left = free_port()
    other = free_port([left])
    told = free_port([left, other])
    assert choose_ports("kafka", 2, None, [left, other]) == (left, other)
    assert choose_ports("kafka", 2, told, [left, other]) == (told, other)


def test_lost_port_of_the_servers_own_is_replaced() -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        taken = foreign.getsockname()[1]
        first, second = choose_ports("kafka", 2, None, [free_port(), taken])
    assert second not in (first, taken)


@pytest.mark.skipif(not OUTGOING_PORTS.exists(), reason="only Linux says which ports it gives to clients")
def test_chosen_ports_are_never_given_to_outgoing_connections() -> None:
    lowest, highest = map(int, OUTGOING_PORTS.read_text().split())
    assert lowest > PORT_MAX or highest < PORT_MIN


def test_full_disk_is_told_with_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"GiB free, the stack needs 1000000\.0 GiB: .*--home"):
        check_disk(tmp_path, needed_bytes=1_000_000 * 1024**3)


@pytest.mark.parametrize("detached", [True, False], ids=["detached", "leashed"])
def test_what_the_stack_starts_may_open_as_many_files_as_the_hard_limit_lets_it(
    tmp_path: Path, detached: bool
) -> None:
    with_usual_limit = ("sh", "-c", 'ulimit -Sn 1024 && exec "$@"', "sh")
    subprocess.run(
        (*with_usual_limit, sys.executable, "-c", SAYS_LIMITS, str(tmp_path), str(detached)), check=True
    )
    soft, hard = (tmp_path / "log").read_text().split()
    assert soft == (str(OPEN_FILES_MAX) if hard == "unlimited" else str(min(int(hard), OPEN_FILES_MAX)))


def test_hard_limit_that_is_too_low_is_told_with_the_way_out(tmp_path: Path) -> None:
    up = (str(Path(sys.executable).with_name("kepu")), "stack", "up", "--home", str(tmp_path / "home"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KEPU_")}
    done = subprocess.run(
        ("sh", "-c", 'ulimit -n 1024 && exec "$@"', "sh", *up),  # noqa: S607 (any shell will do)
        capture_output=True,
        check=False,
        env=environment,
        text=True,
    )
    assert done.returncode == 1
    assert "may open 1,024 files here, the stack's servers need 4,096" in done.stderr
    assert "hard nofile" in done.stderr
    assert "Traceback" not in done.stderr


def test_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="can't write to the folder"):
        make_folder(tmp_path / "file" / "home")


def test_platform_without_mongod_is_told_to_name_a_server() -> None:
    with pytest.raises(StackError, match="KEPU_MONGO"):
        find_mongod(package="no.such.package")


def test_java_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=f"KEPU_JAVA={tmp_path}"):
        find_java({"KEPU_JAVA": str(tmp_path)})


def test_java_may_be_named_by_its_home_or_its_program(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.touch()
    assert find_java({"KEPU_JAVA": str(tmp_path)}) == find_java({"KEPU_JAVA": str(program)}) == program


def test_java_home_alone_counts_for_nothing(tmp_path: Path) -> None:
    assert tmp_path not in find_java({"JAVA_HOME": str(tmp_path)}).parents
