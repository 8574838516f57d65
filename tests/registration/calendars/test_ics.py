"""Calendar files as RFC 5545 wants them, read by an independent parser."""

from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.registration.calendars.ics import LINE_OCTETS_MAX, calendar, escaped, folded
from services.registration.calendars.ids import registration_uid, session_uid
from services.registration.calendars.rules import (
    entry_of_registration,
    entry_of_session,
    is_known,
)
from tests.registration.builders import NOW, session, waiter

UID = session_uid("street-1")
TITLES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=200)


def event_of(content: bytes) -> Any:
    [event] = icalendar.Calendar.from_ical(content).walk("VEVENT")
    return event


@given(title=TITLES, venue=TITLES)
def test_every_title_comes_back_and_no_line_is_too_long(title: str, venue: str) -> None:
    entry = entry_of_session(session(activity_title=title, venue=venue))
    content = calendar(entry, UID, NOW)
    assert content.endswith(b"\r\n")
    lines = content.split(b"\r\n")
    assert all(len(line) <= LINE_OCTETS_MAX for line in lines)
    assert all(line.decode() is not None for line in lines), "no character is cut"
    assert b"\n" not in content.replace(b"\r\n", b"")
    event = event_of(content)
    assert str(event["SUMMARY"]) == title
    assert str(event["LOCATION"]) == f"{venue} (华龙区)"


def test_the_file_says_when_and_where_and_what_becomes_of_it() -> None:
    one = session(revision=4)
    event = event_of(calendar(entry_of_session(one), UID, NOW + timedelta(minutes=5)))
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (one.starts_at, one.ends_at)
    assert event["DTSTAMP"].dt == NOW + timedelta(minutes=5)
    assert (event["SEQUENCE"], event["STATUS"]) == (4, "CONFIRMED")
    moved = replace(one, venue="馆", revision=5)
    again = event_of(calendar(entry_of_session(moved), UID, NOW))
    assert (again["UID"], again["SEQUENCE"]) == (UID, 5)
    assert UID == session_uid("street-1") != registration_uid("street-1")
    for gone in (replace(one, cancelled="rain"), replace(one, removed=True)):
        assert event_of(calendar(entry_of_session(gone), UID, NOW))["STATUS"] == "CANCELLED"
    assert is_known(replace(one, removed=True))
    assert not is_known(session(draft=True))
    assert not is_known(session(removed=True)), "it was never published"


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("confirmed", "CONFIRMED"),
        ("checked_in", "CONFIRMED"),
        ("waitlisted", "TENTATIVE"),
        ("cancelled", "CANCELLED"),
    ],
)
def test_a_registration_is_shown_as_what_it_is(status: Any, shown: str) -> None:
    registration = replace(waiter(1, status=status), version=2)
    entry = entry_of_registration(registration, session(revision=3))
    assert (entry.status, entry.sequence) == (shown, 5)


def test_what_parts_a_value_is_escaped_and_a_line_is_folded_by_octets() -> None:
    assert escaped("a;b,c\\d\ne") == "a\\;b\\,c\\\\d\\ne"
    # 75 octets stay, the 76th goes on in the next line.
    assert folded("x" * 75) == b"x" * 75 + b"\r\n"
    assert folded("x" * 76) == b"x" * 75 + b"\r\n x\r\n"
    # A Chinese character has three octets: 25 of them fill a line, and then 24 and the space.
    assert [len(part) for part in folded("科" * 60).split(b"\r\n")] == [75, 73, 34, 0]


def test_a_time_is_written_in_utc() -> None:
    local = datetime.fromisoformat("2023-05-20T09:00:00+08:00")
    one = session(starts_at=local, ends_at=local + timedelta(hours=1))
    assert b"DTSTART:20230520T010000Z\r\n" in calendar(entry_of_session(one), UID, datetime.now(UTC))
