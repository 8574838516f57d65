"""Which services a command talks to: those of this machine, of docker compose, or elsewhere."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ops.deployment import keys
from ops.deployment.description import DOCKER_URLS, Apis
from ops.local.services import Services
from ops.named import named_kafka, value_of
from ops.stack import Stack
from shared.messaging.connection import Kafka
from shared.runtime.variables import FILE

# The secrets of docker-compose.yml.
SECRETS = Path("deploy/secrets")

OrganiserKey = Annotated[
    str | None,
    typer.Option(
        envvar="KEPU_ORGANISER_KEY",
        help="An organiser's key, for services elsewhere: KEPU_ORGANISER_KEY, or another one.",
        rich_help_panel="Where",
    ),
]


KafkaServers = Annotated[
    str | None,
    typer.Option(
        envvar="KEPU_KAFKA",
        help="Bootstrap servers, host:port, of a deployment elsewhere; localhost:9092 for docker compose. "
        "KEPU_KAFKA_SECURITY and so on say how to log in there.",
        rich_help_panel="Where",
    ),
]


Mongo = Annotated[
    str | None,
    typer.Option(
        envvar="KEPU_MONGO",
        help="MongoDB's address, for a deployment elsewhere; from this machine into docker compose: "
        "mongodb://127.0.0.1:27017/?directConnection=true.",
        rich_help_panel="Where",
    ),
]


def url_of(service: str) -> Any:
    """The option with a service's URL."""
    return typer.Option(help=f"URL of the {service} service.", rich_help_panel="Where")


def apis_of(named: Mapping[str, str | None], organiser_key: str | None, home: Path, *, docker: bool) -> Apis:
    """The services at the URLs that were named. The others are those of this machine."""
    organiser_key = organiser_key or value_of("KEPU_ORGANISER_KEY")
    if docker:
        return Apis(DOCKER_URLS, organiser_key or keys.read_folder(SECRETS, "KEPU_ORGANISER_KEY"))
    urls = {service: url for service, url in named.items() if url}
    if len(urls) == len(named) and organiser_key:
        return Apis(urls, organiser_key)
    here = Services(Stack(home)).apis
    return Apis({**here.urls, **urls}, organiser_key or here.organiser_key)


def stack_of(kafka: str | None, mongo: str | None, home: Path) -> Stack:
    """The servers that were named. Those that were not are this machine's."""
    named = {name: value for name, value in (("KEPU_KAFKA", kafka), ("KEPU_MONGO", mongo)) if value}
    # A file that the environment names would be a second answer.
    files = {name + FILE: "" for name in named}
    return Stack(home, environment={**os.environ, **files, **named})


def kafka_of(named: str | None, home: Path) -> Kafka:
    """The Kafka that was named, or that of this machine."""
    return named_kafka(named) if named else Stack(home).kafka_connection
