"""python -m bench: measures the lines, shows tables, and writes all figures down."""

import importlib
import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench import report
from bench.bench import ROUNDS, Bench
from bench.contest import Contest
from bench.lab import Lab
from bench.load import client
from bench.preload import TRANSACTION_MS_MAX
from bench.report import Outcome
from ops.errors import CommandError
from ops.stack import Stack
from ops.stack.host import allow_open_files, make_folder
from ops.stack.kafka import TRANSACTION_MS_VARIABLE
from ops.stack.scratch import scratch

FAILED = 1
RESULTS = Path(__file__).parent.parent / ".kepu" / "bench"
LINES = {
    "intake": "submissions taken in, against a bare endpoint and the naive way",
    "autosave": "answers saved, against a bare endpoint",
    "grading": "submissions graded, against a minimal loop, one at a time, and Quix Streams",
    "chain": "the cost of start, submit, grade, rank, award, tell, against the sum of bare parts",
    "issuing": "100,000 awards at one close, and by a late scheme, against bare inserts and publishes",
    "peak": "the chain for minutes at the peak hour's rate, and its ceiling",
    "burst": "10,000 participants start at one moment and submit at one",
    "pages": "10,000 browsers open the contest's page and start, through the edge",
    "registration": "10,000 people, 500 places and a waiting list",
    "growth": "the cost with 120,000 and with 1,200,000 stored, taking turns",
    "overload": "far beyond capacity: 503s, no loss, and back to normal",
    "scale": "intake and grading by 1, 2 and 4 processes",
    "capacity": "costs of one person for kepu capacity, and a rush against what it computes",
    "rank": "one's own rank among 1,000,000, against counting who is better",
}
HELP = (
    """
Measure Kepu Week on this machine, each line side by side with its baseline.

Starts all that it needs (Kafka, MongoDB, services, baselines, a compiled load client) in a temporary folder,
and stops and removes it afterwards. Without a LINE it measures all lines, in this order:

"""
    + "\n\n".join(f"{name}: {what}" for name, what in LINES.items())
    + """

Exits with 1 if a run failed: errors, or an audit that does not agree. A slow run has not failed; the table
says which of the wanted figures are met. What every line means: docs/performance.md.

Examples: python -m bench intake grading, python -m bench --short, python -m bench chain --keep
"""
)

app = typer.Typer(add_completion=False, rich_markup_mode=None)
# In a file the tables may be wider than a small window.
console = Console(highlight=False) if Console().is_terminal else Console(highlight=False, width=140)


@app.command(help=HELP)
def main(
    lines: Annotated[
        list[str] | None, typer.Argument(help="The lines to run. By default all.", show_default=False)
    ] = None,
    short: Annotated[
        bool,
        typer.Option("--short", help="Run every line once in small, as a test: the figures mean little."),
    ] = False,
    repeat: Annotated[
        int, typer.Option(min=1, max=20, help="How often each variant is measured. Once with --short.")
    ] = ROUNDS,
    out: Annotated[
        Path | None, typer.Option(help="The JSON file with all figures. By default under .kepu/bench.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the folder with logs and data.")] = False,
) -> None:
    chosen = lines or list(LINES)
    if unknown := [name for name in chosen if name not in LINES]:
        raise typer.BadParameter(f"there is no line {', '.join(unknown)}: choose from {', '.join(LINES)}")
    started = datetime.now().astimezone()
    out = out or RESULTS / f"{started:%Y%m%d-%H%M%S}{'-short' if short else ''}.json"
    # The processes started here inherit the limit. A burst has thousands of connections.
    allow_open_files()
    # Submissions are put into the log within one transaction.
    os.environ[TRANSACTION_MS_VARIABLE] = str(TRANSACTION_MS_MAX)
    of_machine = report.machine()
    outcomes: list[Outcome] = []
    folder = RESULTS / f"run-{started:%Y%m%d-%H%M%S}" if keep else None
    with scratch("kepu-bench-") as temporary:
        home = folder or temporary
        make_folder(home)
        console.print("Starting Kafka and MongoDB …")
        client.build()
        with Stack(home, detached=False, tell=console.print) as stack:
            lab = Lab(stack, Contest.of_now(), lasting=short)
            try:
                for name in chosen:
                    outcomes.append(_run(name, lab, short, 1 if short else repeat))
                    outcomes[-1].show(console)
                    settings = {"short": short, "repeat": repeat, "lines": chosen}
                    # After each line: nothing is lost if a later line is interrupted.
                    report.write(out, outcomes, settings, of_machine)
            finally:
                lab.stop()
    console.print(f"\nAll of it as JSON: {out}")
    if any(outcome.problems for outcome in outcomes):
        raise typer.Exit(FAILED)


def _run(name: str, lab: Lab, short: bool, rounds: int) -> Outcome:
    run: Callable[[Bench], Outcome] = importlib.import_module(f"bench.lines.{name}").run
    columns: tuple[Any, ...] = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    started = time.monotonic()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name)

        def tell(text: str) -> None:
            progress.update(task, description=f"{name}: {text}")
            if not console.is_terminal:
                console.print(f"{time.monotonic() - started:6.0f} s  {name}: {text}")

        try:
            outcome = run(Bench(lab, short, rounds, tell))
        except CommandError as error:
            outcome = Outcome(name, LINES[name], problems=[str(error)])
    outcome.seconds = time.monotonic() - started
    return outcome


if __name__ == "__main__":
    app()
