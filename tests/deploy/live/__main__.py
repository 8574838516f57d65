"""
docker-compose.yml for real, on the Docker engine of this machine. Some minutes, and 6 GB of memory.

    make compose-test                       with the images that the file names
    make compose-test STAND_INS=--stand-ins  without a registry (tests/deploy/live/stand_ins.py)

A copy of this checkout is built and started with fresh secrets. A person gets a place, a result and messages
through the proxy. Kafka, MongoDB and the quiz service are killed, and a process that hangs is replaced. There
are three copies of each service. Everything goes and comes again with its data, and the audit finds nothing
missing, duplicated or wrong.
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit
from typing import Any

import yaml

from ops.audit.run import Audit, audit
from ops.deployment import databases, keys
from ops.deployment.description import SERVICES, Apis, Deployment
from ops.deployment.settle import wait_until_settled
from ops.stack.host import free_port
from tests.deploy.live import stand_ins
from tests.deploy.live.engine import Engine, NoEngine, Project, told
from tests.deploy.live.play import Address, keep_mails, play, until

ROOT = Path(__file__).parents[3]
BUILT = ("registration", "quiz", "awards", "notifications", "proxy")
# How long a container may take to be back after a kill: its start, and one look of its health check.
BACK_SECONDS_MAX = 120.0


def say(words: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {words}\n")
    sys.stdout.flush()


class Live:
    """A running copy of the project, at free ports of this machine."""

    def __init__(self, project: Project, *, with_stand_ins: bool) -> None:
        self.project = project
        names = ("kafka", "mongo", "mail", "prometheus", "https", "http", *SERVICES)
        self.ports: dict[str, int] = {}
        for name in names:
            self.ports[name] = free_port(self.ports.values())
        (project.folder / "override.yml").write_text(self._override(with_stand_ins))
        self.address = Address(
            f"https://localhost:{self.ports['https']}",
            project.folder / "root.crt",
            f"http://127.0.0.1:{self.ports['mail']}",
        )

    def _override(self, with_stand_ins: bool) -> str:
        """Free ports, and Kafka's own word for its address."""
        at = self.ports
        proxy = [(at["https"], 443), (at["http"], 80)]
        proxy += [(at[name], 8001 + number) for number, name in enumerate(SERVICES)]
        published = {
            "kafka": [(at["kafka"], 9092)],
            "mongo": [(at["mongo"], 27017)],
            "mail": [(at["mail"], 8025)],
            "prometheus": [(at["prometheus"], 9090)],
            "proxy": proxy,
        }
        lines = ["services:"]
        for service, ports in published.items():
            listed = ", ".join(f'"127.0.0.1:{here}:{there}"' for here, there in ports)
            lines += [f"  {service}:", f"    ports: !override [{listed}]"]
            if service == "kafka":
                listeners = f"SERVICES://kafka:19092,HOST://localhost:{at['kafka']}"
                lines += ["    environment:", f"      KAFKA_ADVERTISED_LISTENERS: {listeners}"]
            if service in ("kafka", "mongo", "proxy"):
                # Not more than this machine allows anybody.
                lines.append(f"    ulimits: {{nofile: {min(65_536, getrlimit(RLIMIT_NOFILE)[1])}}}")
        if with_stand_ins:
            # Packages come over the network of the machine: it may have a way that containers have not.
            lines += [line for name in BUILT for line in (f"  {name}:", "    build: {network: host}")]
        return "\n".join(lines) + "\n"

    def up(self, *more: str) -> None:
        self.project.compose("up", "--detach", "--wait", "--wait-timeout", "300", *more)
        root = "/data/caddy/pki/authorities/local/root.crt"
        until(lambda: self.project.compose("cp", f"proxy:{root}", "root.crt") is not None)

    def load(self) -> None:
        """The sample week, as if it began tomorrow."""
        urls = {name: f"http://127.0.0.1:{self.ports[name]}" for name in ("registration", "quiz", "awards")}
        named = [word for name, url in urls.items() for word in (f"--{name}", url)]
        kepu = str(Path(sys.executable).parent / "kepu")
        command = (kepu, "load", "sample/puyang-2023", "--shift-to-tomorrow")
        told(*command, "--organiser-key", self.organiser_key, *named, cwd=ROOT)

    @property
    def organiser_key(self) -> str:
        return keys.read_folder(self.project.folder / "deploy/secrets", "KEPU_ORGANISER_KEY")

    async def audited(self) -> Audit:
        """The audit, once nothing is under way."""
        mails = self.project.folder / "mail.jsonl"
        deployment = Deployment(
            Apis({name: f"http://127.0.0.1:{self.ports[name]}" for name in SERVICES}, self.organiser_key),
            f"localhost:{self.ports['kafka']}",
            f"mongodb://127.0.0.1:{self.ports['mongo']}/?directConnection=true",
            keys.read_folder(self.project.folder / "deploy/secrets", "KEPU_CONTACT_PUBLIC_KEY"),
            mails,
        )
        async with databases.connected(deployment.mongo) as all_databases:
            await wait_until_settled(deployment.kafka, all_databases)
            keep_mails(self.address.mail, mails)
            return await audit(deployment, all_databases, self.project.folder / "ledger.jsonl")


