"""kepu load, keys, topics: what any deployment needs, on this machine or elsewhere."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ops.commands.stack import UP_HOME, Home, tell
from ops.deployment import keys
from ops.local.services import Services
from ops.stack import Stack, StackError
from ops.week import files as week
from shared.contracts import topics

INCOMPLETE = 1
# From docker compose up until the last service listens; the images are there then.
DOCKER_START_SECONDS_MAX = 120.0

deployment_cli = typer.Typer()
console = Console(highlight=False)


@deployment_cli.command(name="load")
def load_command(
    folder: Annotated[Path, typer.Argument(help="A week's five JSON files, as in sample/puyang-2023.")],
    shift_to_tomorrow: Annotated[
        bool,
        typer.Option(
            "--shift-to-tomorrow",
            help="Move all times so that the first session is tomorrow and the contest is open now, to try "
            "things out. Say it once: on another day it moves the sessions again, and tells their people so.",
        ),
    ] = False,
    past: Annotated[bool, typer.Option("--past", help="Load it although all its sessions are over.")] = False,
    docker: Annotated[
        bool, typer.Option("--docker", help="Into docker-compose.yml's services, with the key in .env.")
    ] = False,
    organiser_key: Annotated[
        str | None,
        typer.Option(
            envvar="KEPU_ORGANISER_KEY",
            help="The organisers' key, for services elsewhere.",
            rich_help_panel="Where",
        ),
    ] = None,
    registration: Annotated[
        str | None, typer.Option(help="Registration's URL.", rich_help_panel="Where")
    ] = None,
    quiz: Annotated[str | None, typer.Option(help="Quiz's URL.", rich_help_panel="Where")] = None,
    awards: Annotated[str | None, typer.Option(help="Awards' URL.", rich_help_panel="Where")] = None,
    home: Home = UP_HOME,
) -> None:
    """
    Load a week of your own: activities, groups, quiz and schemes. Loading again changes nothing.

    All that can be loaded is; what is refused is listed with its reason, and the command then exits with 1.
    Mend the files and load again.

    Into the week of kepu up:  kepu load my-week

    Into docker compose:  kepu load my-week --docker

    Elsewhere:  KEPU_ORGANISER_KEY=… kepu load my-week --registration URL --quiz URL --awards URL
    """
    loaded = week.read(folder)
    if shift_to_tomorrow:
        loaded = week.from_tomorrow(loaded, datetime.now(UTC))
    elif loaded.is_over and not past:
        raise StackError(
            f"all sessions of {folder} are over, so nobody could register: change its times, "
            "or say --shift-to-tomorrow to try it out, or --past"
        )
    told = {"registration": registration, "quiz": quiz, "awards": awards}
    if docker:
        urls = week.DOCKER_URLS
        key = organiser_key or keys.read(Path(".env"))["KEPU_ORGANISER_KEY"]
    else:
        services = Services(Stack(home))
        urls = {name: url or services.url(name) for name, url in told.items()}
        key = organiser_key or services.secrets["KEPU_ORGANISER_KEY"]
    if load_pieces(loaded, urls, key, DOCKER_START_SECONDS_MAX if docker else 0.0):
        raise typer.Exit(INCOMPLETE)


@deployment_cli.command(name="keys")
def keys_command(
    file: Annotated[
        Path | None,
        typer.Option(
            help="Write them to this new file, which only you can read; by default they are printed."
        ),
    ] = None,
) -> None:
    """
    Make a fresh set of secrets for a deployment, as lines of an .env file: kepu keys --file .env

    Each call makes others. Who loses them can no longer open what was sealed with them: keep a copy.
    """
    if file is None:
        typer.echo(keys.as_env(keys.fresh()), nl=False)
    else:
        keys.write(file, keys.as_env(keys.fresh()))


@deployment_cli.command(name="topics")
def topics_command(
    kafka: Annotated[str, typer.Option(envvar="KEPU_KAFKA", help="Bootstrap servers, host:port.")],
    replication: Annotated[int, typer.Option(envvar="KEPU_KAFKA_REPLICATION", min=1, max=5)] = 1,
) -> None:
    """Create the topics that a Kafka of one's own does not have yet; leave the others as they are."""
    created = asyncio.run(topics.create_missing(kafka, replication))
    for name in created:
        console.print(name)
    console.print(f"{len(created)} created, {len(topics.ALL) - len(created)} were there.")


def load_pieces(
    loaded: week.Week, urls: Mapping[str, str], organiser_key: str, patience_seconds: float = 0.0
) -> list[week.Failure]:
    """Load with a progress display, and say what could not be loaded and why."""
    pieces = week.pieces(loaded)
    columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("load", total=len(pieces))
        failures = week.load(pieces, urls, organiser_key, lambda _: progress.advance(task), patience_seconds)
    done = len(pieces) - len(failures)
    tell(f"{done} of {len(pieces)} loaded: groups, activities, the quiz with its questions, and schemes")
    if failures:
        table = Table("not loaded", "code", "reason", box=None, pad_edge=False)
        for failure in failures:
            table.add_row(*map(escape, (failure.piece, failure.code, failure.reason)))
        console.print(table)
    return failures
