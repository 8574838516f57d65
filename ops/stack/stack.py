"""Kafka and MongoDB on this machine: start both, stop both, kill one and start it again."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.named import named_kafka, value_of
from ops.stack import state as states
from ops.stack.errors import StackError
from ops.stack.host import allow_open_files, check_disk, check_open_files, choose_ports, make_folder
from ops.stack.kafka import Kafka
from ops.stack.logs import last_lines, lines_to_come
from ops.stack.mongo import Mongo
from ops.stack.process import Command, Started, is_running, kill, start, stop, undisturbed
from ops.stack.server import Server, wait_until_reachable, wait_until_ready
from ops.stack.state import ServerState
from ops.stack.status import Status, status_of
from shared.messaging.connection import KafkaConnection

LOG_LINES = 40


class Stack:
    """
    One Kafka and one MongoDB with all their data under `home`.

    At the first start free ports are chosen, unless ports are given, and kept from then on. Detached servers
    go on when this process ends, and any other Stack with the same home finds them. Servers that are not
    detached end with this process, for any reason.

    Every method raises StackError when it cannot do what it says.
    """

    def __init__(
        self,
        home: Path,
        *,
        kafka_port: int | None = None,
        mongo_port: int | None = None,
        detached: bool = True,
        environment: Mapping[str, str] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        environment = os.environ if environment is None else environment
        self.home = home.absolute()
        self._environment = environment
        self._detached = detached
        self._tell = tell
        # MongoDB first: on a platform without it, that is said before Kafka is fetched.
        servers: tuple[Server, ...] = (
            Mongo(self.home / "mongo"),
            Kafka(self.home / "kafka", environment, tell),
        )
        self._servers = {server.name: server for server in servers}
        self._told_ports = {"kafka": kafka_port, "mongo": mongo_port}
        self._outside = {
            name: told for name in self._servers if (told := value_of(_variable(name), environment))
        }
        self._started: dict[str, Started] = {}

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
        """Start the servers that do not run. When this returns, both can be used."""
        self._up(list(self._servers))

    def down(self) -> None:
        """Stop the servers that run. The data and the ports are kept."""
        if not self._state_file.exists():
            return
        with self._locked(), undisturbed():
            # One after the other: each takes about a third of a second.
            for name in self._ours():
                self._end(name, stop)

    def kill_kafka(self) -> None:
        """SIGKILL, like an outage: nothing is flushed."""
        self._kill("kafka")

    def kill_mongo(self) -> None:
        """SIGKILL, like an outage: nothing is flushed."""
        self._kill("mongo")

    def start_kafka(self) -> None:
        """Start it again on its port, with its data."""
        self._up(["kafka"])

    def start_mongo(self) -> None:
        """Start it again on its port, with its data."""
        self._up(["mongo"])

    def status(self) -> list[Status]:
        state = states.load(self._state_file)
        return [
            status_of(self._servers[name], state.servers.get(name), self._outside.get(name))
            for name in ("kafka", "mongo")
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

    def _ours(self) -> list[str]:
        return [name for name in self._servers if name not in self._outside]

    def _address(self, name: str) -> str:
        if name in self._outside:
            return self._outside[name]
        known = states.load(self._state_file).servers.get(name)
        if known is None:
            raise StackError(
                f"{name} has no address yet: start the stack in {self.home} first (kepu stack up)"
            )
        return self._servers[name].address(known.ports[0])

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
        told = self._told_ports[name]
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
        ports = {name: self._choose_ports(name) for name in names}
        commands = {name: self._servers[name].command(ports[name]) for name in names}
        for name in names:
            self._start(name, ports[name], commands[name])

    def _choose_ports(self, name: str) -> tuple[int, ...]:
        known = states.load(self._state_file).servers.get(name)
        remembered = known.ports if known else ()
        return choose_ports(name, self._servers[name].port_count, self._told_ports[name], remembered)

    def _start(self, name: str, ports: tuple[int, ...], command: Command) -> None:
        self._reap(name)
        started = start(command, self.log(name), detached=self._detached)
        self._started[name] = started
        self._remember(name, ServerState(ports=ports, process=started.process))

    def _see_ready(self, name: str, *, patient: bool) -> None:
        """Wait until it is ready. If `patient`, a start that the start cache broke is tried again without."""
        server = self._servers[name]
        known = states.load(self._state_file).servers[name]
        assert known.process is not None  # noqa: S101 - just started, or just found running
        try:
            wait_until_ready(server, known.process, known.ports[0], self.log(name))
        except StackError:
            if not patient or not server.leave_out_start_cache():
                raise
            self._end(name, kill)
            self._start(name, known.ports, server.command(known.ports))
            self._see_ready(name, patient=False)

    def _kill(self, name: str) -> None:
        if name in self._outside:
            raise StackError(f"{name} is a server of your own ({_variable(name)}): the stack doesn't kill it")
        with self._locked():
            self._end(name, kill)

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
