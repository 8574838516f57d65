"""kepu drill, kepu upgrade: what operators do after a loss and with a new release, on real servers."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ops.audit.report import show
from ops.commands.play import DIFFERS, fresh
from ops.commands.terminal import DEFAULT_HOME, Home, console, tell
from ops.drills.restore import Drill
from ops.drills.upgrade import Upgrade
from ops.errors import CommandError

drill_cli = typer.Typer()


@drill_cli.command()
def drill(
    home: Home = DEFAULT_HOME / "drill",
    people: Annotated[int, typer.Option(min=5, max=2_000, help="How many come at each step.")] = 100,
) -> None:
    """
    Practise the restore of a backup: lose Kafka and MongoDB, then MongoDB alone, and audit each time.

    Starts all that it needs, and stops it at the end. Takes three minutes. Exits with 0 if every audit
    agrees, else with 1.
    """
    with fresh(home) as services:
        found = Drill(services, people, tell).run()
    for name, one in found.items():
        tell(f"\n{name}")
        show(one, console)
    if not all(one.agrees for one in found.values()):
        raise typer.Exit(DIFFERS)


@drill_cli.command()
def upgrade(
    release: Annotated[
        Path,
        typer.Option("--from", metavar="FOLDER", help="A checkout of the other release, after `make setup`."),
    ],
    home: Home = DEFAULT_HOME / "upgrade",
) -> None:
    """
    Practise an upgrade: the processes of another release are replaced one by one, while people take part.

    Both releases work on the same topics and databases until the last one is replaced. Then the contest is
    closed and the week is audited. Takes two minutes. Exits with 0 if the audit agrees, else with 1.
    """
    if not (release / ".venv/bin/python").exists():
        raise CommandError(f"{release} has no .venv: run `make setup` there first")
    with fresh(home, release=release) as services:
        found = asyncio.run(Upgrade(services, tell).run())
    show(found, console)
    if not found.agrees:
        raise typer.Exit(DIFFERS)
