"""kepu up, down, audit: a week that runs on this machine until it is stopped."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum
from typing import Annotated

import typer

from ops.audit.chain.run import Chain, audit_chain
from ops.audit.chain.show import show_chain
from ops.audit.report import show
from ops.audit.run import Audit, audit
from ops.commands.addresses import print_addresses
from ops.commands.deployment import INCOMPLETE, load_pieces
from ops.commands.play import DIFFERS
from ops.commands.terminal import UP_HOME, Brokers, Home, MongoNodes, console, tell
from ops.commands.where import KafkaServers, Mongo, stack_of
from ops.demo.run import week_of_now
from ops.deployment import databases
from ops.deployment.description import Deployment
from ops.deployment.ledger import LEDGER_FILE
from ops.deployment.settle import told_now_and_then, wait_until_settled, words_of
from ops.errors import CommandError
from ops.local.services import EXTRA, OVERVIEW, WEEK, Services
from ops.stack import Stack
from ops.stack.process import undisturbed
from ops.stack.watch import ended_by_a_death, servers_of
from ops.week.load import Failure
from shared.contracts import topics
from shared.messaging.create_topics import create_missing
from shared.runtime.settings import KafkaSettings

week_cli = typer.Typer()

Extra = StrEnum("Extra", {name: name for name in EXTRA})  # type: ignore[misc]


@week_cli.command()
def up(
    home: Home = UP_HOME,
    brokers: Brokers = None,
    mongo_nodes: MongoNodes = None,
    extra: Annotated[
        list[Extra] | None,
        typer.Option(
            "--with",
            help="Also start this: the bridge for partners (kepu partner), or webhooks, for partners without "
            "Kafka.",
        ),
    ] = None,
) -> None:
    """
    Start everything with the sample week loaded, leave it running, and print the addresses.

    Running processes are not touched, so after a kill this starts only the missing ones. kepu down stops
    everything and keeps the data. To begin anew, remove the folder.
    """
    tell("Starting what does not run yet of Kafka, MongoDB and the services …")
    parts = (*WEEK, *(EXTRA[one.value] for one in extra or ()), OVERVIEW)
    stack = Stack(home, brokers=brokers, mongo_nodes=mongo_nodes, tell=tell)
    services = Services(stack, parts, tell=tell, with_pages=True)
    marker = home / "week.loaded"
    failures: list[Failure] = []
    with _left_as_found(services):
        services.stack.up()
        with ended_by_a_death(servers_of(services.stack)):
            wanted = topics.with_optional(part.service for part in parts)
            replication = KafkaSettings().kafka_replication
            asyncio.run(create_missing(services.stack.kafka_connection, replication, wanted))
            services.up()
            if not marker.exists():
                failures = load_pieces(week_of_now(), services.apis)
    print_addresses(services)
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
def audit_command(
    home: Home = UP_HOME,
    chain: Annotated[
        str | None,
        typer.Option(
            "--chain",
            metavar="AWARD_CODE",
            help="Show why somebody has this award: every link from the answer to the certificate.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the chain as JSON, for programs. Only with --chain.")
    ] = False,
    with_rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild", help="Make the projections again from the log, beside the live ones, and compare."
        ),
    ] = False,
    kafka: KafkaServers = None,
    mongo: Mongo = None,
) -> None:
    """
    Compute the week that runs here, or elsewhere, again from Kafka and the four databases, and compare.

    Waits until nothing is under way, and says what it waits for. Mails that are put off are not waited for,
    but counted. Exits with 0 if everything agrees, else with 1.

    With --chain KW-7Q2MA-X4D0P it checks one award only, in seconds. For each link it prints topic,
    partition, offset, event id and the SHA-256 of the record, and "agrees" or what differs. A link says "not
    in the log" if Kafka does not keep its event any more; that is no error.

    With --rebuild it only makes what services keep of events again, in scratch databases of the same MongoDB,
    and names the documents that differ.
    """
    if as_json and chain is None:
        raise CommandError("--json prints a chain: add --chain and the code of an award")
    quiet: Callable[[str], None] = (lambda _: None) if as_json else tell
    if with_rebuild and chain is not None:
        raise CommandError("--rebuild and --chain are two checks: run one after the other")
    servers = stack_of(kafka, mongo, home)
    if with_rebuild:
        raise typer.Exit(0 if asyncio.run(_rebuilt(servers, quiet)) else DIFFERS)
    if chain is not None:
        found = asyncio.run(_chained(servers, chain, quiet))
        if as_json:
            print(json.dumps(found.for_programs(), ensure_ascii=False, indent=2))
        else:
            show_chain(found, console)
        raise typer.Exit(0 if found.agrees else DIFFERS)
    whole = asyncio.run(_recomputed(servers, quiet))
    show(whole, console)
    if not whole.agrees:
        raise typer.Exit(DIFFERS)


async def _recomputed(servers: Stack, say: Callable[[str], None]) -> Audit:
    async with _at_rest(servers, say) as (deployment, all_databases):
        say("At rest. Computing everything again …")
        return await audit(deployment, all_databases, servers.home / LEDGER_FILE)


async def _rebuilt(servers: Stack, say: Callable[[str], None]) -> bool:
    # Here: it imports three services, which would take a second of every command.
    from ops.rebuilding.report import show_outcomes
    from ops.rebuilding.run import rebuild

    async with _at_rest(servers, say) as (deployment, _):
        say("At rest. Making the projections again …")
        outcomes = await rebuild(deployment.kafka, deployment.mongo, say)
    show_outcomes(outcomes, console)
    return all(one.agrees for one in outcomes)


async def _chained(servers: Stack, code: str, say: Callable[[str], None]) -> Chain:
    async with _at_rest(servers, say) as (deployment, all_databases):
        say("At rest. Following the award back to its beginning …")
        return await audit_chain(code, deployment, all_databases)


@asynccontextmanager
async def _at_rest(
    servers: Stack, say: Callable[[str], None]
) -> AsyncIterator[tuple[Deployment, databases.Databases]]:
    """The week that runs on these servers, once nothing is under way."""
    services = Services(servers)
    stopped = [server.name for server in services.stack.status() if not server.running]
    if stopped:
        raise CommandError(
            f"{' and '.join(stopped)} of {servers.home} not running: start the week first (kepu up), or name"
            " --kafka and --mongo"
        )
    deployment = services.deployment
    async with databases.connected(deployment.mongo) as all_databases:
        say("Waiting until nothing is under way …")
        put_off = await wait_until_settled(deployment.kafka, all_databases, told_now_and_then(say))
        if waiting := words_of(put_off):
            say(waiting)
        yield deployment, all_databases


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
