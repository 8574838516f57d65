"""kepu organisers: keys with roles for the people who run the week."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ops.commands.terminal import UP_HOME, Home, console, tell
from ops.deployment import organisers
from ops.local.services import ORGANISERS_FILE
from shared.runtime.acting import Role

organisers_cli = typer.Typer(
    no_args_is_help=True,
    help="""
    Keys for the people who run the week, each with a name and a role.

    owner does everything; organiser everything but keys and the log of acts; door lets people in; viewer only
    reads. A key works, or ends, within two seconds and without a restart.

    For the week of kepu up:  kepu organisers add east-gate --role door

    Elsewhere, with the file that KEPU_ORGANISER_KEYS_FILE names:  kepu organisers list --file organisers.json
    """,
)

Name = Annotated[
    str,
    typer.Argument(
        help="The name of the key, such as east-gate: small letters, digits, dots and dashes. The log of "
        "acts has it, so take the name of a desk or a duty."
    ),
]
File = Annotated[
    Path | None,
    typer.Option(
        envvar="KEPU_ORGANISER_KEYS_FILE",
        help="The file of keys that the services read. By default that of kepu up.",
        rich_help_panel="Where",
    ),
]


@organisers_cli.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What the key may do.")],
    file: File = None,
    home: Home = UP_HOME,
) -> None:
    """Make a key and show it, once: only its hash is kept."""
    key = organisers.add(_file(file, home), name, role, datetime.now(UTC))
    tell(key)


@organisers_cli.command(name="list")
def list_command(file: File = None, home: Home = UP_HOME) -> None:
    """Show the keys, without the keys themselves. The owner's key of KEPU_ORGANISER_KEY is not among them."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "role", "added"):
        table.add_column(heading, overflow="fold")
    for entry in organisers.entries(_file(file, home)):
        table.add_row(entry.name, entry.role, f"{entry.added_at:%Y-%m-%d %H:%M} UTC")
    console.print(table)


@organisers_cli.command()
def end(name: Name, file: File = None, home: Home = UP_HOME) -> None:
    """End a key: nobody is let through with it any more."""
    organisers.end(_file(file, home), name)
    tell(f"The key of {name} has ended.")


def _file(file: Path | None, home: Path) -> Path:
    return file or home / ORGANISERS_FILE
