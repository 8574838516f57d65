"""Each collection that would be divided keeps its unique indexes, by the indexes that the services make."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from ops.documents.sharding import divided
from shared.storage.mongo import Database
from tests.awards import builders as of_awards
from tests.notifications import builders as of_notifications
from tests.quiz import builders as of_quiz
from tests.registration import builders as of_registration

SERVICES = {
    "registration": of_registration.service,
    "quiz": of_quiz.service,
    "awards": of_awards.service,
    "notifications": of_notifications.service,
}


def breaking(shard_key: Sequence[str], unique: Sequence[Sequence[str]]) -> list[list[str]]:
    """
    The unique indexes that a collection with this shard key cannot have.

    A shard knows only its own documents. So documents that an index holds to be different must be on one
    shard if they are equal: the index begins with the shard key.
    """
    return [list(index) for index in unique if list(index[: len(shard_key)]) != list(shard_key)]


def test_a_unique_index_that_does_not_begin_with_the_shard_key_is_found() -> None:
    assert breaking(["group_id"], [["group_id", "identity_hash"], ["group_id"]]) == []
    assert breaking(["_id"], [["_id"], ["award_code"]]) == [["award_code"]]
    assert breaking(["group_id", "day"], [["group_id"]]) == [["group_id"]]


@pytest.mark.stack
@pytest.mark.parametrize("service", SERVICES)
async def test_what_is_divided_keeps_its_unique_indexes(service: str, mongo: str) -> None:
    async with _prepared(service, mongo) as database:
        there = set(await database.list_collection_names())
        for one in divided()[service]:
            assert one.name in there, f"{service} has no {one.name}: ops/documents/sharding.toml"
            indexes = await database[one.name].index_information()
            unique = [[name for name, _ in index["key"]] for index in indexes.values() if index.get("unique")]
            # The id is unique too, and a repeat inserts nothing because of it.
            assert breaking([one.by], [["_id"], *unique]) == [], f"{service}.{one.name}"


@asynccontextmanager
async def _prepared(service: str, mongo: str) -> AsyncIterator[Database]:
    """The database of a service that has started."""
    async with SERVICES[service](mongo) as (_, database):
        yield database
