"""
People take part while everything breaks, and what they were told holds: the short form of `make chaos`.

A fault of each kind that is over soon, of four processes. `make chaos` has all of them, in the long form.
"""

import asyncio
from collections.abc import Iterator

import pytest

from ops.chaos.history import Kind
from ops.chaos.report import show
from ops.chaos.rig import FEW_PARTS, Rig, rigged
from ops.chaos.run import Plan, Run
from ops.chaos.schedule import Fault
from ops.commands.terminal import console
from ops.stack.scratch import in_memory, scratch

pytestmark = [pytest.mark.stack, pytest.mark.own_servers]

FAULTS = (
    Fault("several", ("registration", "quiz-worker"), 0.2),
    Fault("swallow", ("registration",), 1.0, "mongo"),
    Fault("cut", ("quiz-worker",), 1.0, "kafka"),
    Fault("clock", ("quiz",), 1.0, "+90 s"),
    Fault("crash", ("quiz-worker",), 0.0, "after_publish_before_commit"),
)
LEAST: dict[Kind, int] = {
    "book": 20,
    "cancel": 2,
    "command": 5,
    "submit": 10,
    "save": 1,
    "read": 5,
    "confer": 1,
}


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Registration, quiz and awards behind proxies, on servers of their own."""
    with (
        scratch("kepu-own-", within=in_memory()) as folder,
        rigged(folder / "chaos", FEW_PARTS, tell=console.print) as rig,
    ):
        yield rig
        for name in (*rig.services.names, *rig.stack.names):
            # What they would write at an orderly end is read by nobody.
            rig.kill(name)


def test_what_was_acknowledged_holds_though_everything_breaks(rig: Rig) -> None:
    plan = Plan(seed=0, faults=FAULTS, people_a_second=12.0, pause_seconds=0.0)
    found = asyncio.run(Run(rig, plan, console.print).run(LEAST))
    show(found, console)
    assert (found.lost, found.doubled, found.wrong) == (0, 0, 0)
    assert len(found.suffered) == len(FAULTS)
