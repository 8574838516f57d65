"""The HTTP of notifications in role api, for the tests of its routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from services.notifications.app import assemble
from services.notifications.messages.rules import RetryPolicy
from shared.storage.mongo import connect
from shared.storage.outbox import prepare
from tests.notifications.builders import Desk, settings
from tests.support.service import as_participant, running


@asynccontextmanager
async def api(
    kafka: str, mongo: str, contact_private_key: str | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, Desk]]:
    """The HTTP of the service in role api, and a desk over the same database."""
    of = settings(kafka, mongo, role="api", contact_private_key=contact_private_key)
    async with running(assemble(of)) as client, connect(mongo, of.database) as database:
        await prepare(database)
        yield client, Desk(database, RetryPolicy())


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def inbox(client: httpx.AsyncClient, who: str, **query: Any) -> dict[str, Any]:
    answer = await client.get("/inbox", params=query, headers=as_participant(who))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
