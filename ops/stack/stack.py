"""Kafka and MongoDB on this machine, alone or as clusters: start all, stop all, kill one, start it again."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Self

from ops.named import named_kafka, value_of
from ops.stack import state as states
from ops.stack.errors import StackError
from ops.stack.host import (
    allow_open_files,
    check_disk,
    check_open_files,
    check_port,
    choose_ports,
    make_folder,
)
from ops.stack.kafka import Kafka
from ops.stack.logs import last_lines, lines_to_come
from ops.stack.mongo import Mongo
from ops.stack.process import Command, Started, is_running, kill, start, stop, undisturbed
from ops.stack.server import Ports, Server, name_of, wait_until_reachable, wait_until_ready
from ops.stack.state import ServerState
from ops.stack.status import Status, status_of
from shared.messaging.connection import KafkaConnection

LOG_LINES = 40
# One node, or as few as can lose one and still acknowledge.
NODES = (1, 3)


class Stack:
    """
    Kafka and MongoDB with all their data under `home`: one node of each, or a cluster of three.

    At the first start free ports are chosen, unless ports are given, and kept from then on. Detached servers
    go on when this process ends, and any other Stack with the same home finds them. Servers that are not
    detached end with this process, for any reason.

    Every method raises StackError when it cannot do what it says.
    """

    def __init__(
        self,
        home: Path,
        *,
        brokers: int | None = None,
        mongo_nodes: int | None = None,
        kafka_port: int | None = None,
        mongo_port: int | None = None,
        detached: bool = True,
        environment: Mapping[str, str] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """
        Args:
            brokers: nodes of Kafka. By default as many as there are in `home`, and one in a new one.
            mongo_nodes: members of MongoDB's replica set, likewise.
            kafka_port: of the first node for clients; `mongo_port` likewise.
        """
        environment = os.environ if environment is None else environment
        self.home = home.absolute()
        self._environment = environment
        self._detached = detached
        self._tell = tell
        self._told_ports = {"kafka": kafka_port, "mongo": mongo_port}
        named = {name: value_of(_variable(name), environment) for name in self._told_ports}
        self._outside = {name: told for name, told in named.items() if told}
        # MongoDB first: on a platform without it, that is said before Kafka is fetched.
        servers: tuple[Server, ...] = (
            *(Mongo(self.home / name_of("mongo", n), n) for n in range(self._count("mongo", mongo_nodes))),
            *(
                Kafka(self.home / name_of("kafka", n), environment, tell, n)
                for n in range(self._count("kafka", brokers))
            ),
        )
        self._servers = {server.name: server for server in servers}
        self._started: dict[str, Started] = {}

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    @property
    def kafka(self) -> str:
        """Bootstrap servers, host:port."""
        return self._address("kafka")

    @property
    def kafka_connection(self) -> KafkaConnection:
        """How clients reach Kafka. Only at a Kafka of the user's own somebody has to log in."""
        own = named_kafka(self._outside["kafka"], self._environment) if "kafka" in self._outside else None
        return own or KafkaConnection(self.kafka)

    @property
    def mongo(self) -> str:
        """A URL that names the replica set."""
        return self._address("mongo")

    def up(self) -> None:
        """Start the servers that do not run. When this returns, all can be used."""
        self._up(list(self._servers))

    def down(self) -> None:
        """Stop the servers that run. The data and the ports are kept."""
        if not self._state_file.exists():
            return
        with self._locked(), undisturbed():
            # Together: the last ones of a cluster would wait for those that have ended.
            known = states.load(self._state_file).servers
            with ThreadPoolExecutor(len(self._servers)) as threads:
                list(threads.map(stop, (one.process for one in known.values() if one.process)))
            for name in self._ours():
                self._end(name, stop)

    def kill(self, name: str) -> None:
        """SIGKILL, like an outage: nothing is flushed."""
        if name in self._outside:
            raise StackError(f"{name} is a server of your own ({_variable(name)}): the stack doesn't kill it")
        self._check_known(name)
        with self._locked():
            self._end(name, kill)

    def start(self, name: str) -> None:
        """Start it again on its ports, with its data."""
        self._check_known(name)
        self._up([name])

    @property
    def names(self) -> tuple[str, ...]:
        """All servers: kafka, kafka-2 and so on, then those of MongoDB."""
        return tuple(sorted(self._servers))

    def port(self, name: str) -> int | None:
        """The port for clients of a server of ours, None if it has never run."""
        known = states.load(self._state_file).servers.get(name)
        return known.ports[0] if known else None

    def nodes(self, kind: str) -> list[str]:
        """The names of the nodes of `kafka` or `mongo`, in their order."""
        return [name for name, server in self._servers.items() if server.kind == kind]

    def status(self) -> list[Status]:
        state = states.load(self._state_file)
        return [
            status_of(self._servers[name], state.servers.get(name), self._outside.get(name))
            for name in self.names
        ]

    def pid(self, name: str) -> int | None:
        """The process id of a server of ours, None if it does not run."""
        known = states.load(self._state_file).servers.get(name)
        return known.process.pid if known and known.process and is_running(known.process) else None

    def log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    def logs(self, *names: str, lines: int = LOG_LINES, follow: bool = False) -> Iterator[tuple[str, str]]:
        """
        The last lines of the named logs, each with the name of its server. By default of all that are ours.

        With `follow` also the lines to come, without end.
        """
        for name in names:
            if name in self._outside:
                raise StackError(f"{name} is a server of your own ({_variable(name)}): see its own log")
            self._check_known(name)
        logs = {name: self.log(name) for name in names or self._ours()}
        for name, log in logs.items():
            if not log.exists():
                raise StackError(f"{name} has no log in {log.parent}: start it with kepu stack up")
            for line in last_lines(log, lines):
                yield name, line
        if follow:
            yield from lines_to_come(logs)

    @property
    def _state_file(self) -> Path:
        return self.home / "stack.json"

    def _locked(self) -> AbstractContextManager[None]:
        return states.locked(self.home / "stack.lock")

    def _count(self, kind: str, wanted: int | None) -> int:
        """
        The number of nodes of a kind.

        Raises:
            StackError: another number than there are.
        """
        if kind in self._outside:
            return 1
        there = states.load(self._state_file).nodes(kind)
        count = wanted or there or 1
        if count not in NODES:
            raise StackError(f"{count} nodes of {kind} cannot be started: choose 1 or 3")
        if there and count != there:
            raise StackError(
                f"{self.home} has {there} of {kind}, and this number stays: choose another folder with --home"
            )
        return count

    def _check_known(self, name: str) -> None:
        if name not in self._servers:
            raise StackError(f"there is no {name} in {self.home}, only {', '.join(self.names)}")

    def _ours(self) -> list[str]:
        return [name for name in self._servers if name not in self._outside]

    def _address(self, kind: str) -> str:
        if kind in self._outside:
            return self._outside[kind]
        servers = states.load(self._state_file).servers
        if not all(name in servers for name in self.nodes(kind)):
            raise StackError(
                f"{kind} has no address yet: start the stack in {self.home} first (kepu stack up)"
            )
        return self._servers[kind].address(self._ports(kind))

    def _ports(self, kind: str) -> Ports:
        servers = states.load(self._state_file).servers
        return [servers[name].ports for name in self.nodes(kind)]

    def _up(self, names: Sequence[str]) -> None:
        for name in names:
            if name in self._outside:
                wait_until_reachable(self._servers[name], self._outside[name], _variable(name))
        ours = [name for name in names if name not in self._outside]
        if not ours:
            return
        make_folder(self.home)
        make_folder(self.home / "logs")
        with self._locked():
            absent = [name for name in ours if not self._runs(name)]
            try:
                self._start_all(absent)
                for name in ours:
                    self._see_ready(name, patient=name in absent)
            except BaseException:
                # After Ctrl-C too: do not leave servers behind that are only half ready.
                with undisturbed():
                    for name in absent:
                        self._end(name, kill)
                raise

    def _runs(self, name: str) -> bool:
        """True if it runs already, on the requested port."""
        known = states.load(self._state_file).servers.get(name)
        if known is None or known.process is None or not is_running(known.process):
            return False
        told = self._told_ports.get(name)
        if told is not None and told != known.ports[0]:
            raise StackError(
                f"{name} runs on port {known.ports[0]} already: kepu stack down first, then ask for {told}"
            )
        return True

    def _start_all(self, names: Sequence[str]) -> None:
        if not names:
            return
        check_disk(self.home)
        check_open_files(allow_open_files())
        known = states.load(self._state_file)
        taken = [port for server in known.servers.values() for port in server.ports]
        ports: dict[str, tuple[int, ...]] = {}
        for name in names:
            ports[name] = self._choose_ports(name, known.servers.get(name), taken)
            taken += ports[name]
        # All are remembered before the first starts: each node of a cluster has to know the others.
        for name in names:
            known = known.with_server(name, ServerState(ports=ports[name]))
        states.save(self._state_file, known)
        commands = {name: self._command(name) for name in names}
        for name in names:
            self._start(name, commands[name])

    def _choose_ports(self, name: str, known: ServerState | None, taken: Sequence[int]) -> tuple[int, ...]:
        server = self._servers[name]
        remembered = known.ports if known else ()
        if remembered and len(self.nodes(server.kind)) > 1:
            # The other nodes may run, and they know all ports of this one.
            for port in remembered:
                check_port(port, name)
            return remembered
        return choose_ports(name, server.port_count, self._told_ports.get(name), remembered, taken)

    def _command(self, name: str) -> Command:
        server = self._servers[name]
        return server.command(self._ports(server.kind))

    def _start(self, name: str, command: Command) -> None:
        self._reap(name)
        start(command, self.log(name), detached=self._detached, remember=partial(self._keep, name))

    def _keep(self, name: str, started: Started) -> None:
        self._started[name] = started
        ports = states.load(self._state_file).servers[name].ports
        self._remember(name, ServerState(ports=ports, process=started.process))

    def _see_ready(self, name: str, *, patient: bool) -> None:
        """Wait until it is ready. If `patient`, a start that the start cache broke is tried again without."""
        server = self._servers[name]
        known = states.load(self._state_file).servers[name]
        assert known.process is not None  # noqa: S101 - just started, or just found running
        try:
            wait_until_ready(server, known.process, self._ports(server.kind), self.log(name))
        except StackError:
            if not patient or not server.leave_out_start_cache():
                raise
            self._end(name, kill)
            self._start(name, self._command(name))
            self._see_ready(name, patient=False)

    def _end(self, name: str, end: Callable[[states.ServerProcess], None]) -> None:
        known = states.load(self._state_file).servers.get(name)
        if known is not None and known.process is not None:
            end(known.process)
            self._remember(name, ServerState(ports=known.ports))
        self._reap(name)

    def _reap(self, name: str) -> None:
        if started := self._started.pop(name, None):
            started.reap()

    def _remember(self, name: str, server: ServerState) -> None:
        states.save(self._state_file, states.load(self._state_file).with_server(name, server))


def _variable(name: str) -> str:
    return f"KEPU_{name.upper()}"
