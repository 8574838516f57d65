"""The kit refuses what the services refuse, and ignores what it was not asked for."""

import pytest

from kepu_events import Envelope, Reader, Record, Rejected, Sender, events

SENDER = Sender("schools/examination-hall")
ASKED = events.RegistrationRequested(request_id="hall-1", participant_id="p-1", session_id="s-1")
GOOD = SENDER.record(ASKED)
READER = Reader(events.RegistrationRequested)


def read(record: Record, timestamp_ms: int = 0) -> object:
    return READER.read(record.topic, record.key, record.value, record.headers, timestamp_ms)


def without(*names: str) -> Record:
    return GOOD._replace(headers=[pair for pair in GOOD.headers if pair[0] not in names])


def emptied(empty: str) -> Record:
    headers = [(name, b"" if name == empty else value) for name, value in GOOD.headers]
    return GOOD._replace(headers=headers)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (GOOD._replace(value=b"{"), "bad_body"),
        (GOOD._replace(value=b"{}"), "bad_body"),
        (GOOD._replace(value=GOOD.value + b" " * 65_536), "too_large"),
        (GOOD._replace(key=b"another"), "key_differs"),
        (without("ce_id"), "bad_header"),
        (without("ce_type"), "bad_header"),
        (without("ce_specversion"), "bad_header"),
        (emptied("ce_id"), "bad_header"),
        (emptied("ce_type"), "bad_header"),
        (emptied("ce_specversion"), "bad_header"),
        (emptied("ce_time"), "bad_header"),
        (emptied("content-type"), "bad_header"),
        (GOOD._replace(headers=[]), "bad_header"),
        (GOOD._replace(headers=[*GOOD.headers, ("x", b"\xff")]), "bad_header"),
    ],
)
def test_a_wrong_record_is_refused_with_the_code_of_our_dead_letters(record: Record, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        read(record)
    assert refused.value.code == code


@pytest.mark.parametrize("name", ["ce_source", "ce_subject", "ce_correlationid", "traceparent"])
def test_another_header_may_be_empty(name: str) -> None:
    one = read(emptied(name))
    assert isinstance(one, Envelope)
    assert one.event == ASKED


def test_a_record_without_a_value_is_refused() -> None:
    with pytest.raises(Rejected) as refused:
        READER.read(GOOD.topic, GOOD.key, None, GOOD.headers, 0)
    assert refused.value.code == "bad_body"


@pytest.mark.parametrize("timestamp_ms", [10**18, -(10**18)])
def test_an_impossible_time_is_refused(timestamp_ms: int) -> None:
    with pytest.raises(Rejected) as refused:
        read(without("ce_time"), timestamp_ms)
    assert refused.value.code == "bad_time"


def test_a_later_version_and_another_topic_are_ignored() -> None:
    later = [(name, value.replace(b".v1", b".v2")) for name, value in GOOD.headers]
    assert read(GOOD._replace(headers=later)) is None
    assert read(GOOD._replace(topic="registration.confirmed")) is None
    assert read(GOOD._replace(headers=[*without("ce_type").headers, ("ce_type", b"\xff")])) is None


def test_a_reader_names_its_topics_and_needs_one() -> None:
    assert Reader(events.QuizCompleted, events.AwardIssued).topics == ["award.issued", "quiz.completed"]
    with pytest.raises(ValueError, match="contract"):
        Reader()
