import json

import pytest

from shared.contracts import events, topics
from shared.contracts.envelope import Event
from shared.contracts.topics import dead_letters


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


def test_every_topic_goes_by_the_brokers_clock() -> None:
    assert {topic.config["message.timestamp.type"] for topic in topics.ALL} == {"LogAppendTime"}
