"""
The things that the tests of every service need: its settings, the service running, who asks, and events as
they come in.

A service's own builders add the parts of that service. Everything here is invented for tests.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from aiokafka import ConsumerRecord
from fastapi import FastAPI

from shared.contracts import sealing
from shared.contracts.envelope import Envelope, Event, enclose, to_headers
from shared.messaging.received import Batch, Raw, Received
from shared.runtime.life import Life
from shared.runtime.settings import Settings
from shared.storage.mongo import Database, connect
from shared.storage.outbox import waiting
from shared.web.tokens import TokenSigner, new_key_pair
from tests.support import databases
from tests.support.waiting import eventually

TOKEN_PRIVATE_KEY, TOKEN_PUBLIC_KEY = new_key_pair()
CONTACT_PRIVATE_KEY, CONTACT_PUBLIC_KEY = sealing.new_key_pair()
NAME_PRIVATE_KEY, NAME_PUBLIC_KEY = sealing.new_key_pair()
ORGANISER_KEY = "organisers-key-for-tests"
ORGANISER = {"X-Organiser-Key": ORGANISER_KEY}
SIGNER = TokenSigner(TOKEN_PRIVATE_KEY)
SOURCE = "kepu/testing"
# Nothing listens there: for a process of role `api`, which needs no broker until it publishes something.
NO_KAFKA = "127.0.0.1:1"
ANSWER_SECONDS_MAX = 60.0

S = TypeVar("S", bound=Settings)


def new_id(word: str = "id") -> str:
    """An id that no other test uses."""
    return f"{word}-{uuid4().hex[:12]}"


def settings_of(kind: type[S], *, mongo: str, kafka: str = NO_KAFKA, **changes: object) -> S:
    """A service's settings, with an empty database; `changes` are the fields that only it has."""
    fields: dict[str, object] = {
        "kafka": kafka,
        "mongo": mongo,
        "organiser_key": ORGANISER_KEY,
        "token_public_key": TOKEN_PUBLIC_KEY,
    }
    if "database" not in changes:
        fields["database"] = databases.take(mongo, kind.__name__)
    return kind.model_validate(fields | changes)


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, which runs as it would under a server."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url=f"http://{app.state.service}",
            timeout=ANSWER_SECONDS_MAX,
        ) as client,
    ):
        await serves(app)
        yield client


async def serves(app: FastAPI) -> None:
    """Wait until the parts of an app that has been started are there."""
    life: Life = app.state.life
    await eventually(lambda: life.serves or life.failure)
    if life.failure is not None:
        raise life.failure


@asynccontextmanager
async def copies_of(
    assemble: Callable[[S], FastAPI], settings: S, database_name: str, *, copies: int
) -> AsyncIterator[tuple[list[httpx.AsyncClient], Database]]:
    """Clients of so many copies of a service, and the database that they share. Other tests get it next."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(connect(settings.mongo, database_name))
        stack.callback(databases.give_back, settings.mongo, type(settings).__name__, database_name)
        clients = [await stack.enter_async_context(running(assemble(settings))) for _ in range(copies)]
        yield clients, database


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """The status and the code of a refusal, which has the form of every refusal."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body.keys() >= {"type", "title", "status", "code", "detail"}
    return answer.status_code, body["code"]


def token_of(participant_id: str, *, group_id: str | None = None, district: str | None = None) -> str:
    """A token as registration signs it."""
    return SIGNER.sign(participant_id, group_id, district, datetime.now(UTC))


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def as_participant(
    participant_id: str, *, group_id: str | None = None, district: str | None = None
) -> dict[str, str]:
    """The header of a participant's request."""
    return bearer(token_of(participant_id, group_id=group_id, district=district))


def enclosed(event: Event, cause: str = "", *, now: datetime | None = None) -> Envelope[Event]:
    """An event in its envelope, as another system sends it; its id is a new one unless there is a cause."""
    return enclose(event, source=SOURCE, cause=cause or str(uuid4()), now=now or datetime.now(UTC))


def received(
    envelope: Envelope[Any], event: Any = None, appended_at: datetime | None = None
) -> Received[Any]:
    """An event as the consumer gives it to a handler; `event` is what a decoder of one's own made of it."""
    sent = envelope.event
    value = sent.model_dump_json().encode()
    at_ms = round((appended_at or datetime.now(UTC)).timestamp() * 1000)
    record: Raw = ConsumerRecord(
        topic=sent.topic,
        partition=0,
        offset=0,
        timestamp=at_ms,
        timestamp_type=1,
        key=sent.key.encode(),
        value=value,
        checksum=None,
        serialized_key_size=len(sent.key.encode()),
        serialized_value_size=len(value),
        headers=tuple(to_headers(envelope.context)),
    )
    return Received(event or sent, envelope.context, record)


def batch_of(*happened: Event | Envelope[Any], appended_at: datetime | None = None) -> Batch[Any]:
    """The batch that these events would come in as."""
    envelopes = [one if isinstance(one, Envelope) else enclosed(one) for one in happened]
    return Batch([received(one, appended_at=appended_at) for one in envelopes])


async def in_outbox(database: Database, topic: str) -> list[str]:
    """The bodies of this topic's events in the outbox, in order."""
    return [(value or b"").decode() for name, _, value, _ in await waiting(database) if name == topic]
