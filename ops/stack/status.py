"""What runs, as far as can be seen from outside."""

from dataclasses import dataclass

import psutil

from ops.stack.process import is_running
from ops.stack.server import Server, accepts, is_reachable
from ops.stack.state import ServerState


@dataclass(frozen=True, slots=True)
class Status:
    """
    `running` only where it also answers: a `pid` without it is a server that starts, or is stuck.

    `outside`: a server of one's own, named by KEPU_KAFKA or KEPU_MONGO, whose process isn't known.
    """

    name: str
    address: str | None
    running: bool
    outside: bool = False
    pid: int | None = None
    resident_bytes: int | None = None


def status_of(server: Server, known: ServerState | None, outside: str | None) -> Status:
    """Of the server at the address `outside` if there is one, else of ours as far as it is known."""
    if outside is not None:
        return Status(server.name, outside, is_reachable(server, outside), outside=True)
    if known is None:
        return Status(server.name, None, running=False)
    port = known.ports[0]
    address = server.address(port)
    if known.process is None or not is_running(known.process):
        return Status(server.name, address, running=False)
    pid = known.process.pid
    return Status(server.name, address, accepts(port), pid=pid, resident_bytes=_resident_bytes(pid))


def _resident_bytes(pid: int) -> int | None:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None
