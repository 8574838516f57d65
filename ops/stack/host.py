"""The things that the stack needs on this machine: ports, disk space, open files, folders."""

import random
import shutil
import socket
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from ops.stack.errors import StackError

# Below the range from which systems take ports for outgoing connections (Linux from 32768, macOS from 49152).
# In that range a client that keeps dialling a killed broker can get the broker's port as its own, connect to
# itself, and so keep the broker from coming back.
PORT_MIN = 20_000
PORT_MAX = 31_999
PORT_LEFT_SECONDS_MAX, PORT_POLL_SECONDS = 5.0, 0.02
PORT_TRIES_MAX = 200

FREE_DISK_BYTES_MIN = 2 * 1024**3

# The usual soft limit is 1,024. A week needs some 700 for MongoDB and 500 for Kafka; the tests at their peak
# four times as much.
OPEN_FILES_MIN = 4_096
# Some programs try to close every number below the limit, so even "unlimited" is cut to this.
OPEN_FILES_MAX = 65_536


def choose_ports(
    server: str, count: int, told: int | None, remembered: Sequence[int], taken: Collection[int] = ()
) -> tuple[int, ...]:
    """
    The ports of a server. The first is for clients: the one asked for, else the last one, else a free one.

    Only the server itself uses the other ports, so one that is taken is replaced silently. A new one is not
    in `taken`: those belong to servers that do not run yet.

    Raises:
        StackError: another program listens on the port for clients.
    """
    first = told or (remembered[0] if remembered else None)
    if first is None:
        first = free_port(taken)
    else:
        check_port(first, server)
    others = [port for port in remembered[1:] if port != first and is_free(port)]
    while len(others) < count - 1:
        others.append(free_port([first, *others, *taken]))
    return (first, *others)


def free_port(taken: Collection[int] = ()) -> int:
    """A port on which nothing listens now, and that is not in `taken`."""
    for _ in range(PORT_TRIES_MAX):
        port = random.randint(PORT_MIN, PORT_MAX)  # noqa: S311 - protects nothing
        if port not in taken and is_free(port):
            return port
    raise StackError(
        f"no free port found between {PORT_MIN} and {PORT_MAX}: stop what listens there, or name a port"
    )


def is_free(port: int) -> bool:
    """True if nothing listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        # The servers do the same: connections of a killed server then do not block the next one.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def becomes_free(port: int, seconds: float = PORT_LEFT_SECONDS_MAX) -> bool:
    """Wait until nothing listens on this port. A process that was killed may hold it for a moment longer."""
    until = time.monotonic() + seconds
    while not is_free(port):
        if time.monotonic() > until:
            return False
        time.sleep(PORT_POLL_SECONDS)
    return True


def check_port(port: int, server: str) -> None:
    """
    Check that a server can have its port.

    Raises:
        StackError: another program listens there; the message names it if possible.
    """
    if not is_free(port):
        raise StackError(
            f"port {port} for {server} is taken{_by_whom(port)}: stop that program, "
            f"or choose another with kepu stack up --home … --{server}-port …"
        )


def check_disk(folder: Path, needed_bytes: int = FREE_DISK_BYTES_MIN) -> None:
    """
    Check that there is room for the stack.

    Raises:
        StackError: the disk of this folder has less space.
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise StackError(
            f"the disk of {folder} has {free_bytes / 1024**3:.1f} GiB free, the stack needs "
            f"{needed_bytes / 1024**3:.1f} GiB: make room, or choose another folder with --home"
        )


def allow_open_files(wanted: int = OPEN_FILES_MAX) -> int:
    """
    Raise the soft limit of open files of this process as far as allowed. Child processes inherit it.

    Returns: the number of files that a program started from here may open.
    """
    try:
        import resource
    except ImportError:  # Windows: state.locked() says what to do there.
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    reachable = wanted if hard == unlimited else min(wanted, hard)
    if soft == unlimited or soft >= reachable:
        return wanted if soft == unlimited else soft
    # The kernel of macOS has another, lower limit. Less than wanted may still be enough.
    for limit in (reachable, OPEN_FILES_MIN):
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            return limit
    return soft


def check_open_files(allowed: int, needed: int = OPEN_FILES_MIN) -> None:
    """
    Check that a server may open as many files as it needs: at the limit MongoDB ends itself.

    Raises:
        StackError: it may open fewer.
    """
    if allowed < needed:
        raise StackError(
            f"a program may open {allowed:,} files here, the stack's servers need {needed:,}: have the hard "
            f"limit raised (as root, the line '* hard nofile {OPEN_FILES_MAX}' in /etc/security/limits.conf) "
            "and log in anew, or set KEPU_KAFKA and KEPU_MONGO to servers of your own"
        )


def make_folder(folder: Path, way_out: str = "choose another with --home") -> None:
    """
    Create the folder if it is not there, and check that it can be written to.

    Raises:
        StackError: it cannot; the message ends with `way_out`.
    """
    probe = folder / ".writable"
    try:
        # It will contain the databases and logs of a week: only the owner may read them.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise StackError(f"can't write to the folder {folder} ({error.strerror}): {way_out}") from error


def _by_whom(port: int) -> str:
    """The program that listens there; empty if the system does not say it, as for another user's program."""
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
            if listens and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass
    return ""
