"""What the tests of awards over HTTP stand on: a database of their own, and a service of role api."""

from collections.abc import AsyncIterator

import httpx
import pytest

from services.awards.known.store import KnownStore
from shared.storage.mongo import Database
from tests.awards.builders import service
from tests.support.kafka import database_of


@pytest.fixture
async def database(mongo: str) -> AsyncIterator[Database]:
    async with database_of(mongo, "AwardsSettings") as database:
        yield database


@pytest.fixture
def known(database: Database) -> KnownStore:
    """Who and what awards knows of: no worker runs that would read it from Kafka."""
    return KnownStore(database)


@pytest.fixture
async def client(kafka: str, mongo: str, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with service(mongo, kafka=kafka, role="api", database=database.name) as ([client], _):
        yield client
