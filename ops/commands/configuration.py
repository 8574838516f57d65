"""kepu check-config, acls: before a deployment is started."""

import os
import shlex
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ops.commands.terminal import console, tell
from ops.deployment import access
from ops.deployment.access import Grant
from ops.deployment.configuration import findings, settings_of, variables_in
from ops.deployment.description import EVERY, SERVICES
from ops.deployment.reachable import problems
from shared.runtime.settings import WRONG_SETTINGS
from shared.runtime.variables import taken_from

ServiceName = StrEnum("ServiceName", {name: name for name in EVERY})  # type: ignore[misc]
CONFIG = "admin.properties"

configuration_cli = typer.Typer()


@configuration_cli.command(name="check-config")
def check_config(
    service: Annotated[
        ServiceName | None,
        typer.Argument(help="Check the settings of this service. By default of all that always run."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Read the variables from this .env file, not from the environment.")
    ] = None,
    connect: Annotated[
        bool,
        typer.Option("--connect", help="Also log in at Kafka and MongoDB, and ask Kafka what is allowed."),
    ] = False,
) -> None:
    """
    Name every setting that is wrong, missing or unknown. No value is shown.

    It reads what a service would read at its start. Exit code 2: something is wrong.
    """
    environment = os.environ if file is None else variables_in(file)
    services = SERVICES if service is None else (service.value,)
    found = list(findings(environment, services))
    if not found and connect:
        with taken_from(environment):
            found = _of_all({name: list(problems(name, settings_of(name)())) for name in services})
    for line in found:
        tell(line)
    if found:
        raise typer.Exit(WRONG_SETTINGS)
    console.print(f"[green]right:[/] {escape(', '.join(services))}")


@configuration_cli.command()
def acls(
    prefix: Annotated[
        str, typer.Option(help="What the names of users begin with: with kepu-, quiz is the user kepu-quiz.")
    ] = "kepu-",
    other: Annotated[
        list[str] | None,
        typer.Option(help="A user of another system, which sends commands. May be repeated."),
    ] = None,
) -> None:
    """
    Print Kafka's own commands that let each service do what it has to, and nothing else.

    Each service logs in as a user of its own, also those that run only where somebody asks for them.
    Operators use the user kepu-operator.
    """
    users = {f"{prefix}{name}": access.of_service(name) for name in EVERY}
    users[f"{prefix}operator"] = access.of_operators()
    users[f"{prefix}partners"] = access.of_bridge()
    users |= {name: access.of_another_system() for name in other or ()}
    for user, grants in users.items():
        tell(f"# {user}")
        for command in commands_of(user, grants):
            tell(shlex.join(command).replace("'$KEPU_KAFKA'", "$KEPU_KAFKA"))


def commands_of(user: str, grants: Sequence[Grant]) -> Iterator[list[str]]:
    """Kafka's own commands that grant this to a user."""
    for grant in grants:
        if grant.names:
            named = [part for name in grant.names for part in (f"--{grant.kind}", name)]
            allowed = [
                part
                for operation in grant.operations
                for part in ("--operation", "".join(word.capitalize() for word in operation.split("_")))
            ]
            if grant.prefixed:
                named += ["--resource-pattern-type", "prefixed"]
            where = ["--bootstrap-server", "$KEPU_KAFKA", "--command-config", CONFIG]
            yield ["kafka-acls.sh", *where, "--add", "--allow-principal", f"User:{user}", *allowed, *named]


def _of_all(found: dict[str, list[str]]) -> list[str]:
    """Each sentence once, with the services that it concerns unless these are all."""
    whose: dict[str, list[str]] = {}
    for service, lines in found.items():
        for line in lines:
            whose.setdefault(line, []).append(service)
    return [
        line if len(services) == len(found) else f"{line} ({', '.join(services)})"
        for line, services in whose.items()
    ]
