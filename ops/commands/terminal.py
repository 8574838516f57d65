"""What several commands share: the terminal that they print on, and the option --home."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

DEFAULT_HOME = Path(".kepu")
# The folder of kepu up, so that kepu stack and kepu audit find its servers.
UP_HOME = DEFAULT_HOME / "up"

Home = Annotated[
    Path,
    typer.Option(
        "--home", envvar="KEPU_HOME", help="Folder of the servers' data and logs.", rich_help_panel="Where"
    ),
]

Brokers = Annotated[
    int | None,
    typer.Option(
        help="Nodes of Kafka, 1 or 3. By default as many as the folder has, and one in a new folder.",
        rich_help_panel="Where",
    ),
]
MongoNodes = Annotated[
    int | None,
    typer.Option(help="Members of MongoDB's replica set, likewise.", rich_help_panel="Where"),
]

console = Console(highlight=False)


def tell(text: str) -> None:
    """Print a line without breaking it, so that an address or a path in it can be copied."""
    console.print(text, soft_wrap=True, markup=False)


def told_in_quarters(say: Callable[[str], None]) -> Callable[[int, int], None]:
    """Says how far long reading is, at most once for each quarter; nothing if it is short."""
    said = 0

    def told(done: int, total: int) -> None:
        nonlocal said
        quarter = done * 4 // max(1, total)
        if done < total and quarter > said:
            said = quarter
            say(f"read {done:,} of {total:,} records …")

    return told


@contextmanager
def progress(totals: Mapping[str, int]) -> Iterator[Callable[[str, int], None]]:
    """
    Show how far long work is: a bar for each stage. Where there is no terminal, a line for each quarter.

    Yields: a function that counts up a stage.
    """
    columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    counts = dict.fromkeys(totals, 0)
    with Progress(*columns, console=console) as bars:
        tasks = {stage: bars.add_task(stage, total=total) for stage, total in totals.items()}

        def advance(stage: str, count: int) -> None:
            bars.advance(tasks[stage], count)
            before, total = counts[stage], max(1, totals[stage])
            counts[stage] += count
            if not console.is_terminal and counts[stage] * 4 // total > before * 4 // total:
                console.print(f"{stage}: {counts[stage]} of {total}")

        yield advance
