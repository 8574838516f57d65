"""The kepu command. Only wires: each group of commands has a module of its own."""

import signal
from types import FrameType
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from ops.commands.deployment import deployment_cli
from ops.commands.stack import stack_cli
from ops.commands.week import week_cli
from ops.stack import StackError
from ops.stack.process import ENDING
from shared.runtime.errors import Unavailable

FAILED = 1


class Commands(TyperGroup):
    """Says what went wrong in one sentence instead of a traceback, where the error was made to be read."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (StackError, Unavailable, ExceptionGroup) as error:
            first = _first(error)
            if not isinstance(first, (StackError, Unavailable)):
                raise
            Console(stderr=True, highlight=False).print(f"[red]kepu:[/] {escape(str(first))}", soft_wrap=True)
            raise typer.Exit(FAILED) from error


def _interrupt(signum: int, frame: FrameType | None) -> None:
    # Not an exception of its own: an event loop that runs answers Ctrl-C by cancelling what it runs.
    signal.raise_signal(signal.SIGINT)


def _first(error: Exception) -> Exception:
    """Of several that failed together the first says what went wrong."""
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="""
    Kepu Week: a city's Science & Technology Week as events.

    See it work:  kepu demo

    Try it out:  kepu up, kepu load my-week, kepu audit, kepu down

    Run it elsewhere:  kepu keys --file .env, kepu topics, kepu load --help

    Every command says more by --help.
    """,
)
app.add_typer(week_cli)
app.add_typer(deployment_cli)
app.add_typer(stack_cli, name="stack")


def main() -> None:
    """The program `kepu`. Every signal that ends it lets it stop what it has started, as Ctrl-C does."""
    for each in ENDING:
        # Whoever starts it by nohup wants it to go on.
        if signal.getsignal(each) == signal.SIG_DFL:
            signal.signal(each, _interrupt)
    app()


if __name__ == "__main__":
    main()
