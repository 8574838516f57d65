"""kepu up, down, audit: a week that runs on this machine until it is stopped."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ops.audit.report import show
from ops.audit.run import Audit, audit
from ops.commands.deployment import INCOMPLETE, load_pieces
from ops.commands.play import DIFFERS
from ops.commands.terminal import UP_HOME, Home, console, tell
from ops.demo.run import week_of_now
from ops.deployment import databases
from ops.deployment.ledger import LEDGER_FILE
from ops.deployment.settle import told_now_and_then, wait_until_settled, words_of
from ops.errors import CommandError
from ops.local.services import WEEK, Services
from ops.stack import Stack
from ops.stack.process import undisturbed
from ops.stack.watch import ended_by_a_death, servers_of
from ops.week.load import Failure
from shared.messaging.create_topics import create_missing
from shared.runtime.settings import KafkaSettings

week_cli = typer.Typer()


@week_cli.command()
def up(home: Home = UP_HOME) -> None:
    """
    Start everything with the sample week loaded, leave it running, and print the addresses.

    Running processes are not touched, so after a kill this starts only the missing ones. kepu down stops
    everything and keeps the data. To begin anew, remove the folder.
    """
    tell("Starting what does not run yet of Kafka, MongoDB and the services …")
    services = Services(Stack(home, tell=tell), tell=tell)
    marker = home / "week.loaded"
    failures: list[Failure] = []
    with _left_as_found(services):
        services.stack.up()
        with ended_by_a_death(servers_of(services.stack)):
            asyncio.run(create_missing(services.stack.kafka, KafkaSettings().kafka_replication))
            services.up()
            if not marker.exists():
                failures = load_pieces(week_of_now(), services.apis)
    _print_addresses(services)
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
    Compute the week that runs here again, from Kafka and the four databases, and compare.

    Waits until nothing is under way, and says what it waits for. Mails that are put off are not waited for,
    but counted. Exits with 0 if everything agrees, else with 1.
    """

    async def recompute() -> Audit:
        services = Services(Stack(home))
        stopped = [server.name for server in services.stack.status() if not server.running]
        if stopped:
            raise CommandError(
                f"{' and '.join(stopped)} of {home} not running: start the week first (kepu up)"
            )
        deployment = services.deployment
        async with databases.connected(deployment.mongo) as all_databases:
            tell("Waiting until nothing is under way …")
            put_off = await wait_until_settled(deployment.kafka, all_databases, told_now_and_then(tell))
            if waiting := words_of(put_off):
                tell(waiting)
            tell("At rest. Computing everything again …")
            return await audit(deployment, all_databases, home / LEDGER_FILE)

    found = asyncio.run(recompute())
    show(found, console)
    if not found.agrees:
        raise typer.Exit(DIFFERS)


@contextmanager
def _left_as_found(services: Services) -> Iterator[None]:
    """After a failure or a signal, stop what this command has started: half a week is of no use."""
    servers = services.stack
    absent = [server.name for server in servers.status() if not server.pid and not server.outside]
    ran_before = {name for name in services.names if services.runs(name)}
    try:
        yield
    except BaseException:
        with undisturbed():
            services.stop(*(set(services.names) - ran_before))
            if absent:
                servers.down()
        raise


def _print_addresses(services: Services) -> None:
    tell("\nEverything runs:")
    for part in WEEK:
        url = services.url(part.name)
        documented = f"API {url}/docs   " if part.role != "worker" else ""
        tell(f"  {part.name:14} {documented}metrics {url}/metrics")
    tell(f"  Kafka          {services.stack.kafka}")
    tell(f"  MongoDB        {services.stack.mongo}")
    tell(f"  mails          {services.mail_file}")
    tell("  SMS            none: no gateway is configured, so phone numbers are refused")
    tell(f"  secrets        {services.home / 'secrets.json'}")
    tell("\nFor a shell:")
    variables = (f"{part.name.upper()}={services.url(part.name)}" for part in WEEK if part.role != "worker")
    tell(f"  {'  '.join(variables)}")
    tell("\nA first request:")
    tell(f"  curl {services.url('registration')}/activities")
