"""kepu load, keys, topics: for any deployment, on this machine or elsewhere."""

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ops.commands.terminal import UP_HOME, Home, console, progress, tell
from ops.commands.where import OrganiserKey, apis_of, url_of
from ops.deployment import keys
from ops.deployment.description import Apis
from ops.errors import CommandError
from ops.named import named_kafka
from ops.week import files, load
from ops.week.files import Week
from ops.week.load import Failure
from shared.contracts import topics
from shared.messaging.connection import Kafka
from shared.messaging.create_topics import add_partitions, create_missing, differing
from shared.messaging.publisher import GROWN_AFTER_SECONDS, METADATA_SECONDS_MAX
from shared.runtime.errors import Rejected

# The exit code when some pieces could not be loaded.
INCOMPLETE = 1
# From docker compose up until the last service listens, once the images are built.
DOCKER_START_SECONDS_MAX = 120.0

Extra = StrEnum("Extra", {name: name for name in topics.OPTIONAL})  # type: ignore[misc]
deployment_cli = typer.Typer()


Folder = Annotated[
    Path, typer.Argument(help="The folder of the week's five JSON files, as in sample/puyang-2023.")
]
Shift = Annotated[
    bool,
    typer.Option(
        "--shift-to-tomorrow",
        help="Move all times, to try things out: the first session is tomorrow, the contest is open now. "
        "Use it once: on another day it moves the sessions again, and people get a message.",
    ),
]
Past = Annotated[bool, typer.Option("--past", help="Load the week although all its sessions are over.")]
Docker = Annotated[
    bool,
    typer.Option("--docker", help="Load into the services of docker-compose.yml, with its secrets."),
]


@deployment_cli.command(name="load")
def load_command(
    folder: Folder,
    shift_to_tomorrow: Shift = False,
    past: Past = False,
    docker: Docker = False,
    organiser_key: OrganiserKey = None,
    registration: Annotated[str | None, url_of("registration")] = None,
    quiz: Annotated[str | None, url_of("quiz")] = None,
    awards: Annotated[str | None, url_of("awards")] = None,
    home: Home = UP_HOME,
) -> None:
    """
    Load a week of your own: activities, groups, quiz and schemes. Loading again changes nothing.

    When a service refuses something, the rest is loaded all the same. The command then lists what was
    refused, with the reasons, and exits with 1. Correct the files and load again.

    Into the week of kepu up:  kepu load my-week

    Into docker compose:  kepu load my-week --docker

    Elsewhere:  KEPU_ORGANISER_KEY=… kepu load my-week --registration URL --quiz URL --awards URL
    """
    week = files.read(folder)
    if shift_to_tomorrow:
        week = files.from_tomorrow(week, datetime.now(UTC))
    elif week.is_over and not past:
        raise CommandError(
            f"all sessions of {folder} are over, so nobody could register: change its times, "
            "or use --shift-to-tomorrow to try it out, or --past to load it all the same"
        )
    named = {"registration": registration, "quiz": quiz, "awards": awards}
    found = apis_of(named, organiser_key, home, docker=docker)
    if load_pieces(week, found, DOCKER_START_SECONDS_MAX if docker else 0.0):
        raise typer.Exit(INCOMPLETE)


@deployment_cli.command(name="keys")
def keys_command(
    file: Annotated[
        Path | None,
        typer.Option(
            help="Write the secrets to this new file, which only you can read. By default they are printed."
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Write each secret to a file of its own, in this new folder which only you can enter."
        ),
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option("--kept", help="Make none: take those of this file, which kepu keys --file has made."),
    ] = None,
) -> None:
    """
    Make a fresh set of secrets for a deployment: kepu keys --folder deploy/secrets

    For programs that read an .env file: kepu keys --file .env

    Each call makes other secrets. Keep a copy: what was sealed with lost secrets can never be opened again.
    """
    made = keys.read(kept) if kept else keys.fresh()
    if folder is not None:
        keys.write_folder(folder, made)
    if file is not None:
        keys.write(file, keys.as_env(made))
    if file is None and folder is None:
        typer.echo(keys.as_env(made), nl=False)


@deployment_cli.command(name="topics")
def topics_command(
    kafka: Annotated[str, typer.Option(envvar="KEPU_KAFKA", help="Bootstrap servers, host:port.")],
    replication: Annotated[
        int,
        typer.Option(
            envvar="KEPU_KAFKA_REPLICATION",
            min=0,
            max=5,
            help="On how many brokers each topic is kept; 0: on all, but at most on three.",
        ),
    ] = 0,
    partitions: Annotated[
        str | None,
        typer.Option(
            metavar="TOPIC=COUNT", help="Give a topic more partitions: quiz.submitted=24, also in the week."
        ),
    ] = None,
    extra: Annotated[
        list[Extra] | None,
        typer.Option("--with", help="Also create the topics that only this optional service needs."),
    ] = None,
) -> None:
    """
    Create the topics that your own Kafka does not have yet.

    Topics that exist stay as they are. Their settings that are not as declared are printed.

    With --partitions quiz.submitted=24 more workers of quiz can grade. The first submission of an attempt
    still counts.
    """
    where = named_kafka(kafka)
    if partitions is not None:
        _add_partitions(where, partitions)
        return
    wanted = topics.with_optional(one.value for one in extra or ())
    created = asyncio.run(create_missing(where, replication, wanted))
    for name in created:
        console.print(name)
    console.print(f"{len(created)} created, {len(wanted) - len(created)} were there before.")
    for line in asyncio.run(differing(where, wanted, replication)):
        console.print(f"other than declared: {line}", markup=False)


def _add_partitions(kafka: Kafka, wanted: str) -> None:
    topic, _, count = wanted.partition("=")
    if not count.isdecimal():
        raise CommandError(f"{wanted} does not say which topic gets how many partitions: quiz.submitted=24")
    try:
        before = asyncio.run(add_partitions(kafka, topic, int(count)))
    except Rejected as error:
        raise CommandError(error.message) from error
    console.print(f"{topic} has {count} partitions; it had {before}.")
    console.print(
        f"In {GROWN_AFTER_SECONDS + METADATA_SECONDS_MAX:.0f} s all services use them.", markup=False
    )


def load_pieces(week: Week, apis: Apis, wait_seconds_max: float = 0.0) -> list[Failure]:
    """Load a week with a progress display. Print, and return, what could not be loaded and why."""
    pieces = load.pieces(week)
    with progress({"load": len(pieces)}) as advance:
        failures = load.load(pieces, apis, lambda _: advance("load", 1), wait_seconds_max)
    done = len(pieces) - len(failures)
    tell(f"{done} of {len(pieces)} loaded: groups, activities, the quiz with its questions, and schemes")
    if failures:
        table = Table("not loaded", "code", "reason", box=None, pad_edge=False)
        for failure in failures:
            table.add_row(*map(escape, (failure.piece, failure.code, failure.reason)))
        console.print(table)
    return failures
