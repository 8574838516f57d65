"""Records written at once are what the contracts write."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from services.registration.booking.events import SOURCE, Announced, Origin
from services.registration.booking.rules import ParticipantId
from services.registration.participants import events as rush_events
from services.registration.participants.rules import Participant, Profile
from shared.contracts.envelope import Event, context_of, enclose
from shared.contracts.events import (
    ParticipantJoined,
    ParticipantKeyed,
    RegistrationConfirmed,
    RegistrationWaitlisted,
)
from shared.contracts.sealing import Contact, lock_contact
from shared.messaging.publisher import to_record
from tests.registration.builders import LOCKBOX, NOW, session, waiter

KEY = LOCKBOX.new_key()
PARENT = context_of("other.v1", "k", source="another-system", cause="c", now=NOW, correlation_id="corr")
ORIGINS = [Origin(parent=PARENT), Origin(correlation_id="request")]
TIMES = [NOW, NOW + timedelta(milliseconds=7), datetime(2099, 12, 31, 23, 59, 59, 999_000, UTC)]


def contract_of(record: Announced, contract: type[Event]) -> tuple[Event, str]:
    """The event that the contract reads from a record, and its topic."""
    assert isinstance(record, tuple)
    return contract.model_validate_json(record[2] or b""), record[0]


def same(record: Announced, contract: type[Event], cause: str, origin: Origin, now: datetime) -> None:
    event, topic = contract_of(record, contract)
    assert topic == contract.topic
    told = to_record(
        enclose(
            event,
            source=SOURCE,
            cause=cause,
            now=now,
            parent=origin.parent,
            correlation_id=origin.correlation_id,
        )
    )
    # A trace that begins here has a number of its own.
    assert without_trace(record, origin) == without_trace(told, origin)


def without_trace(record: Announced, origin: Origin) -> list[object]:
    assert isinstance(record, tuple)
    *rest, headers = record
    return [*rest, [one for one in headers if origin.parent or one[0] != "traceparent"]]


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("now", TIMES)
@pytest.mark.parametrize("whole", [True, False])
def test_joining(origin: Origin, now: datetime, whole: bool) -> None:
    contact = lock_contact(Contact(name="李“小”\\明", email="o'brien@example.ie"), KEY.key)
    profile = (
        Profile("group", "school-1", "华龙区 \u00e9/<>", "youth", "en", contact)
        if whole
        else Profile("person", None, None, "other", "zh-CN", None)
    )
    participant = Participant(ParticipantId("p"), profile, 3)
    keyed, joined = rush_events.joined(participant, KEY, origin, now)
    same(keyed, ParticipantKeyed, "p/3", origin, now)
    same(joined, ParticipantJoined, "p/3", origin, now)


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("now", TIMES)
def test_outcomes(origin: Origin, now: datetime) -> None:
    of = session(starts_at=now, activity_title='科普 “街” "é"')
    waits = replace(waiter(7, places=3), version=4)
    cause = f"{waits.registration_id}/4"
    same(rush_events.waitlisted(waits, of, 5, origin, now), RegistrationWaitlisted, cause, origin, now)
    ticket = LOCKBOX.new_ticket(KEY.key)
    holds = replace(waits, status="confirmed", ticket_hash=ticket.hash, ticket_locked=ticket.locked)
    for promoted in (False, True):
        record = rush_events.confirmed(holds, of, origin, now, promoted=promoted)
        same(record, RegistrationConfirmed, cause, origin, now)
