"""kepu demo, chaos, up, down, audit: a week on this machine."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ops.deployment.ledger import Ledger
from ops.audit.run import Audit, audit, show
from ops.chaos import VICTIMS, Chaos
from ops.commands.deployment import INCOMPLETE, load_pieces
from ops.commands.stack import DEFAULT_HOME, UP_HOME, Home, tell
from ops.demo.run import OUTSIDERS, PEOPLE, Demo, week_of_now
from ops.deployment import databases
from ops.deployment.client import connected
from ops.deployment.settle import wait_until_settled
from ops.local.services import WEEK, Services
from ops.stack import Stack, StackError
from ops.stack.host import make_folder
from ops.stack.process import undisturbed
from ops.stack.watch import ended_by_a_death, servers_of
from ops.week import files as week
from shared.contracts import topics
from shared.runtime.settings import KafkaSettings

DIFFERS = 1
# Marks a folder whose week was only played and may be removed before the next.
PLAYED = "played"
STAGES = ("register", "sit", "visit", "outside")

week_cli = typer.Typer()
console = Console(highlight=False)


@week_cli.command()
def demo(
    home: Home = DEFAULT_HOME / "demo",
    people: Annotated[int, typer.Option(min=50, max=20_000, help="Simulated people over HTTP.")] = PEOPLE,
    outsiders: Annotated[
        int, typer.Option(min=20, max=5_000, help="People of the other system.")
    ] = OUTSIDERS,
) -> None:
    """
    Play a whole week on real Kafka and MongoDB, then audit it.

    Everything is started for it and stopped afterwards. Exits with 0 only if the audit agrees.
    """
    with _fresh(home, detached=False) as services:
        started = time.monotonic()
        with ended_by_a_death([*servers_of(services.stack), *services.watched]):
            found = asyncio.run(play(services, people, outsiders))
        console.print(f"The week took {time.monotonic() - started:.0f} s.\n")
        show(found, console)
    if not found.agrees:
        raise typer.Exit(DIFFERS)


@week_cli.command()
def chaos(
    home: Home = DEFAULT_HOME / "chaos",
    people: Annotated[int, typer.Option(min=50, max=20_000, help="Simulated people over HTTP.")] = PEOPLE,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="How often each is killed.")] = 3,
    pause: Annotated[float, typer.Option(min=0.0, max=60.0, help="Seconds between kills.")] = 3.0,
) -> None:
    """
    Play a week while every service, Kafka and MongoDB are killed with SIGKILL in turn, then audit it.

    Exits with 0 only if nothing acknowledged is missing and nothing happened twice.
    """
    with _fresh(home, detached=False) as services:
        killing = Chaos(services, console.print, pause_seconds=pause)
        found = asyncio.run(play(services, people, OUTSIDERS, lambda: killing.run(VICTIMS * rounds)))
        show(found, console)
    if not found.agrees:
        raise typer.Exit(DIFFERS)


async def play(
    services: Services,
    people: int,
    outsiders: int,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
) -> Audit:
    """One week on running services, with a progress display, and its audit; `meanwhile` runs beside it."""
    with _progress(people, outsiders) as (advance, say):
        async with (
            connected(services.secrets["KEPU_ORGANISER_KEY"], Ledger(_ledger(services.home))) as client,
            databases.connected(services.stack.mongo) as all_databases,
        ):
            played = Demo(services, client, advance, say, people, outsiders)
            await asyncio.to_thread(played.prepare)
            async with asyncio.TaskGroup() as both:
                both.create_task(played.play())
                if meanwhile:
                    both.create_task(_until_done(meanwhile))
            await played.settle(all_databases)
            await played.close(all_databases)
            say("auditing")
            return await audit(services.stack.kafka, all_databases, _ledger(services.home), services.mail_log)


@week_cli.command()
def up(home: Home = UP_HOME) -> None:
    """
    Start everything with the sample week loaded, leave it running, and print the addresses.

    What runs already is left alone, so after a kill this brings back what is gone. kepu down stops it; the
    data stays. To begin anew, remove the folder.
    """
    tell("Starting what does not run yet of Kafka, MongoDB and the services …")
    services = Services(Stack(home, tell=tell), tell=tell)
    marker = home / "week.loaded"
    failures: list[week.Failure] = []
    with _left_as_found(services):
        services.stack.up()
        with ended_by_a_death(servers_of(services.stack)):
            asyncio.run(topics.create_missing(services.stack.kafka, KafkaSettings().kafka_replication))
            services.up()
            if not marker.exists():
                failures = load_pieces(week_of_now(), _urls(services), services.secrets["KEPU_ORGANISER_KEY"])
    _addresses(services)
    if failures:
        raise typer.Exit(INCOMPLETE)
    marker.touch()


@week_cli.command()
def down(home: Home = UP_HOME) -> None:
    """Stop what kepu up started: services, Kafka, MongoDB. The data stays."""
    stack = Stack(home)
    Services(stack).down()
    stack.down()
    console.print(f"Stopped. The data is in {home}.")


@week_cli.command(name="audit")
def audit_command(home: Home = UP_HOME) -> None:
    """
    Recompute the week that runs here from Kafka and the four databases, and compare.

    Waits until nothing is under way. Exits with 0 only if everything agrees.
    """

    async def recompute() -> Audit:
        services = Services(Stack(home))
        stopped = [server.name for server in services.stack.status() if not server.running]
        if stopped:
            raise StackError(f"{' and '.join(stopped)} of {home} not running: start the week first (kepu up)")
        async with databases.connected(services.stack.mongo) as all_databases:
            await wait_until_settled(services.stack.kafka, all_databases)
            return await audit(services.stack.kafka, all_databases, _ledger(home), services.mail_log)

    found = asyncio.run(recompute())
    show(found, console)
    if not found.agrees:
        raise typer.Exit(DIFFERS)


@contextmanager
def _left_as_found(services: Services) -> Iterator[None]:
    """Stop at a failure or a signal what was not there before: half of a week is of no use."""
    servers = services.stack
    absent = [server.name for server in servers.status() if not server.pid and not server.outside]
    ran_before = {name for name in services.names if services.runs(name)}
    try:
        yield
    except BaseException:
        with undisturbed():
            for name in set(services.names) - ran_before:
                services.stop(name)
            if absent:
                servers.down()
        raise


def _urls(services: Services) -> dict[str, str]:
    return {name: services.url(name) for name in ("registration", "quiz", "awards")}


async def _until_done(meanwhile: Callable[[], Awaitable[None]]) -> None:
    await meanwhile()


@contextmanager
def _fresh(home: Path, *, detached: bool) -> Iterator[Services]:
    """A stack and services that are stopped at the end, with no data of an earlier week."""
    _remove(home)
    make_folder(home)
    (home / PLAYED).touch()
    stack = Stack(home, detached=detached, tell=tell)
    console.print("Starting Kafka and MongoDB …")
    with stack:
        asyncio.run(topics.create_missing(stack.kafka))
        console.print(f"Starting {len(WEEK)} service processes …")
        services = Services(stack, detached=detached, tell=tell)
        try:
            with ended_by_a_death(servers_of(stack)):
                services.up()
            yield services
        finally:
            services.down()


def _remove(home: Path) -> None:
    """Remove an earlier demo's data, and only that."""

    if not home.exists():
        return
    if not (home / PLAYED).exists():
        raise StackError(f"{home} holds something else than an earlier play: name another --home")
    Services(Stack(home)).down()
    Stack(home).down()
    shutil.rmtree(home)


