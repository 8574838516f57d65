"""The kepu command: puts the groups of commands together. Each group has a module in ops/commands."""

import logging
import signal
from types import FrameType
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from ops.commands.capacity import capacity_cli
from ops.commands.chaos import chaos_cli
from ops.commands.configuration import configuration_cli
from ops.commands.contracts import contracts_cli
from ops.commands.credentials import credentials_cli
from ops.commands.dead import dead_cli
from ops.commands.deployment import deployment_cli
from ops.commands.door import door_cli
from ops.commands.draw import draw_cli
from ops.commands.drill import drill_cli
from ops.commands.explore import explore_cli
from ops.commands.export import export_cli
from ops.commands.incidents import incidents_cli
from ops.commands.organisers import organisers_cli
from ops.commands.partner import partner_cli
from ops.commands.play import play_cli
from ops.commands.replay import replay_cli
from ops.commands.stack import stack_cli
from ops.commands.trace import trace_cli
from ops.commands.transactions import transactions_cli
from ops.commands.week import week_cli
from ops.errors import CommandError
from ops.stack.process import ENDING
from shared.runtime.errors import Unavailable

FAILED = 1


class Commands(TyperGroup):
    """Prints an error that is made for the user as one sentence. Other errors keep their traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (CommandError, Unavailable, ExceptionGroup) as error:
            first = _first(error)
            if not isinstance(first, (CommandError, Unavailable)):
                raise
            Console(stderr=True, highlight=False).print(f"[red]kepu:[/] {escape(str(first))}", soft_wrap=True)
            raise typer.Exit(FAILED) from error


def _interrupt(signum: int, frame: FrameType | None) -> None:
    # As Ctrl-C: a running event loop then cancels its tasks, so each of them can clear up.
    signal.raise_signal(signal.SIGINT)


def _first(error: Exception) -> Exception:
    """The first of several errors that were raised together: it caused the others."""
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="""
    Kepu Week: a city's Science & Technology Week as events.

    See it work:  kepu demo

    Try it out:  kepu up, kepu load my-week, kepu audit, kepu down

    Run it elsewhere:  kepu keys --file .env, kepu check-config, kepu topics, kepu load --help

    What could not be handled:  kepu dead list

    See events as they come, and write one:  kepu listen, kepu emit --list

    Where an id is, and what is missing:  kepu trace ID

    Whom a change of an event would break:  kepu contracts check

    Read topics again:  kepu replay --group quiz-grading --from 2h

    A partition that nobody reads on:  kepu transactions

    Every command explains itself: kepu load --help
    """,
)
app.add_typer(play_cli)
app.add_typer(chaos_cli)
app.add_typer(incidents_cli)
app.add_typer(drill_cli)
app.add_typer(capacity_cli)
app.add_typer(week_cli)
app.add_typer(deployment_cli)
app.add_typer(configuration_cli)
app.add_typer(export_cli)
app.add_typer(organisers_cli, name="organisers")
app.add_typer(partner_cli, name="partner")
app.add_typer(door_cli, name="door")
app.add_typer(credentials_cli, name="credential")
app.add_typer(draw_cli, name="draw")
app.add_typer(dead_cli, name="dead")
app.add_typer(stack_cli, name="stack")
app.add_typer(contracts_cli, name="contracts")
app.add_typer(trace_cli)
app.add_typer(explore_cli)
app.add_typer(replay_cli)
app.add_typer(transactions_cli)


def main() -> None:
    """The program `kepu`. At SIGTERM or SIGHUP it stops what it has started, as at Ctrl-C."""
    # A broker that does not answer is told by the command itself, once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    for each in ENDING:
        # A signal that is ignored stays ignored: nohup starts programs so.
        if signal.getsignal(each) == signal.SIG_DFL:
            signal.signal(each, _interrupt)
    app()


if __name__ == "__main__":
    main()
