"""
The processes of a run, and what can be done to them: kill, stop, cut off, shift the clock, fill the disk.
"""

import asyncio
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from ops.chaos import child
from ops.chaos.child import Orders
from ops.chaos.proxy import Mode, Proxies, Proxy
from ops.chaos.schedule import KAFKA, MONGO, Cast
from ops.failover.leaders import leading_broker, primary
from ops.local.services import Part, Services
from ops.stack import Stack
from ops.stack.errors import StackError
from ops.stack.host import free_port
from ops.stack.kafka import PROXIED_VARIABLE
from shared.messaging.create_topics import create_missing

ORDERS_FOLDER = "orders"
# Two copies of what has a lease or shares partitions: only then a stopped process meets its successor.
PARTS: tuple[Part, ...] = (
    Part("registration", "registration"),
    Part("registration-2", "registration"),
    Part("quiz", "quiz", "api"),
    Part("quiz-worker", "quiz", "worker"),
    Part("quiz-worker-2", "quiz", "worker"),
    Part("awards", "awards"),
    Part("notifications", "notifications"),
)
FEW_PARTS = (PARTS[0], PARTS[2], PARTS[3], PARTS[5])
# A file may not grow beyond where it is: each write fails, as on a full disk.
FULL_SECONDS = 2.0
DIES_SECONDS_MAX = 45.0
STARTS_MAX = 3
POLL_SECONDS = 0.02


@dataclass(slots=True)
class Rig:
    """The running processes. The proxies stand between the services and each server; a cluster has none."""

    stack: Stack
    services: Services
    proxies: Mapping[str, Proxy]
    _threads: Proxies
    # How often a process was started again.
    restarts: int = 0

    @property
    def cast(self) -> Cast:
        """Who can suffer faults, with all places in the code where each can die."""
        points: list[tuple[str, str]] = []
        seen: set[str] = set()
        for part in self.services.parts:
            # Of two copies either may have the work: the rig looks which one dies.
            known = f"{part.service}/{part.role}"
            if known not in seen:
                places = child.INTAKE if part.role == "api" else child.PASSES[part.service]
                points += [(part.name, point) for point in places]
            seen.add(known)
        return Cast(tuple(part.name for part in self.services.parts), self.stack.names, points)

    def pid(self, name: str) -> int | None:
        """The process id, None if it does not run."""
        return self.stack.pid(name) if name in self.stack.names else self.services.pid(name)

    def kill(self, name: str) -> None:
        """SIGKILL."""
        (self.stack if name in self.stack.names else self.services).kill(name)

    def start(self, name: str) -> None:
        """
        Start it again. A server is ready when this returns; a service may not be.

        Raises:
            StackError: a server is not ready after some tries.
        """
        if self.pid(name) is not None:
            return
        self.restarts += 1
        if name not in self.stack.names:
            self.services.start(name)
            return
        for last in range(STARTS_MAX, -1, -1):
            try:
                self.stack.start(name)
            except StackError:
                # A busy machine may need longer than the stack is patient. Its data are as they were.
                if not last:
                    raise
            else:
                return

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if (pid := self.pid(name)) is not None:
            # It may end between the look and the signal.
            with suppress(psutil.NoSuchProcess):
                psutil.Process(pid).send_signal(number)

    def order(self, name: str, orders: Orders) -> None:
        """Shift the clock of a service, or tell it where to die."""
        child.give(self.services.home / ORDERS_FOLDER, name, orders)

    def net(self, server: str, mode: Mode, name: str = "") -> None:
        """Do this to the connections of a service with a server; without a name, of all services."""
        pid = self.pid(name) if name else None
        proxy = self.proxies[server]
        self._threads.call(lambda: proxy.set(mode, pid))

    def fill_disk(self, name: str) -> Callable[[], None]:
        """Let each write of a server to a file fail. Returns what makes room again."""
        pid = self.pid(name)
        with suppress(psutil.NoSuchProcess):
            if pid is not None:
                return limited(psutil.Process(pid))
        return lambda: None

    async def leader(self, kind: str) -> str:
        """The node of a kind that leads now; of a single node this one."""
        if len(self.stack.nodes(kind)) == 1:
            return kind
        return await (leading_broker if kind == KAFKA else primary)(self.stack)

    def copies_of(self, name: str) -> list[str]:
        """This process of a service and its copies."""
        [part] = [part for part in self.services.parts if part.name == name]
        like = (part.service, part.role)
        return [one.name for one in self.services.parts if (one.service, one.role) == like]

    async def until_one_dies(self, names: Sequence[str], seconds: float = DIES_SECONDS_MAX) -> str | None:
        """Wait for the end of one of these processes; None if all go on."""
        await _until(lambda: any(self.pid(name) is None for name in names), seconds)
        return next((name for name in names if self.pid(name) is None), None)

    async def until_it_dies(self, name: str, seconds: float = DIES_SECONDS_MAX) -> bool:
        """Wait for the end of a process; False if it goes on."""
        return await _until(lambda: self.pid(name) is None, seconds)


async def _until(look: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if look():
            return True
        await asyncio.sleep(POLL_SECONDS)
    return False


@contextmanager
def rigged(
    home: Path, parts: tuple[Part, ...], *, nodes: int = 1, tell: Callable[[str], None]
) -> Iterator[Rig]:
    """Kafka, MongoDB and the services in a new folder, stopped at the end of the block."""
    environment = {**os.environ, "KEPU_KAFKA": "", "KEPU_MONGO": ""}
    threads, proxies, settings = Proxies(), {}, {child.FOLDER: str((home / ORDERS_FOLDER).absolute())}
    (home / ORDERS_FOLDER).mkdir(parents=True)
    if nodes == 1:
        own, told = free_port(), free_port()
        environment[PROXIED_VARIABLE] = f"{own}:{told}"
        proxies[KAFKA] = Proxy(told, own)
        settings["KEPU_KAFKA"] = f"127.0.0.1:{told}"
    stack = Stack(home, brokers=nodes, mongo_nodes=nodes, detached=False, environment=environment, tell=tell)
    with ExitStack() as opened:
        opened.enter_context(stack)
        asyncio.run(create_missing(stack.kafka_connection))
        if nodes == 1:
            port = stack.port(MONGO)
            assert port is not None  # noqa: S101 (it runs)
            proxies[MONGO] = Proxy(free_port(), port)
            # Directly: from the replica set a client would learn the address behind the proxy.
            settings["KEPU_MONGO"] = f"mongodb://127.0.0.1:{proxies[MONGO].port}/?directConnection=true"
        opened.enter_context(threads.running(list(proxies.values())))
        services = Services(
            stack, parts, detached=False, tell=tell, settings=settings, runner="ops.chaos.child"
        )
        opened.callback(services.down)
        services.up()
        yield Rig(stack, services, proxies, threads)


def limited(server: psutil.Process) -> Callable[[], None]:
    """
    Let each write of a process to a file fail. Returns what makes room again, if that process is still there.

    Raises:
        psutil.NoSuchProcess: it has ended.
    """
    before = server.rlimit(resource.RLIMIT_FSIZE)
    server.rlimit(resource.RLIMIT_FSIZE, (0, before[1]))

    def make_room() -> None:
        # Of a process that ends here, or whose number another one has, psutil says that it is not there.
        with suppress(psutil.NoSuchProcess):
            server.rlimit(resource.RLIMIT_FSIZE, before)

    return make_room