def _ledger(home: Path) -> Path:
    return home / "ledger.jsonl"


@contextmanager
def _progress(
    people: int, outsiders: int
) -> Iterator[tuple[Callable[[str, int], None], Callable[[str], None]]]:
    columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        totals = {stage: outsiders if stage == "outside" else people for stage in STAGES}
        tasks = {stage: progress.add_task(stage, total=total) for stage, total in totals.items()}
        said = [""]

        def say(text: str) -> None:
            if text != said[0]:
                said[0] = text
                progress.console.print(text)

        yield lambda stage, count: progress.advance(tasks[stage], count), say


def _addresses(services: Services) -> None:
    tell("\nEverything runs:")
    for part in WEEK:
        url = services.url(part.name)
        documented = f"API {url}/docs   " if part.role != "worker" else ""
        tell(f"  {part.name:14} {documented}metrics {url}/metrics")
    tell(f"  Kafka          {services.stack.kafka}")
    tell(f"  MongoDB        {services.stack.mongo}")
    tell(f"  mails          {services.mail_log}")
    tell(f"  secrets        {services.home / 'secrets.json'}")
    tell("\nFor a shell:")
    variables = (f"{part.name.upper()}={services.url(part.name)}" for part in WEEK if part.role != "worker")
    tell(f"  {'  '.join(variables)}")
    tell("\nA first request:")
    tell(f"  curl {services.url('registration')}/activities")
