"""The four services as processes of this machine: start them, wait for them, stop or kill them."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from ops.deployment import keys
from ops.deployment.description import Apis, Deployment
from ops.errors import CommandError
from ops.local import edge
from ops.local.edge import EDGE
from ops.stack import Stack
from ops.stack import state as states
from ops.stack.host import becomes_free, free_port
from ops.stack.logs import tail
from ops.stack.process import Command, Started, is_running, kill, start, stop, undisturbed
from ops.stack.state import ServerState
from ops.stack.watch import Watched
from shared.runtime.settings import KafkaSettings
from shared.runtime.variables import FILE, variables_of

READY_SECONDS_MAX = 60.0
POLL_SECONDS = 0.1
ROOT = Path(__file__).parents[2]


class ServiceError(CommandError):
    """A service process on this machine cannot be started, or is not healthy."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process: a service in a role. A service is reached at the first of its parts."""

    name: str
    service: str
    role: str = "all"


# The peak week scales quiz, so its API and its grading are separate processes here too.
WEEK: tuple[Part, ...] = (
    Part("registration", "registration"),
    Part("quiz", "quiz", "api"),
    Part("quiz-worker", "quiz", "worker"),
    Part("awards", "awards"),
    Part("notifications", "notifications"),
)
# For the pages of organisers; `kepu up` starts it. It comes last, since it asks the others how they are.
OVERVIEW = Part("overview", "overview")
# Services that are started only if somebody asks for them: the bridge for partners, and webhooks.
PARTNERS = Part("partners", "partners", "worker")
WEBHOOKS = Part("webhooks", "webhooks")
EXTRA: dict[str, Part] = {PARTNERS.name: PARTNERS, WEBHOOKS.name: WEBHOOKS}
MAIL = "mail"
# At a Kafka of the stack's own nobody logs in, whatever the environment says of another one.
NO_LOGIN = {
    name: ""
    for name in variables_of(KafkaSettings.model_fields)
    if name not in {"KEPU_KAFKA", "KEPU_KAFKA_REPLICATION"}
}
# In the folder of a week on this machine: the keys that `kepu organisers` adds.
ORGANISERS_FILE = "organisers.json"
# There too: the partners that `kepu partner` adds.
PARTNERS_FILE = "partners.json"


