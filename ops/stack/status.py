"""The state of a server as seen from outside."""

from dataclasses import dataclass

import psutil

from ops.stack.process import is_running
from ops.stack.server import Server, accepts, is_reachable
from ops.stack.state import ServerState
from shared.runtime import mongo_url


@dataclass(frozen=True, slots=True)
class Status:
    """
    One server. It is `running` only if it answers: with a `pid` alone it is starting, or stuck.

    `outside` means a server of the user's own, named by KEPU_KAFKA or KEPU_MONGO. Its process is not known.
    """

    name: str
    address: str | None
    running: bool
    outside: bool = False
    pid: int | None = None
    resident_bytes: int | None = None


def status_of(server: Server, known: ServerState | None, outside: str | None) -> Status:
    """The status of the server at the address `outside` if given, else of ours."""
    if outside is not None:
        return Status(server.name, mongo_url.shown(outside), is_reachable(server, outside), outside=True)
    if known is None:
        return Status(server.name, None, running=False)
    port = known.ports[0]
    address = server.address([known.ports])
    if known.process is None or not is_running(known.process):
        return Status(server.name, address, running=False)
    pid = known.process.pid
    return Status(server.name, address, accepts(port), pid=pid, resident_bytes=_resident_bytes(pid))


def _resident_bytes(pid: int) -> int | None:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None
