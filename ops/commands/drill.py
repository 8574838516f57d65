"""kepu drill: what operators do after a loss, practised on real servers."""

from typing import Annotated

import typer

from ops.audit.report import show
from ops.commands.play import DIFFERS, fresh
from ops.commands.terminal import DEFAULT_HOME, Home, console, tell
from ops.drills.restore import Drill

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
