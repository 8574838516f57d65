"""A service's own handlers, on a scratch database. Nothing runs by itself, and nothing is published."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import ModuleType
from typing import Any

from fastapi import FastAPI

from ops.deployment import keys
from services.awards import app as awards
from services.notifications import app as notifications
from services.quiz import app as quiz
from shared.messaging.connection import Kafka
from shared.messaging.publisher import Publisher, Record
from shared.messaging.received import Subscription
from shared.runtime.background import Loop
from shared.runtime.settings import Settings
from shared.service import Service
from shared.storage import outbox
from shared.storage.ended_tokens import EndedTokens
from shared.storage.mongo import Database

APPS: Mapping[str, tuple[ModuleType, type[Settings]]] = {
    "quiz": (quiz, quiz.QuizSettings),
    "awards": (awards, awards.AwardsSettings),
    "notifications": (notifications, notifications.NotificationsSettings),
}


class Silent(Publisher):
    """Publishes nothing: what follows from these events was published long ago."""

    async def write(self, records: Sequence[Record]) -> None:
        """Forget the records."""


class Wired(Service[Any]):
    """Only takes the handlers."""

    def __init__(self, *args: Any, publisher: Publisher) -> None:
        super().__init__(*args)
        self.subscriptions: dict[str, Subscription] = {}
        self._silent = publisher

    def consume(self, *subscriptions: Subscription) -> None:
        """Keep them, by group."""
        self.subscriptions |= {one.group: one for one in subscriptions}

    def run(self, *loops: Loop, **named: Loop) -> None:
        """Run nothing."""

    async def publisher(self) -> Publisher:
        """One that publishes nothing."""
        return self._silent


@asynccontextmanager
async def wired(
    service: str, kafka: Kafka, mongo: str, database: Database, publisher: Publisher
) -> AsyncIterator[Mapping[str, Subscription]]:
    """The handlers of a service by group, until the end of the block."""
    module, kind = APPS[service]
    # No secret of the deployment is needed: what is sealed is kept as it is.
    secrets = keys.for_service(service, keys.fresh())
    fields = {name.removeprefix("KEPU_").lower(): value for name, value in secrets.items()}
    settings = kind.model_validate(
        {**fields, **_reaching(kafka), "mongo": mongo, "role": "worker", "database": database.name}
    )
    app = FastAPI()
    app.state.service, app.state.provided, app.state.hot_routes = service, {}, ()
    async with AsyncExitStack() as stack:
        await outbox.prepare(database)
        ended_tokens = EndedTokens(database)
        await ended_tokens.prepare()
        parts = Wired(app, settings, stack, database, ended_tokens, publisher=publisher)
        await module.wire(parts)
        yield parts.subscriptions


def _reaching(kafka: Kafka) -> Mapping[str, Any]:
    """The settings with which a service reaches this Kafka."""
    if isinstance(kafka, str):
        return {"kafka": kafka}
    return {
        "kafka": kafka.servers,
        "kafka_security": kafka.security,
        "kafka_sasl_mechanism": kafka.mechanism,
        "kafka_username": kafka.username,
        "kafka_password": kafka.password,
        "kafka_ca_file": kafka.ca_file,
        "kafka_token_file": kafka.token_file,
    }
