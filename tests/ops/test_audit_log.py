"""The audit reads what anybody may have written: wrong records are counted, and end nothing."""

import json

import pytest

from ops.audit.log import Entry, Log, conforms
from ops.audit.quiz import TOPIC, Known, _judged
from ops.contracts.documents import GOLDEN
from shared.contracts.events import NotificationRequested
from shared.contracts.sources import QUIZ, REGISTRATION


def entry(value: bytes, offset: int = 0) -> Entry:
    return Entry(TOPIC, 0, offset, "key", value, None, {}, True, 0)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b'{"participant_id": []}',
        b'{"participant_id": {}, "attempt_id": 1}',
        b'{"participant_id": "erased"}',
        b'{"participant_id": "erased", "attempt_id": {}}',
        b"[" * 100_000,
    ],
)
def test_a_wrong_submission_is_one_that_may_not_count(value: bytes) -> None:
    wrong = entry(value)
    refused = Log([wrong])
    good, bad, dropped = _judged(refused, Known({}, {}, {}), {"erased"})
    assert (good, dropped) == ([], [])
    # Of the erased the services may have dropped it.
    assert bad == ([] if wrong.text("participant_id") == "erased" else [wrong])


def test_what_the_services_read_the_audit_reads_too() -> None:
    """Fields that a service does not know may hold what is no JSON."""
    assert entry(b'{"attempt_id": "a-1", "extra": [NaN, -Infinity]}').text("attempt_id") == "a-1"
    assert entry(b'{"attempt_id": "a-1", "extra": 1}').text("attempt_id") == "a-1"


@pytest.mark.parametrize(
    ("source", "is_good"), [(QUIZ, False), (REGISTRATION, True), ("https://partner.example", True)]
)
def test_a_command_in_the_name_of_a_service_that_never_sends_it_conforms_to_nothing(
    source: str, is_good: bool
) -> None:
    golden = json.loads((GOLDEN / f"{NotificationRequested.type}.json").read_text())
    headers = {**golden["headers"], "ce_source": source}
    id_ = headers.pop("ce_id")
    value = json.dumps(golden["data"]).encode()
    command = Entry(NotificationRequested.topic, 0, 0, golden["key"], value, id_, headers, True, 0)
    assert conforms(command, NotificationRequested) == is_good
