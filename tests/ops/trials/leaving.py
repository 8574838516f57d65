"""Run by test_run.py as a run of its own: a test that fails, and one that looks for what it has left."""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient
from pymongo import MongoClient

from shared.storage.mongo import connect
from tests.support.kafka import new_contract
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

LEFT = "left_by_a_test"
SHARED = "shared_by_the_module"
topics: list[str] = []


@pytest.fixture(scope="module")
def shared(mongo: str) -> Iterator[MongoClient[dict[str, object]]]:
    with MongoClient[dict[str, object]](mongo) as client:
        client[SHARED]["kept"].insert_one({"_id": 1})
        yield client


async def test_fails(kafka: str, mongo: str, shared: object) -> None:
    topics.append((await new_contract(kafka)).topic)
    async with connect(mongo, LEFT) as database:
        await database["left"].insert_one({"_id": 1})
    raise AssertionError("fails, having left a database and a topic")


async def test_finds_nothing(kafka: str, shared: MongoClient[dict[str, object]]) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    await eventually(lambda: LEFT not in shared.list_database_names())
    await eventually(lambda: topics[0] not in admin.list_topics(timeout=5).topics)
    assert SHARED in shared.list_database_names()
