"""A contract that is being replaced: mistakes in its declaration, and how its readers are told."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.contracts.delivery import delivery_of
from ops.contracts.documents import asyncapi, faults, golden_of
from ops.contracts.schemas import schema_of
from ops.contracts.versions import faults_of
from shared.contracts.envelope import Event
from shared.contracts.events import QuizCompleted
from shared.contracts.successions import BOTH_EMITTED_MIN, Succession
from shared.contracts.topics import declared
from tests.support.second_version import Second, renamed_back

SINCE = datetime(2027, 3, 1, tzinfo=UTC)
Older = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class CompletedAgain(Second, topic="quiz.completed", key="participant_id", version=2, succeeds=QuizCompleted):
    """The second version of a contract of ours."""


def succession(older: Older = renamed_back, both_emitted: timedelta = BOTH_EMITTED_MIN) -> Succession:
    return Succession(QuizCompleted, CompletedAgain, SINCE, SINCE + both_emitted, older)


def golden(contract: type[Event]) -> dict[str, Any]:
    body = golden_of(QuizCompleted)
    if contract is CompletedAgain:
        body["percent"] = body.pop("score_percent")
    return body


def faults_in(one: Succession, writers: tuple[str, ...] = ("quiz",)) -> list[str]:
    return faults_of([one], golden, lambda _: writers)


def test_what_the_product_declares_has_no_fault() -> None:
    assert faults() == []


def test_right_declaration_has_no_fault() -> None:
    assert faults_in(succession()) == []


@pytest.mark.parametrize(
    ("wrong", "writers", "said"),
    [
        (succession(both_emitted=timedelta(days=30)), ("quiz",), "emitted for 30 days, and readers need 182"),
        (succession(dict), ("quiz",), "cannot be made from the golden record of .*: score_percent"),
        (
            succession(lambda fields: {**renamed_back(fields), "points": 0.5}),
            ("quiz",),
            "differs from its own in points",
        ),
        (succession(), ("quiz", "other systems"), "is written by other systems"),
    ],
    ids=["too short", "unmakeable", "another event", "written by others"],
)
def test_fault_is_named(wrong: Succession, writers: tuple[str, ...], said: str) -> None:
    [fault] = faults_in(wrong, writers)
    assert fault.startswith("kepu.quiz.completed.v1")
    assert re.search(said, fault), fault


def test_readers_are_told_by_the_published_documents() -> None:
    one = succession()
    assert schema_of(QuizCompleted, (one,))["deprecated"] is True
    assert "deprecated" not in schema_of(QuizCompleted)
    assert asyncapi((one,))["components"]["schemas"]["QuizCompleted"]["deprecated"] is True
    assert delivery_of(QuizCompleted, declared(QuizCompleted), one)["succeeded_by"] == {
        "type": "kepu.quiz.completed.v2",
        "since": "2027-03-01T00:00:00+00:00",
        "until": "2027-08-30T00:00:00+00:00",
    }