@dataclass(slots=True)
class Services:
    """The parts of a week on one stack. Their state, logs and secrets are in the stack's home folder."""

    stack: Stack
    parts: tuple[Part, ...] = WEEK
    detached: bool = True
    # Whether the pages are served, with all services at one address.
    with_pages: bool = False
    # The people of a load have no mailbox in which they could read a code.
    hold_minutes: int = 0
    # How long the mail server takes for each mail.
    mail_seconds: float = 0
    tell: Callable[[str], None] = lambda _: None
    # More settings of every part.
    settings: Mapping[str, str] = field(default_factory=dict)
    # By part, the checkout of another release that it runs, with an environment in `.venv`.
    releases: dict[str, Path] = field(default_factory=dict)
    # A module of ours that runs the module of a part, which is its argument; empty: the part runs itself.
    runner: str = ""
    _started: dict[str, Started] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.stack.home

    @property
    def names(self) -> tuple[str, ...]:
        """All processes, in the order in which they start."""
        return (MAIL, *(part.name for part in self.parts), *((EDGE,) if self.with_pages else ()))

    @property
    def watched(self) -> list[Watched]:
        """All processes, to be watched by somebody who must know when one of them dies."""
        return [Watched(name, partial(self.runs, name), self.log(name)) for name in self.names]

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets of this home, made at the first call."""
        return keys.kept(self.home / "secrets.json")

    @property
    def mail_file(self) -> Path:
        """The file of the local mail server, with one JSON object for each mail."""
        return self.home / "mail.jsonl"

    @property
    def apis(self) -> Apis:
        """
        The HTTP APIs of the services that have been started here.

        Raises:
            ServiceError: none has.
        """
        if not (urls := self._urls()):
            raise ServiceError(f"no service has run in {self.home} yet: start the week first (kepu up)")
        return Apis(urls, self.secrets["KEPU_ORGANISER_KEY"])

    def _urls(self) -> dict[str, str]:
        urls: dict[str, str] = {}
        for part in self.parts:
            # A worker serves only its health and its metrics.
            if part.role != "worker" and part.service not in urls and self._known_port(part.name):
                urls[part.service] = self.url(part.name)
        return urls

    @property
    def deployment(self) -> Deployment:
        """This deployment, for code that talks to it; some code needs no running service."""
        return Deployment(
            apis=Apis(self._urls(), self.secrets["KEPU_ORGANISER_KEY"]),
            kafka=self.stack.kafka_connection,
            mongo=self.stack.mongo,
            contact_public_key=self.secrets["KEPU_CONTACT_PUBLIC_KEY"],
            mail_file=self.mail_file,
        )

    @property
    def _state_file(self) -> Path:
        return self.home / "services.json"

    def url(self, name: str) -> str:
        """Where a part listens."""
        return f"http://127.0.0.1:{self._port(name)}"

    def up(self) -> None:
        """
        Start the processes that do not run, and wait until all are healthy. Pages that have changed are new.

        Raises:
            ServiceError: one of them ended or is not ready; with the end of its log.
        """
        absent = [name for name in self.names if not self.runs(name)]
        if self.with_pages and EDGE not in absent:
            edge.build_again(self.home)
        try:
            for name in absent:
                self.start(name)
            for name in self.names:
                if name != MAIL:
                    self.wait_until_healthy(name)
        except BaseException:
            # After Ctrl-C too: do not leave processes behind that are only half ready.
            with undisturbed():
                for name in absent:
                    self._end(name, kill)
            raise

    def down(self) -> None:
        """Stop all that run. Consumers finish their present batch first."""
        with undisturbed():
            self.stop(EDGE)
            # Also parts that another command has started here.
            self.stop(*dict.fromkeys((*(part.name for part in self.parts), OVERVIEW.name, *EXTRA)))
            # Last: those that end still send what they have at hand.
            self.stop(MAIL)

    def start(self, name: str) -> None:
        """Start one part, on the port that it had before if that port is free."""
        port = self._choose_port(name)
        command, environment = self._command(name, port)
        self._reap(name)
        program = Command(command, self.releases.get(name, ROOT), environment)
        keep = partial(self._keep, name, port)
        start(program, self.log(name), detached=self.detached, remember=keep)

    def stop(self, *names: str) -> None:
        """Ask these parts to end, all at the same time. Each finishes its present work first."""
        known = states.load(self._state_file).servers
        asked = [known[name].process for name in names if name in known]
        with ThreadPoolExecutor(max(1, len(asked))) as together:
            list(together.map(stop, filter(None, asked)))
        for name in names:
            self._forget(name)

    def kill(self, name: str) -> None:
        """Kill one part with SIGKILL: it finishes nothing."""
        self._end(name, kill)

    def runs(self, name: str) -> bool:
        """Whether the process of this part runs."""
        return self.pid(name) is not None

    def pid(self, name: str) -> int | None:
        """The process id of a part, None if it does not run."""
        known = states.load(self._state_file).servers.get(name)
        return known.process.pid if known and known.process and is_running(known.process) else None

    def log(self, name: str) -> Path:
        """The log of a part: one JSON object a line."""
        return self.home / "logs" / f"{name}.log"

    def wait_until_healthy(self, name: str, seconds: float = READY_SECONDS_MAX) -> None:
        """
        Wait until a part says that all that it needs works: Kafka, MongoDB, its own loops. The edge answers.

        Raises:
            ServiceError: it ended, or is not healthy in time; with its last answer and the end of its log.
        """
        deadline, last = time.monotonic() + seconds, "no answer yet"
        while time.monotonic() < deadline:
            if not self.runs(name):
                raise ServiceError(f"{name} ended while it was starting; {tail(self.log(name))}")
            try:
                answer = httpx.get(self.url(name) + (edge.PROBED if name == EDGE else "/health"), timeout=5)
                if answer.is_success:
                    return
                last = answer.text
            except httpx.TransportError as error:
                last = type(error).__name__
            time.sleep(POLL_SECONDS)
        raise ServiceError(
            f"{name} is not healthy after {seconds:.0f} s (last: {last}); {tail(self.log(name))}"
        )

    def _command(self, name: str, port: int) -> tuple[tuple[str, ...], dict[str, str]]:
        if name == MAIL:
            arguments = (str(port), str(self.mail_file), str(self.mail_seconds))
            return (sys.executable, "-m", "ops.local.mailbox", *arguments), {}
        if name == EDGE:
            return edge.command(self.home, port, self._urls())
        part = next(part for part in self.parts if part.name == name)
        partners_file = str(self.home.absolute() / PARTNERS_FILE)
        secrets = {**keys.for_service(part.service, self.secrets), "KEPU_MONGO": self.stack.mongo}
        environment = {
            # Files that the environment names for them would be a second answer.
            **{name + FILE: "" for name in secrets},
            **secrets,
            **({} if self.stack.kafka_connection.security != "PLAINTEXT" else NO_LOGIN),
            "KEPU_ORGANISER_KEYS_FILE": str(self.home.absolute() / ORGANISERS_FILE),
            # On one machine partners are tried out at addresses of that machine.
            **({"KEPU_WEBHOOK_ALLOW_PRIVATE": "true"} if part.service == WEBHOOKS.service else {}),
            **({"KEPU_PARTNERS_FILE": partners_file} if part.service == PARTNERS.service else {}),
            **({"KEPU_OVERVIEW_SERVICES": self._all_addresses()} if part == OVERVIEW else {}),
            "KEPU_KAFKA": self.stack.kafka,
            "KEPU_ROLE": part.role,
            "KEPU_PORT": str(port),
            "KEPU_INSTANCE": name,
            "KEPU_HOLD_MINUTES": str(self.hold_minutes),
            "KEPU_SMTP_HOST": "127.0.0.1",
            "KEPU_SMTP_PORT": str(self._port(MAIL)),
            "KEPU_MAIL_FROM": "kepu@example.org",
            **(self._behind_edge(part.service) if self.with_pages else {}),
            **self.settings,
        }
        of_release = self.releases.get(name)
        python = str(of_release / ".venv/bin/python") if of_release else sys.executable
        runner = (self.runner,) if self.runner else ()
        return (python, "-m", *runner, f"services.{part.service}.app"), environment

    def _behind_edge(self, service: str) -> dict[str, str]:
        """The settings of a service behind the edge, which starts after it. So its port is chosen here."""
        if self._known_port(EDGE) is None:
            self._choose_port(EDGE)
        return {"KEPU_TRUSTED_PROXIES": "127.0.0.1", **edge.printed(service, self.url(EDGE))}

    def _all_addresses(self) -> str:
        others = [part.name for part in self.parts if part != OVERVIEW and self._known_port(part.name)]
        return ",".join(f"{name}={self.url(name)}" for name in others)

    def _port(self, name: str) -> int:
        port = self._known_port(name)
        if port is None:
            raise ServiceError(f"{name} has no address yet: start the week first (kepu up)")
        return port

    def _known_port(self, name: str) -> int | None:
        known = states.load(self._state_file).servers.get(name)
        return known.ports[0] if known else None

    def _choose_port(self, name: str) -> int:
        port = self._known_port(name)
        # The edge and others know it. A new one is kept at once, so that no other part chooses it too.
        if port is None or not becomes_free(port):
            known = states.load(self._state_file).servers.values()
            port = free_port([port for one in known for port in one.ports])
            self._remember(name, ServerState(ports=(port,)))
        return port

    def _end(self, name: str, end: Callable[[states.ServerProcess], None]) -> None:
        known = states.load(self._state_file).servers.get(name)
        if known and known.process:
            end(known.process)
        self._forget(name)

    def _forget(self, name: str) -> None:
        """It has ended. Its port is still its own."""
        known = states.load(self._state_file).servers.get(name)
        if known and known.process:
            self._remember(name, ServerState(ports=known.ports))
        self._reap(name)

    def _keep(self, name: str, port: int, started: Started) -> None:
        self._started[name] = started
        self._remember(name, ServerState(ports=(port,), process=started.process))

    def _reap(self, name: str) -> None:
        if started := self._started.pop(name, None):
            started.reap()

    def _remember(self, name: str, server: ServerState) -> None:
        states.save(self._state_file, states.load(self._state_file).with_server(name, server))


@contextmanager
def running(services: Services) -> Iterator[Services]:
    """The services until the end of the block. They are stopped too when only some could be started."""
    try:
        services.up()
        yield services
    finally:
        services.down()
