"""kepu stack: the local Kafka and MongoDB by hand."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ops.stack.stack import LOG_LINES, Stack
from ops.stack.status import Status

NOT_RUNNING = 3

Home = Annotated[
    Path,
    typer.Option(
        "--home", envvar="KEPU_HOME", help="Folder of the servers' data and logs.", rich_help_panel="Where"
    ),
]
DEFAULT_HOME = Path(".kepu")
# Where kepu up has the week, so that kepu stack finds its servers.
UP_HOME = DEFAULT_HOME / "up"

stack_cli = typer.Typer(
    no_args_is_help=True,
    help="""
    A real Kafka and a real MongoDB on this machine, without Docker, Java or root.

    The first start fetches Kafka (some 45 MB) and takes about half a minute, later ones two seconds.
    Ports are chosen once and kept with the data. Without --home these are the servers of kepu up.

    To use servers of your own, set KEPU_KAFKA (host:port) or KEPU_MONGO (a URL that names a replica set):
    they are checked and otherwise left alone. KEPU_JAVA names another Java to run Kafka with.
    """,
)
console = Console(highlight=False)


def tell(text: str) -> None:
    """Print a line that stays whole, so that an address or a path in it can be copied."""
    console.print(text, soft_wrap=True, markup=False)


class ServerName(StrEnum):
    kafka = "kafka"
    mongo = "mongo"


@stack_cli.command()
def up(
    home: Home = UP_HOME,
    kafka_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Kafka's port; by default a free one, then kept.")
    ] = None,
    mongo_port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="MongoDB's port; by default a free one, then kept.")
    ] = None,
) -> None:
    """
    Start what doesn't run yet, and wait until both can be worked with.

    They run on when this command ends: kepu stack down stops them.
    """
    stack = Stack(home, kafka_port=kafka_port, mongo_port=mongo_port, tell=tell)
    stack.up()
    _show(stack.status())


@stack_cli.command()
def down(home: Home = UP_HOME) -> None:
    """
    Stop both. Their data stays, and so do their ports.

    To begin anew, remove the folder afterwards.
    """
    Stack(home).down()
    console.print(f"Stopped. The data is in {home}.")


@stack_cli.command()
def status(home: Home = UP_HOME) -> None:
    """Tell what runs and where. Exits with 0 if all of it runs, with 3 if not."""
    found = Stack(home).status()
    _show(found)
    if not all(server.running for server in found):
        raise typer.Exit(NOT_RUNNING)


@stack_cli.command()
def logs(
    server: Annotated[ServerName | None, typer.Argument(help="Only this one's; both by default.")] = None,
    home: Home = UP_HOME,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many to begin with.")] = LOG_LINES,
) -> None:
    """Show how the servers' logs end."""
    named = [server.value] if server else []
    try:
        for name, line in Stack(home).logs(*named, lines=lines, follow=follow):
            typer.echo(line if named else f"{name:5} | {line}")
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
