"""The four services as processes of this machine: started, ready, killed, back again."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from ops.deployment import keys
from ops.stack import Stack, StackError
from ops.stack import state as states
from ops.stack.host import free_port, is_free
from ops.stack.logs import tail
from ops.stack.process import Command, Started, is_running, kill, start, stop, undisturbed
from ops.stack.state import ServerState
from ops.stack.watch import Watched

READY_SECONDS_MAX = 60.0
POLL_SECONDS = 0.1
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Part:
    """One process: a service in a role. The first part of a service with HTTP answers for it."""

    name: str
    service: str
    role: str = "all"


# Quiz is what the peak week scales, so here too its intake and its grading are processes of their own.
WEEK: tuple[Part, ...] = (
    Part("registration", "registration"),
    Part("quiz", "quiz", "api"),
    Part("quiz-worker", "quiz", "worker"),
    Part("awards", "awards"),
    Part("notifications", "notifications"),
)
MAIL = "mail"


@dataclass(slots=True)
class Services:
    """The parts of a week on one stack, with their state, logs and secrets under the stack's home."""

    stack: Stack
    parts: tuple[Part, ...] = WEEK
    detached: bool = True
    tell: Callable[[str], None] = lambda _: None
    _started: dict[str, Started] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.stack.home

    @property
    def names(self) -> tuple[str, ...]:
        """All processes, in the order in which they start."""
        return (MAIL, *(part.name for part in self.parts))

    @property
    def watched(self) -> list[Watched]:
        """What is there, for whoever wants to know when one of them dies."""
        return [Watched(name, partial(self.runs, name), self.log(name)) for name in self.names]

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets of this home, made the first time."""
        return keys.kept(self.home / "secrets.json")

    @property
    def mail_log(self) -> Path:
        """Where the local SMTP server writes what it was given, one JSON object a line."""
        return self.home / "mail.jsonl"

    @property
    def _state_file(self) -> Path:
        return self.home / "services.json"

    def url(self, name: str) -> str:
        """Where a part listens."""
        return f"http://127.0.0.1:{self._port(name)}"

    def up(self) -> None:
        """
        Start what does not run, and wait until all are healthy.

        Raises:
            StackError: one of them ended or is not ready; with the end of its log.
        """
        absent = [name for name in self.names if not self.runs(name)]
        try:
            for name in absent:
                self.start(name)
            for part in self.parts:
                self.wait_until_healthy(part.name)
        except BaseException:
            # Ctrl-C too: what this call started, it doesn't leave behind half ready.
            with undisturbed():
                for name in absent:
                    self._end(name, kill)
            raise

    def down(self) -> None:
        """Stop all that run, consumers first finishing the batch at hand."""
        with undisturbed():
            for name in reversed(self.names):
                self._end(name, stop)

    def start(self, name: str) -> None:
        """Start one part, on the port that it had before if it had one."""
        port = self._choose_port(name)
        command, environment = self._command(name, port)
        self._reap(name)
        started = start(Command(command, ROOT, environment), self.log(name), detached=self.detached)
        self._started[name] = started
        self._remember(name, ServerState(ports=(port,), process=started.process))

    def stop(self, name: str) -> None:
        """Ask one part to end: what is under way is finished first."""
        self._end(name, stop)

    def kill(self, name: str) -> None:
        """SIGKILL: nothing is finished, nobody is told."""
        self._end(name, kill)

    def runs(self, name: str) -> bool:
        """Whether this part's process is there."""
        known = states.load(self._state_file).servers.get(name)
        return bool(known and known.process and is_running(known.process))

    def pid(self, name: str) -> int | None:
        """The process that a part runs in, if it runs."""
        known = states.load(self._state_file).servers.get(name)
        return known.process.pid if known and known.process and is_running(known.process) else None

    def log(self, name: str) -> Path:
        """A part's log: one JSON object a line."""
        return self.home / "logs" / f"{name}.log"

    def wait_until_healthy(self, name: str, seconds: float = READY_SECONDS_MAX) -> None:
        """
        Wait until everything that a part stands on works.

        Raises:
            StackError: it ended, or is not healthy in time; with what it says of itself.
        """
        deadline, said = time.monotonic() + seconds, "nothing yet"
        while time.monotonic() < deadline:
            if not self.runs(name):
                raise StackError(f"{name} ended while it was starting; {tail(self.log(name))}")
            try:
                answer = httpx.get(f"{self.url(name)}/health", timeout=5)
                if answer.is_success:
                    return
                said = answer.text
            except httpx.TransportError as error:
                said = type(error).__name__
            time.sleep(POLL_SECONDS)
        raise StackError(
            f"{name} is not healthy after {seconds:.0f} s (last: {said}); {tail(self.log(name))}"
        )

    def _command(self, name: str, port: int) -> tuple[tuple[str, ...], dict[str, str]]:
        if name == MAIL:
            arguments = (sys.executable, "-m", "ops.local.mailbox", str(port), str(self.mail_log))
            return arguments, {}
        part = next(part for part in self.parts if part.name == name)
        environment = {
            **keys.for_service(part.service, self.secrets),
            "KEPU_KAFKA": self.stack.kafka,
            "KEPU_MONGO": self.stack.mongo,
            "KEPU_ROLE": part.role,
            "KEPU_PORT": str(port),
            "KEPU_INSTANCE": name,
            "KEPU_SMTP_HOST": "127.0.0.1",
            "KEPU_SMTP_PORT": str(self._port(MAIL)),
            "KEPU_MAIL_FROM": "kepu@example.org",
        }
        return (sys.executable, "-m", f"services.{part.service}.app"), environment

    def _port(self, name: str) -> int:
        known = states.load(self._state_file).servers.get(name)
        if known is None:
            raise StackError(f"{name} has no address yet: start the week first (kepu up)")
        return known.ports[0]

    def _choose_port(self, name: str) -> int:
        known = states.load(self._state_file).servers.get(name)
        return known.ports[0] if known and is_free(known.ports[0]) else free_port()

    def _end(self, name: str, end: Callable[[states.ServerProcess], None]) -> None:
        known = states.load(self._state_file).servers.get(name)
        if known and known.process:
            end(known.process)
            self._remember(name, ServerState(ports=known.ports))
        self._reap(name)

    def _reap(self, name: str) -> None:
        if started := self._started.pop(name, None):
            started.reap()

    def _remember(self, name: str, server: ServerState) -> None:
        states.save(self._state_file, states.load(self._state_file).with_server(name, server))


@contextmanager
def running(services: Services) -> Iterator[Services]:
    """The services until the end of the block; also when starting them fails half-way."""
    try:
        services.up()
        yield services
    finally:
        services.down()
