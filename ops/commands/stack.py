"""kepu stack: the local Kafka and MongoDB without the services."""

from typing import Annotated

import typer
from rich.table import Table

from ops.commands.terminal import UP_HOME, Brokers, Home, MongoNodes, console, tell
from ops.stack.stack import LOG_LINES, Stack
from ops.stack.status import Status

# The exit code when a server does not run.
NOT_RUNNING = 3

stack_cli = typer.Typer(
    no_args_is_help=True,
    help="""
    A real Kafka and a real MongoDB on this machine, without Docker, Java or root.

    The first start fetches Kafka (some 45 MB) and takes about half a minute, later starts two seconds.
    Ports are chosen once and kept with the data. Without --home these are the servers of kepu up.

    To use servers of your own, set KEPU_KAFKA (host:port) or KEPU_MONGO (a URL that names a replica set).
    They are checked, and nothing else is done to them. KEPU_JAVA names another Java to run Kafka with.
    """,
)


Name = Annotated[str, typer.Argument(help="Such as kafka, mongo; in a cluster also kafka-2, mongo-3.")]


@stack_cli.command()
def up(
    home: Home = UP_HOME,
    brokers: Brokers = None,
    mongo_nodes: MongoNodes = None,
    kafka_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Kafka's port; by default a free one, then kept.")
    ] = None,
    mongo_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="MongoDB's port; by default a free one, then kept.")
    ] = None,
) -> None:
    """
    Start Kafka and MongoDB where they do not run yet, and wait until both can be used.

    They go on when this command ends: kepu stack down stops them.

    A cluster, in a folder of its own:  kepu stack up --home … --brokers 3 --mongo-nodes 3
    """
    stack = Stack(
        home,
        brokers=brokers,
        mongo_nodes=mongo_nodes,
        kafka_port=kafka_port,
        mongo_port=mongo_port,
        tell=tell,
    )
    stack.up()
    _show(stack.status())


@stack_cli.command()
def down(home: Home = UP_HOME) -> None:
    """
    Stop all. The data and the ports are kept.

    To begin anew, remove the folder afterwards.
    """
    Stack(home).down()
    console.print(f"Stopped. The data is in {home}.")


@stack_cli.command()
def status(home: Home = UP_HOME) -> None:
    """Show which server runs, and where. Exits with 0 if all run, else with 3."""
    found = Stack(home).status()
    _show(found)
    if not all(server.running for server in found):
        raise typer.Exit(NOT_RUNNING)


@stack_cli.command()
def kill(name: Name, home: Home = UP_HOME) -> None:
    """
    Kill one server with SIGKILL, to see what an outage does.

    kepu stack up starts it again, on its port and with its data.
    """
    Stack(home).kill(name)
    console.print(f"Killed {name}.")


@stack_cli.command()
def logs(
    server: Annotated[
        str | None, typer.Argument(help="Only the log of this server, such as kafka. All by default.")
    ] = None,
    home: Home = UP_HOME,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show new lines as they come, until Ctrl-C.")
    ] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many lines to begin with.")
    ] = LOG_LINES,
) -> None:
    """Show the last lines of the servers' logs."""
    named = [server] if server else []
    try:
        for name, line in Stack(home).logs(*named, lines=lines, follow=follow):
            typer.echo(line if named else f"{name:7} | {line}")
    except KeyboardInterrupt:
        raise typer.Exit from None


def _show(servers: list[Status]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("server", "state", "address", "pid", "memory"):
        table.add_column(heading, overflow="fold")
    for server in servers:
        table.add_row(
            server.name,
            _state(server),
            server.address or "none yet",
            str(server.pid or ""),
            f"{server.resident_bytes / 1024**2:.0f} MB" if server.resident_bytes else "",
        )
    console.print(table)


def _state(server: Status) -> str:
    if server.running:
        return "[green]your own[/]" if server.outside else "[green]running[/]"
    if server.outside:
        return "[red]not reachable[/]"
    return "[yellow]not answering[/]" if server.pid else "[yellow]not running[/]"
