"""kepu chaos: people take part while everything breaks, and what they were told is checked."""

import asyncio
import random
import shutil
from pathlib import Path
from typing import Annotated

import typer

from ops.chaos.child import Orders
from ops.chaos.history import Kind
from ops.chaos.report import show
from ops.chaos.rig import FEW_PARTS, PARTS, rigged
from ops.chaos.run import Plan, Run
from ops.chaos.schedule import KINDS, schedule
from ops.commands.play import PLAYED
from ops.commands.terminal import DEFAULT_HOME, Home, console, tell
from ops.errors import CommandError
from ops.local.services import Services
from ops.stack import Stack
from ops.stack.host import make_folder

DIFFERS = 1
# A run in which less was acknowledged shows nothing. For a minute of people who come.
LEAST_A_MINUTE: dict[Kind, int] = {
    "book": 20,
    "cancel": 3,
    "command": 5,
    "submit": 10,
    "save": 1,
    "read": 5,
    "confer": 1,
}
FAULTS, SHORT_FAULTS = 60, 8
SEED_MAX = 2**31

chaos_cli = typer.Typer()


@chaos_cli.command()
def chaos(
    home: Home = DEFAULT_HOME / "chaos",
    seed: Annotated[
        int | None, typer.Option(help="Which faults come, and when. By default another one each time.")
    ] = None,
    faults: Annotated[int, typer.Option(min=1, max=2_000, help="How many faults, at the least.")] = FAULTS,
    minutes: Annotated[float, typer.Option(min=0, max=600, help="How long people come, at the least.")] = 0,
    only: Annotated[
        str, typer.Option(help=f"Only faults of these kinds, with commas: {', '.join(KINDS)}.")
    ] = "",
    short: Annotated[bool, typer.Option("--short", help="Fewer processes and faults, for a minute.")] = False,
    people: Annotated[float, typer.Option(min=1, max=50, help="How many people come each second.")] = 6.0,
    nodes: Annotated[int, typer.Option(help="Nodes of Kafka and of MongoDB, 1 or 3.")] = 1,
) -> None:
    """
    Break everything while people take part, and check what they were told.

    Processes are killed, stand still, cannot reach their servers, have a wrong clock, or die at named places
    in the code. Everything that was asked and acknowledged is written to history.jsonl in the folder. In the
    end nothing that was acknowledged may be lost, doubled or different.

    The same faults again: kepu chaos --seed SEED. With three nodes those that lead are killed, and there are
    no faults of the network.

    Exits with 0 if nothing is amiss, else with 1.
    """
    chosen = [word for word in only.replace(",", " ").split() if word]
    if unknown := set(chosen) - set(KINDS):
        raise CommandError(f"there is no fault {', '.join(sorted(unknown))}: choose of {', '.join(KINDS)}")
    number = random.randrange(SEED_MAX) if seed is None else seed  # noqa: S311 (no secret)
    count = min(faults, SHORT_FAULTS) if short else faults
    clear(home)
    console.print(f"seed {number}; history and logs are in {home}", soft_wrap=True)
    with rigged(home, FEW_PARTS if short else PARTS, nodes=nodes, tell=tell) as rig:
        plan = Plan(number, schedule(number, count, rig.cast, chosen), minutes, people)
        run = Run(rig, plan, tell)
        least = {kind: int(most * max(1.0, minutes)) for kind, most in LEAST_A_MINUTE.items()}
        found = asyncio.run(run.run(least))
        for name in rig.cast.services:
            rig.order(name, Orders())
    show(found, console)
    if not found.agrees:
        raise typer.Exit(DIFFERS)


def clear(home: Path) -> None:
    """
    Remove the data of an earlier run, and nothing else.

    Raises:
        CommandError: the folder holds something else.
    """
    if home.exists():
        if not (home / PLAYED).exists():
            raise CommandError(f"{home} holds something else than an earlier run: name another --home")
        Services(Stack(home)).down()
        Stack(home).down()
        shutil.rmtree(home)
    make_folder(home)
    (home / PLAYED).touch()