def main(arguments: list[str]) -> int:
    """0: everything held, or there is no engine here."""
    try:
        engine = Engine.found()
    except NoEngine as why:
        say(f"skipped: {why}")
        return 0
    with_stand_ins = "--stand-ins" in arguments
    with copied(engine) as project:
        if with_stand_ins:
            say("building stand-ins of the images of others")
            stand_ins.build(engine, images_of(project), project.folder / "stand-ins")
        run(Live(project, with_stand_ins=with_stand_ins))
    say("everything held")
    return 0


@contextmanager
def copied(engine: Engine) -> Iterator[Project]:
    """A copy of what is committed or new here, as of somebody whose umask lets nobody else read."""
    with tempfile.TemporaryDirectory(prefix="kepu-compose-") as folder:
        listed = told("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines()
        before = os.umask(0o077)
        for name in listed:
            to = Path(folder) / "kepu" / name
            to.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_file():
                shutil.copyfile(ROOT / name, to)
        project = Project(engine, f"kepu-{os.getpid()}", Path(folder) / "kepu")
        keys.write_folder(project.folder / "deploy/secrets", keys.fresh())
        # As docs/operating.md says: containers read these folders as users of their own.
        told("chmod", "--recursive", "go+rX", *map(str, project.folder.glob("deploy/[!s]*")))
        (project.folder / "deploy").chmod(0o755)
        os.umask(before)
        try:
            yield project
        except BaseException:
            report(project)
            raise
        finally:
            project.compose("down", "--volumes", "--timeout", "5", "--remove-orphans")


def report(project: Project) -> None:
    """Why it failed, as far as containers say so."""
    for one in project.containers():
        state = one["State"]
        say(f"{one['Name']}: {state['Status']}, {state.get('Health', {}).get('Status')}, {state['ExitCode']}")
    done = subprocess.run(
        (*project.engine.composing, "--project-name", project.name, "logs", "--tail", "8", "--no-color"),
        capture_output=True,
        text=True,
        check=False,
    )
    say(done.stdout[-8_000:])


def images_of(project: Project) -> dict[str, str]:
    file: dict[str, Any] = yaml.safe_load((project.folder / "docker-compose.yml").read_text())
    edge = (project.folder / "deploy/edge.Dockerfile").read_text()
    # Of the same Python as those of the services, which a test proves.
    python, caddy = re.findall(r"^FROM (\S+)", edge, re.MULTILINE)
    return {"python": python, "caddy": caddy} | {name: one["image"] for name, one in file["services"].items()}


def run(live: Live) -> None:
    """Every scene, one after the other; an AssertionError is what does not hold."""
    project = live.project
    say("building, and starting")
    live.up("--build")
    live.load()
    play(live.address)
    say("a person went from registration to the inbox")
    for service in ("kafka", "mongo", "quiz"):
        before = project.restarts(service)
        project.kill(service)
        until(lambda name=service, was=before: project.restarts(name) > was, BACK_SECONDS_MAX)  # type: ignore[misc]
        play(live.address)
        say(f"{service} was killed, and is back")
    hangs_and_is_replaced(live, "quiz")
    live.up(*(word for name in SERVICES for word in ("--scale", f"{name}=3")))
    assert len(project.containers("quiz")) == 3
    play(live.address)
    say("three copies of each service, at the same addresses")
    project.compose("down")
    assert project.containers() == []
    live.up()
    play(live.address)
    say("down, and up again with the data")
    found = asyncio.run(live.audited())
    assert found.agrees, (found.missing, found.duplicated, found.wrong)
    say("audit: 0 missing, 0 duplicated, 0 wrong")


def hangs_and_is_replaced(live: Live, service: str) -> None:
    """A process that lives and answers nobody: Docker alone would only call it unhealthy."""
    # Before its first good look it would have minutes.
    until(lambda: live.project.is_healthy(service), BACK_SECONDS_MAX)
    before = live.project.restarts(service)
    [container] = live.project.containers(service)
    top = live.project.engine.docker("top", container["Id"], "-eo", "pid,args").splitlines()
    # Docker's own first process has the same words behind its name.
    named = re.compile(rf"\s*(\d+)\s+\S*python\S* -m services.{service}.app")
    [pid] = [int(found[1]) for line in top if (found := named.match(line))]
    os.kill(pid, signal.SIGSTOP)
    until(lambda: live.project.restarts(service) > before, BACK_SECONDS_MAX)
    play(live.address)
    say(f"{service} hung, and was replaced")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
