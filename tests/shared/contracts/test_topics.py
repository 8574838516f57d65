import json
import time
from dataclasses import replace
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.contracts import events, topics
from shared.contracts.envelope import Event
from shared.contracts.topics import Topic, create_missing, dead_letters, differing
from shared.runtime.errors import Unavailable


def test_every_contract_has_its_topic_and_every_group_its_dead_letters() -> None:
    assert {topic.name for topic in topics.LIVE} == {contract.topic for contract in events.ALL}
    assert {topic.name for topic in topics.DEAD} == {
        dead_letters(topic.name, group) for topic in topics.LIVE for group in topic.groups
    }


def test_dead_letters_are_kept_no_longer_than_what_they_are_of() -> None:
    kept = {topic.name: topic.retention_days for topic in topics.DEAD}
    for topic in topics.LIVE:
        for group in topic.groups:
            assert kept[dead_letters(topic.name, group)] <= topic.retention_days
            # A key that is destroyed leaves the topic itself within hours.
            assert not topic.compacted or kept[dead_letters(topic.name, group)] <= 1


def test_what_is_kept_for_days_is_not_kept_for_a_segment_of_a_week() -> None:
    for topic in topics.ALL:
        if topic.retention_days < topics.WEEKS_KEPT * 7:
            assert int(topic.config["segment.ms"]) <= topic.retention_days * topics.DAY_MS / 4


@pytest.mark.parametrize("days", [1, 8, 28, 181])
def test_a_topic_of_any_retention_is_deleted_in_small_steps(days: int) -> None:
    topic = topics.Topic("said", (), 1, retention_days=days)
    assert int(topic.config["segment.ms"]) <= days * topics.DAY_MS / 4


ID = "x" * 64
AT = "2026-05-20T12:00:00.123456+08:00"
LARGEST = {
    events.NotificationRequested: {
        "request_id": ID,
        "participant_id": ID,
        "subject": "\U0001f600" * 200,
        "body": "\U0001f600" * 4_000,
        "channels": ["inbox", "email"],
    },
    events.QuizSubmitted: {
        "attempt_id": ID,
        "quiz_id": ID,
        "participant_id": ID,
        "number": 100,
        "started_at": AT,
        "submitted_at": AT,
        "answers": {f"{n:064}": "ABCDEFGH" for n in range(events.ANSWERS_MAX)},
        "group_id": ID,
        "district": "\U0001f600" * 200,
        "quiz_version": 2**53,
    },
    events.RegistrationRequested: {
        "request_id": ID,
        "participant_id": ID,
        "session_id": ID,
        "district": "\U0001f600" * 200,
        "contact_sealed": "A" * 4_096,
    },
    events.QuizClosed: {
        "quiz_id": ID,
        "quiz_title": "\U0001f600" * 200,
        "closed_at": AT,
        "participants": 10**9,
        "points_max": 200,
        "standings": [
            {
                "rank": n,
                "participant_id": ID,
                "points": 199.5,
                "score_percent": 99,
                "time_used_seconds": 10**7,
            }
            for n in range(1, events.STANDINGS_MAX + 1)
        ],
    },
}


@pytest.mark.parametrize("contract", LARGEST, ids=lambda contract: contract.topic)
def test_largest_event_that_its_contract_allows_is_not_too_large(contract: type[Event]) -> None:
    # As a sender writes it who escapes whatever is not ASCII.
    body = json.dumps(LARGEST[contract])
    contract.model_validate_json(body)
    assert len(body) <= contract.bytes_max == topics.event_bytes_max(contract.topic)


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


def test_every_topic_goes_by_the_brokers_clock() -> None:
    assert {topic.config["message.timestamp.type"] for topic in topics.ALL} == {"LogAppendTime"}


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


async def test_broker_that_is_not_there_is_an_outage() -> None:
    with pytest.raises(Unavailable):
        await create_missing("127.0.0.1:9")
    with pytest.raises(Unavailable):
        await differing("127.0.0.1:9")
