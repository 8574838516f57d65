"""The audit reads what anybody may have written: wrong records are counted, and end nothing."""

import pytest

from ops.audit.log import Entry, Log
from ops.audit.quiz import TOPIC, Known, _judged


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
