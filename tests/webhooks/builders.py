"""Endpoints, events, settings and stores for the tests of webhooks."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
from standardwebhooks import Webhook

from services.webhooks.app import WebhooksSettings, assemble
from services.webhooks.deliveries.handlers import DeliveryHandler
from services.webhooks.deliveries.store import DeliveryStore
from services.webhooks.endpoints.put import Endpoints, Wanted
from services.webhooks.endpoints.rules import Endpoint, Secret
from services.webhooks.endpoints.secrets import SecretLock
from services.webhooks.endpoints.store import EndpointStore
from services.webhooks.sending.attempt import Attempts
from services.webhooks.sending.post import Poster
from services.webhooks.sending.sender import Sender
from shared.contracts.envelope import Envelope, Event
from shared.contracts.events import AwardIssued, ParticipantErased, RegistrationCheckedIn, SessionCancelled
from shared.storage.mongo import Database
from tests.support.kafka import database_of
from tests.support.service import NO_KAFKA, batch_of, copies_of, settings_of
from tests.webhooks.receiver import Got

NOW = datetime(2027, 5, 20, 1, 0, tzinfo=UTC)
KEY = "a-key-for-tests-only-0123456789"
LOCK = SecretLock(KEY)
TYPES = ("kepu.award.issued.v1", "kepu.registration.checked_in.v1")
# A busy machine may need a second for an answer. Whoever waits for an answer that never comes waits so long.
SECONDS_MAX = 5.0
Json = dict[str, Any]
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
GOLDEN = Path(__file__).parents[1] / "contracts" / "golden"
E = TypeVar("E", bound=Event)


def golden(contract: type[E], **changes: object) -> E:
    """The event of the golden record, with other fields."""
    record = json.loads((GOLDEN / f"{contract.type}.json").read_text())
    return contract.model_validate_json(json.dumps(record["data"] | changes))


def checked_in(participant_id: str) -> RegistrationCheckedIn:
    return golden(RegistrationCheckedIn, participant_id=participant_id)


def issued(participant_id: str) -> AwardIssued:
    return golden(AwardIssued, recipient_id=participant_id)


def erased(participant_id: str) -> ParticipantErased:
    return golden(ParticipantErased, participant_id=participant_id, merged_into=None)


def cancelled() -> SessionCancelled:
    return golden(SessionCancelled)


def settings(*, mongo: str, kafka: str = NO_KAFKA, **changes: object) -> WebhooksSettings:
    fields: Json = {
        "webhook_key": KEY,
        "webhook_allow_private": True,
        "webhook_seconds_max": SECONDS_MAX,
    }
    return settings_of(WebhooksSettings, mongo=mongo, kafka=kafka, **(fields | changes))


@asynccontextmanager
async def service(
    mongo: str, *, kafka: str = NO_KAFKA, copies: int = 1, **changes: object
) -> AsyncIterator[tuple[list[httpx.AsyncClient], Database]]:
    """Copies of the service on one database, and that database."""
    of = settings(mongo=mongo, kafka=kafka, **changes)
    async with copies_of(assemble, of, of.database, copies=copies) as clients_and_database:
        yield clients_and_database


def endpoint(*types: str, endpoint_id: str = "museum", **changes: Any) -> Endpoint:
    """An endpoint that was put at `NOW`."""
    fields: Json = {
        "endpoint_id": endpoint_id,
        "key": f"key-of-{endpoint_id}",
        "url": "https://museum.example.org/events",
        "types": types or TYPES,
        "description": "",
        "secrets": (Secret("locked"),),
        "version": 1,
        "created_at": NOW,
    }
    return Endpoint(**(fields | changes))


@dataclass(slots=True)
class Post:
    """The stores, the handler and the sender over one database, without a loop."""

    database: Database
    endpoints: EndpointStore
    deliveries: DeliveryStore
    attempts: Attempts
    sender: Sender
    secrets: dict[str, str] = field(default_factory=dict)

    async def put(self, endpoint_id: str, url: str, *types: str) -> Endpoint:
        """A new endpoint."""
        of = Endpoints(self.endpoints, LOCK, only_public=False)
        made, secret = await of.put(endpoint_id, Wanted(url, types or TYPES, ""), LONG_AGO)
        if secret is not None:
            self.secrets[endpoint_id] = secret
        return made

    async def handle(self, *happened: Event | Envelope[Any]) -> None:
        """What the consumer does with these events."""
        handler = DeliveryHandler(self.endpoints, self.deliveries, lambda: None)
        assert await handler.store(batch_of(*happened)) == []

    async def send(self) -> None:
        """Begin what is due, and wait for its end."""
        self.sender.wake()
        self.sender._known_until = 0.0
        await self.sender.turn()
        await self.sender.aclose()

    async def make_due(self) -> None:
        """Time passes: everything that waits is due, and no lane pauses."""
        await self.database["deliveries"].update_many(
            {"due_at": {"$exists": True}}, {"$set": {"due_at": LONG_AGO}}
        )
        for lane in self.sender._lanes.values():
            lane.paused_until = 0.0

    async def states(self) -> dict[str, int]:
        found: dict[str, int] = {}
        async for document in self.database["deliveries"].find({}):
            found[document["state"]] = found.get(document["state"], 0) + 1
        return found


@asynccontextmanager
async def post_office(mongo: str, *, seconds_max: float = SECONDS_MAX, **changes: Any) -> AsyncIterator[Post]:
    """The parts of the service over an empty database."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(database_of(mongo, "webhooks"))
        endpoints, deliveries = EndpointStore(database), DeliveryStore(database)
        await endpoints.prepare()
        await deliveries.prepare()
        poster = Poster(allow_private=True, seconds_max=seconds_max)
        stack.push_async_callback(poster.aclose)
        attempts = Attempts(LOCK, poster)
        yield Post(
            database, endpoints, deliveries, attempts, Sender(endpoints, deliveries, attempts, **changes)
        )


def verified(got: Got, secret: str) -> Json:
    """The event that a partner reads, verified by the library of Standard Webhooks."""
    Webhook(secret).verify(got.body, got.headers)
    found: Json = msgspec.json.decode(got.body)
    return found
