"""
One short run of chaos with the faults that are named, for somebody who knows what should go wrong.

    python -m tests.ops.chaos.meta.focused [KIND/VICTIMS/SECONDS/DETAIL…]

Exits with 0 if nothing is amiss, else with 1. Anything else means that the run could not be made.
With CHAOS_KEPT=FOLDER a run in which something is amiss leaves its history, logs and data in that folder.
"""

import asyncio
import os
import shutil
import sys
import time
from pathlib import Path

from rich.console import Console

from ops.chaos.history import Kind
from ops.chaos.report import show
from ops.chaos.rig import FEW_PARTS, rigged
from ops.chaos.run import Plan, Run
from ops.chaos.schedule import Fault
from ops.deployment.settle import NotAtRest
from ops.stack.scratch import in_memory, scratch

KEPT_FOLDER = "CHAOS_KEPT"
PEOPLE_A_SECOND = 12.0
# So that small sessions are full, some wait and some cancel.
MINUTES = 0.12
SETTLED_SECONDS_MAX = 60.0
LEAST: dict[Kind, int] = {"book": 20, "command": 5, "submit": 10}
console = Console(highlight=False, soft_wrap=True, width=140)


def main(words: list[str]) -> int:
    """Run; returns the exit code."""
    faults = [fault_of(word) for word in words]
    plan = Plan(0, faults, MINUTES, PEOPLE_A_SECOND, 0.5, settled_seconds_max=SETTLED_SECONDS_MAX)
    with (
        scratch("kepu-meta-", within=in_memory()) as folder,
        rigged(folder / "chaos", FEW_PARTS, tell=console.print) as rig,
    ):
        try:
            found = asyncio.run(Run(rig, plan, console.print).run(LEAST))
        except NotAtRest as error:
            # Something is never done: that is amiss too.
            console.print(f"not at rest: {error}", markup=False)
            found = None
        finally:
            for name in (*rig.services.names, *rig.stack.names):
                rig.kill(name)
        if found is not None:
            show(found, console)
        if found is not None and found.agrees:
            return 0
        _keep(rig.services.home)
        return 1


def _keep(home: Path) -> None:
    """Keep what shows what went wrong, if somebody has named a folder for it."""
    if folder := os.environ.get(KEPT_FOLDER):
        kept = Path(folder) / f"{time.strftime('%Y%m%d-%H%M%S')}"
        shutil.copytree(home, kept, ignore=shutil.ignore_patterns("*.lock"))
        console.print(f"kept in {kept}")


def fault_of(word: str) -> Fault:
    """The fault that a word of the command line names."""
    kind, victims, seconds, detail = [*word.split("/"), ""][:4]
    return Fault(kind, tuple(victims.split("+")), float(seconds), detail)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
