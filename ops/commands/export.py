"""kepu export-registrations: who comes to a session, as a file, with names if there is a reason."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ops.commands.terminal import UP_HOME, Home, tell
from ops.commands.where import OrganiserKey, apis_of, url_of
from ops.deployment.export import export
from ops.errors import CommandError

export_cli = typer.Typer()


@export_cli.command(name="export-registrations")
def export_command(
    session_id: Annotated[str, typer.Argument(help="The session, such as outreach-street-0520-am.")],
    file: Annotated[Path, typer.Option(help="A new file, .csv or .xlsx; only you can read it.")],
    with_names: Annotated[
        bool,
        typer.Option("--with-names", help="With names and contacts. The key's role has to be organiser."),
    ] = False,
    reason: Annotated[
        str | None,
        typer.Option(help="Why you need the names. The log of acts keeps it, so write no name into it."),
    ] = None,
    docker: Annotated[
        bool,
        typer.Option("--docker", help="From the services of docker-compose.yml, with its secrets."),
    ] = False,
    organiser_key: OrganiserKey = None,
    registration: Annotated[str | None, url_of("registration")] = None,
    notifications: Annotated[str | None, url_of("notifications")] = None,
    home: Home = UP_HOME,
) -> None:
    """
    Write the registrations of a session into a file.

    Names and contacts are opened by notifications, which keeps who opened how many, when and why.

    kepu export-registrations SESSION --file list.xlsx --with-names --reason "seats for the opening"
    """
    if with_names != bool(reason):
        raise CommandError("names are opened with --with-names and a --reason, both or none")
    named = {"registration": registration, "notifications": notifications}
    apis = apis_of(named, organiser_key, home, docker=docker)
    count = asyncio.run(export(apis, session_id, file, reason))
    tell(f"{count} registrations are in {file}.")
