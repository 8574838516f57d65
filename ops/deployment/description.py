"""Where a deployment is, and its keys: taken by the demo, the audit, `kepu load` and the bench."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.errors import CommandError
from shared.messaging.connection import Kafka

SERVICES = ("registration", "quiz", "awards", "notifications")
# Services that run only where somebody asks for them.
OPTIONAL = ("webhooks", "overview")
EVERY = SERVICES + OPTIONAL
# The ports of docker-compose.yml.
DOCKER_URLS = {
    "registration": "http://127.0.0.1:8001",
    "quiz": "http://127.0.0.1:8002",
    "awards": "http://127.0.0.1:8003",
    "notifications": "http://127.0.0.1:8004",
}


class AddressUnknown(CommandError):
    """Nobody has said where a service listens."""


@dataclass(frozen=True, slots=True)
class Apis:
    """The HTTP APIs of a deployment: the URL of each service by its name, and the organisers' key."""

    urls: Mapping[str, str]
    organiser_key: str

    def url(self, service: str) -> str:
        """
        Where a service listens.

        Raises:
            AddressUnknown: no URL was given for it.
        """
        if service not in self.urls:
            raise AddressUnknown(
                f"{service} has no address: start the week first (kepu up), or name its URL (--{service})"
            )
        return self.urls[service]

    @property
    def registration(self) -> str:
        return self.url("registration")

    @property
    def quiz(self) -> str:
        return self.url("quiz")

    @property
    def awards(self) -> str:
        return self.url("awards")

    @property
    def organiser(self) -> dict[str, str]:
        """The headers of an organiser's request."""
        return {"X-Organiser-Key": self.organiser_key}


@dataclass(frozen=True, slots=True)
class Deployment:
    """
    A whole deployment.

    Args:
        kafka: bootstrap servers, and who logs in there.
        mongo: a URL that names the replica set.
        contact_public_key: seals contacts for notifications.
        mail_file: the file of the mail server, with one JSON object for each mail.
    """

    apis: Apis
    kafka: Kafka
    mongo: str
    contact_public_key: str
    mail_file: Path
