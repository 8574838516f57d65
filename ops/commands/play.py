"""kepu demo and kepu cluster: a whole week is played on a stack of its own, and audited."""

import asyncio
import shutil
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from ops.audit.report import show
from ops.audit.run import Audit, audit
from ops.commands.addresses import print_addresses
from ops.commands.terminal import DEFAULT_HOME, Brokers, Home, MongoNodes, console, progress, tell
from ops.demo.run import OUTSIDERS, PEOPLE, Demo
from ops.deployment import databases
from ops.deployment.client import connected
from ops.deployment.ledger import LEDGER_FILE, Ledger
from ops.errors import CommandError
from ops.kills import KAFKA, MONGO, VICTIMS, Chaos, Timed
from ops.local.services import WEEK, Services
from ops.stack import Stack
from ops.stack.host import make_folder
from ops.stack.watch import ended_by_a_death, servers_of
from shared.messaging.create_topics import create_missing

# The exit code when the audit does not agree.
DIFFERS = 1
# This file marks a folder whose week was only played: the next play may remove the folder.
PLAYED = "played"
STAGES = ("register", "confirm", "sit", "visit", "outside")

People = Annotated[int, typer.Option(min=50, max=20_000, help="How many simulated people use HTTP.")]
Outsiders = Annotated[
    int, typer.Option(min=20, max=5_000, help="Number of people that another system registers.")
]

play_cli = typer.Typer()


@play_cli.command()
def demo(
    home: Home = DEFAULT_HOME / "demo",
    people: People = PEOPLE,
    outsiders: Outsiders = OUTSIDERS,
    brokers: Brokers = None,
    mongo_nodes: MongoNodes = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave all running after the audit, with the pages, until Ctrl-C.")
    ] = False,
) -> None:
    """
    Play a whole week on real Kafka and MongoDB, then audit it.

    Starts all that it needs, and stops it at the end. Exits with 0 if the audit agrees, else with 1.
    """
    with fresh(home, brokers, mongo_nodes, with_pages=keep) as services:
        started = time.monotonic()
        with ended_by_a_death([*servers_of(services.stack), *services.watched]):
            found = asyncio.run(play(services, people, outsiders))
        console.print(f"The week took {time.monotonic() - started:.0f} s.\n")
        show(found, console)
        if keep:
            print_addresses(services)
            tell("\nCtrl-C stops everything.")
            _wait_for_an_interrupt()
        _judge(found)


def _wait_for_an_interrupt() -> None:
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


@play_cli.command()
def cluster(
    home: Home = DEFAULT_HOME / "cluster",
    people: People = PEOPLE,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="How often each process is killed.")] = 3,
    pause: Annotated[float, typer.Option(min=0.0, max=60.0, help="Seconds between two kills.")] = 3.0,
    brokers: Brokers = 3,
    mongo_nodes: MongoNodes = 3,
) -> None:
    """
    Play a week on a cluster while every service and the nodes that lead are killed in turn, then audit it.

    The longest time without an acknowledgement and without a result is measured. With --brokers 1
    --mongo-nodes 1 the week is played on single nodes, and nothing is measured.

    Exits with 0 if nothing acknowledged is missing and nothing happened twice, else with 1.
    """
    with fresh(home, brokers, mongo_nodes) as services:
        killing = Chaos(services, console.print, pause_seconds=pause)
        victims = VICTIMS * rounds
        if services.stack.names == (KAFKA, MONGO):
            found = asyncio.run(play(services, people, OUTSIDERS, lambda: killing.run(victims)))
        else:
            timed = Timed(killing, victims)
            found = asyncio.run(play(services, people, OUTSIDERS, timed.run))
            for line in timed.gaps(found.log):
                console.print(line)
        show(found, console)
        _judge(found)


async def play(
    services: Services,
    people: int,
    outsiders: int,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
) -> Audit:
    """Play a week on running services, with a progress display, and audit it. `meanwhile` runs beside it."""
    deployment = services.deployment
    ledger = services.home / LEDGER_FILE
    with _progress(people, outsiders) as (advance, say):
        async with (
            connected(deployment.apis, Ledger(ledger)) as client,
            databases.connected(deployment.mongo) as all_databases,
        ):
            played = Demo(deployment, client, advance, say, people, outsiders)
            await asyncio.to_thread(played.prepare)
            async with asyncio.TaskGroup() as both:
                both.create_task(played.play())
                if meanwhile:
                    both.create_task(_until_done(meanwhile))
            await played.settle(all_databases)
            await played.close(all_databases)
            say("auditing")
            return await audit(deployment, all_databases, ledger)


def _judge(found: Audit) -> None:
    if not found.agrees:
        raise typer.Exit(DIFFERS)


async def _until_done(meanwhile: Callable[[], Awaitable[None]]) -> None:
    await meanwhile()


@contextmanager
def fresh(
    home: Path,
    brokers: int | None = None,
    mongo_nodes: int | None = None,
    release: Path | None = None,
    *,
    with_pages: bool = False,
) -> Iterator[Services]:
    """
    A stack and services without data of an earlier week, stopped at the end of the block.

    Args:
        release: the checkout of another release, whose services are started.
        with_pages: also the edge.
    """
    _remove(home)
    make_folder(home)
    (home / PLAYED).touch()
    stack = Stack(home, brokers=brokers, mongo_nodes=mongo_nodes, detached=False, tell=tell)
    console.print("Starting Kafka and MongoDB …")
    with stack:
        asyncio.run(create_missing(stack.kafka_connection))
        console.print(f"Starting {len(WEEK)} service processes …")
        releases = {part.name: release.resolve() for part in WEEK} if release else {}
        services = Services(stack, detached=False, tell=tell, releases=releases, with_pages=with_pages)
        try:
            with ended_by_a_death(servers_of(stack)):
                services.up()
            yield services
        finally:
            services.down()


def _remove(home: Path) -> None:
    """Remove the data of an earlier play, and nothing else."""
    if not home.exists():
        return
    if not (home / PLAYED).exists():
        raise CommandError(f"{home} holds something else than an earlier play: name another --home")
    Services(Stack(home)).down()
    Stack(home).down()
    shutil.rmtree(home)


@contextmanager
def _progress(
    people: int, outsiders: int
) -> Iterator[tuple[Callable[[str, int], None], Callable[[str], None]]]:
    totals = {stage: outsiders if stage == "outside" else people for stage in STAGES}
    with progress(totals) as advance:
        said = [""]

        def say(text: str) -> None:
            if text != said[0]:
                said[0] = text
                console.print(text)

        yield advance, say
