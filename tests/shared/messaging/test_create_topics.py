import time
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from shared.contracts import topics
from shared.contracts.topics import Topic
from shared.messaging.create_topics import add_partitions, create_missing, differing, settings_of
from shared.runtime.errors import Rejected, Unavailable


@pytest.mark.stack
async def test_topics_are_created_as_declared_and_left_alone_afterwards(kafka: str) -> None:
    await create_missing(kafka)
    assert await create_missing(kafka) == []
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        found = {topic["topic"]: topic for topic in await admin.describe_topics()}
        [answer] = await admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics.ALL]
        )
    finally:
        await admin.close()
    configured = {
        name: {entry[0]: entry[1] for entry in entries} for _, _, _, name, entries in answer.resources
    }
    for topic in topics.ALL:
        assert len(found[topic.name]["partitions"]) == topic.partitions
        assert configured[topic.name].items() >= topic.config.items()


@pytest.mark.stack
async def test_a_record_by_a_clock_that_is_behind_is_as_old_as_its_append(kafka: str) -> None:
    week_old = Topic(f"clock-{uuid4()}", (), partitions=1, retention_days=topics.COMMAND_DAYS_KEPT)
    await create_missing(kafka, wanted=[week_old])
    now_ms = int(time.time() * 1000)
    long_ago = now_ms - 400 * topics.DAY_MS
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
        # The broker answers with the time that it has given the record.
        kept = await producer.send_and_wait(week_old.name, b"{}", partition=0, timestamp_ms=long_ago)
    assert kept.timestamp >= now_ms - 1_000


@pytest.mark.stack
async def test_settings_of_topics_that_are_not_as_declared_are_named(kafka: str) -> None:
    declared = Topic(f"declared-{uuid4()}", (), partitions=1)
    await create_missing(kafka, wanted=[declared])
    assert await differing(kafka, [declared, Topic(f"missing-{uuid4()}", ())]) == []
    changed = replace(declared, record_bytes_max=1_000)
    assert await differing(kafka, [changed]) == [
        f"{declared.name}: max.message.bytes={declared.record_bytes_max}, declared 1000"
    ]


async def test_only_submissions_get_more_partitions_and_only_twice_as_many() -> None:
    for topic, count, code in (
        ("quiz.completed", 24, "partitions_fixed"),
        ("quiz.submitted", 36, "partitions_odd"),
        ("quiz.submitted", 192, "partitions_odd"),
    ):
        with pytest.raises(Rejected) as refused:
            await add_partitions("127.0.0.1:9", topic, count)
        assert refused.value.code == code


@pytest.mark.stack
async def test_partitions_that_are_there_stay(kafka: str) -> None:
    grows = Topic(f"grows-{uuid4()}", (), partitions=2)
    await create_missing(kafka, wanted=[grows])
    assert [await add_partitions(kafka, grows.name, 4, grows) for _ in range(2)] == [2, 4]
    with pytest.raises(Rejected, match="none can go"):
        await add_partitions(kafka, grows.name, 2, grows)
    assert await differing(kafka, [grows]) == []


async def test_broker_that_is_not_there_is_an_outage() -> None:
    with pytest.raises(Unavailable):
        await create_missing("127.0.0.1:9")
    with pytest.raises(Unavailable):
        await differing("127.0.0.1:9")


async def test_a_broker_that_does_not_know_a_new_topic_yet_is_asked_again() -> None:
    asked: list[list[str]] = []

    async def describe(resources: Sequence[ConfigResource]) -> list[Any]:
        names = [one.name for one in resources]
        asked.append(names)
        unknown = UnknownTopicOrPartitionError.errno
        told = [
            (unknown, "", 2, name, [])
            if name == "new" and len(asked) < 3
            else (0, "", 2, name, [("a", name)])
            for name in names
        ]
        return [SimpleNamespace(resources=told)]

    assert await settings_of(["old", "new"], describe) == {"old": {"a": "old"}, "new": {"a": "new"}}
    assert asked == [["old", "new"], ["new"], ["new"]]


async def test_settings_that_may_not_be_read_are_an_error_at_once() -> None:
    async def describe(resources: Sequence[ConfigResource]) -> list[Any]:
        refused = TopicAuthorizationFailedError.errno
        return [SimpleNamespace(resources=[(refused, "not allowed", 2, one.name, []) for one in resources])]

    with pytest.raises(TopicAuthorizationFailedError):
        await settings_of(["closed"], describe)
