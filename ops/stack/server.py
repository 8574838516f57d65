"""The common parts of Kafka and MongoDB: how to start one, and how to wait until it is ready."""

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from ops.stack.errors import NotReady, StackError
from ops.stack.logs import tail
from ops.stack.process import Command, is_running
from ops.stack.state import ServerProcess

READY_SECONDS_MAX = 60.0
# A broker that was killed catches up first. While it says something new, it may take so many times as long.
PATIENCE = 3
OUTSIDE_SECONDS_MAX = 10.0
POLL_SECONDS = 0.05
CONNECT_SECONDS_MAX = 1.0
CHECK_SECONDS_MAX = 10.0

Ports: TypeAlias = Sequence[Sequence[int]]
"""The ports of all nodes of a cluster, in their order. The first port of a node is for clients."""


class Server(Protocol):
    """
    One node, alone or in a cluster of its kind.

    Attributes:
        kind: `kafka` or `mongo`.
        place: its place among the nodes of its kind, from 0.
    """

    name: str
    kind: str
    place: int
    port_count: int

    def address(self, ports: Ports) -> str:
        """Where clients find the nodes with these ports."""

    def command(self, ports: Ports) -> Command:
        """Prepare its files, and return the command that starts it. May take long the first time."""

    def leave_out_start_cache(self) -> bool:
        """After a failed start: True if a start cache may be the cause, and is not used from now on."""

    async def check(self, ports: Ports) -> None:
        """Raises NotReady as long as the server cannot be used."""

    async def check_outside(self, address: str) -> None:
        """The same for a server that is not ours. It changes nothing there."""


def name_of(kind: str, place: int) -> str:
    """The name of a node: the first one has the name of its kind, the others a number too."""
    return f"{kind}-{place + 1}" if place else kind


def wait_until_ready(
    server: Server, process: ServerProcess, ports: Ports, log: Path, seconds: float = READY_SECONDS_MAX
) -> None:
    """
    Wait until a server of ours can be used.

    Raises:
        StackError: it ended, or gets no nearer to being ready; with the end of its log.
    """
    began = time.monotonic()

    def check() -> None:
        if not is_running(process):
            raise StackError(f"{server.name} ended while it was starting; {tail(log)}")
        port = ports[server.place][0]
        if not accepts(port):
            raise NotReady(f"port {port} isn't served yet")
        _run(server.check(ports))

    try:
        _wait(check, seconds, PATIENCE * seconds)
    except NotReady as last:
        waited = time.monotonic() - began
        raise StackError(
            f"{server.name} isn't ready after {waited:.0f} s (last: {last}); {tail(log)}"
        ) from last


def wait_until_reachable(
    server: Server, address: str, variable: str, seconds: float = OUTSIDE_SECONDS_MAX
) -> None:
    """
    Wait until a server that is not ours answers.

    Raises:
        StackError: it does not; the message names the variable with its address.
    """
    try:
        _wait(lambda: _run(server.check_outside(address)), seconds, seconds)
    except NotReady as last:
        raise StackError(
            f"{variable} names a server that can't be used ({last}): start it, correct {variable}, or unset "
            "it for a server of the stack's own"
        ) from last


def is_reachable(server: Server, address: str) -> bool:
    """True if a server that is not ours answers now."""
    try:
        _run(server.check_outside(address))
    except NotReady:
        return False
    return True


def accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), CONNECT_SECONDS_MAX):
            return True
    except OSError:
        return False


def _wait(check: Callable[[], None], seconds: float, seconds_in_all: float) -> None:
    """Check until it is ready, as long as what is missing changes within `seconds`."""
    until, missing, missing_until = time.monotonic() + seconds_in_all, "", 0.0
    while True:
        try:
            check()
        except NotReady as error:
            if str(error) != missing:
                missing, missing_until = str(error), time.monotonic() + seconds
            if time.monotonic() > min(until, missing_until):
                raise
            time.sleep(POLL_SECONDS)
        else:
            return


def _run(check: Coroutine[Any, Any, None]) -> None:
    """Run in a thread with a loop of its own: the caller may be running in a loop already."""

    async def bounded() -> None:
        try:
            async with asyncio.timeout(CHECK_SECONDS_MAX):
                await check
        except TimeoutError as error:
            raise NotReady(f"no answer within {CHECK_SECONDS_MAX:.0f} s") from error

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, bounded()).result()
