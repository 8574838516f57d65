"""The HTTP of notifications in role api, for the tests of its routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from services.notifications.messages.rules import RetryPolicy
from shared.storage.outbox import prepare
from tests.notifications.builders import Desk, service
from tests.support.service import as_participant


@asynccontextmanager
async def api(
    kafka: str, mongo: str, contact_private_key: str | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, Desk]]:
    """The HTTP of the service in role api, and a desk over the same database."""
    async with service(mongo, kafka=kafka, role="api", contact_private_key=contact_private_key) as (
        [client],
        database,
    ):
        await prepare(database)
        yield client, Desk(database, RetryPolicy())


async def inbox(client: httpx.AsyncClient, who: str, **query: Any) -> dict[str, Any]:
    answer = await client.get("/inbox", params=query, headers=as_participant(who))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
