"""What is to be sent is kept until it is sent, and its first form stays."""

import sqlite3
from pathlib import Path

import pytest

from kepu_events import Outbox, Record, Sender, Unavailable, events
from kepu_events import outbox as module

SENDER = Sender("schools/examination-hall")


def asked(number: int, audience: str = "youth") -> Record:
    return SENDER.record(
        events.RegistrationRequested.model_validate(
            {
                "request_id": f"hall-{number}",
                "participant_id": f"p-{number}",
                "session_id": "s",
                "audience": audience,
            }
        )
    )


def test_the_first_record_of_an_id_stays(tmp_path: Path) -> None:
    first, other = asked(1), asked(1, "elderly")
    assert first.id == other.id
    outbox = Outbox(tmp_path / "hall.db")
    assert outbox.add(first)
    assert not outbox.add(other)
    assert list(outbox.waiting()) == [[first]]


def test_what_was_sent_is_never_sent_again_also_by_the_next_run(tmp_path: Path) -> None:
    for waiting in ([[asked(1)]], []):
        outbox = Outbox(tmp_path / "hall.db")
        outbox.add(asked(1))
        # The time is in a header, so a record made again differs.
        assert [[one.value for one in some] for some in outbox.waiting()] == [
            [one.value for one in some] for some in waiting
        ]


def test_what_failed_comes_again(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "hall.db")
    records = [asked(number) for number in range(module.TOGETHER_MAX + 1)]
    for record in records:
        outbox.add(record)
    portions = outbox.waiting()
    assert next(portions) == records[:-1]
    # Now the first portion counts as sent.
    assert next(portions) == records[-1:]
    portions.close()
    assert list(Outbox(tmp_path / "hall.db").waiting()) == [[records[-1]]]


def test_in_a_database_of_its_user_a_record_is_kept_with_the_state_or_not_at_all(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "own.db")
    outbox = Outbox(database)
    assert outbox.add(asked(1))
    database.rollback()
    assert list(outbox.waiting()) == []
    with database:
        outbox.add(asked(2))
    assert len(list(outbox.waiting())) == 1
    assert list(Outbox(sqlite3.connect(tmp_path / "own.db")).waiting()) == []


def test_a_full_outbox_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 2)
    outbox = Outbox(tmp_path / "hall.db")
    assert outbox.add(asked(1))
    assert outbox.add(asked(2))
    with pytest.raises(Unavailable, match="send them"):
        outbox.add(asked(3))
    # One that is there already is no new one.
    assert not outbox.add(asked(2))


def test_what_waits_is_found_and_counted_without_reading_what_was_sent() -> None:
    database = sqlite3.connect(":memory:")
    asking: list[str] = []
    outbox = Outbox(database)
    database.set_trace_callback(asking.append)
    outbox.add(asked(1))
    list(outbox.waiting())
    database.set_trace_callback(None)
    plans = [
        [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {one}")]
        for one in asking
        if "IS NOT NULL" in one
    ]
    assert len(plans) >= 2
    for plan in plans:
        assert any("kepu_outbox_waiting" in step for step in plan), plan
        assert "SCAN kepu_outbox" not in plan, plan


def test_what_was_sent_does_not_count_as_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 2)
    outbox = Outbox(sqlite3.connect(":memory:"))
    for number in range(6):
        assert outbox.add(asked(number))
        if number % 2:
            assert sum(len(some) for some in outbox.waiting()) == 2
