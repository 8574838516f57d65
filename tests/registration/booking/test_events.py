"""Events of registrations are what the contracts write."""

from datetime import datetime

import pytest
from msgspec.structs import replace

from services.registration.booking import events
from shared.contracts.events import (
    RegistrationCancelled,
    RegistrationCheckedIn,
    RegistrationCheckInUndone,
    RegistrationConfirmed,
    RegistrationHeld,
    RegistrationMoved,
    RegistrationRejected,
    RegistrationWaitlisted,
)
from shared.contracts.origin import Origin
from tests.registration.builders import NOW, SEALER, TICKETS, session, waiter
from tests.registration.records import ORIGINS, TIMES, assert_as_contract

KEY = SEALER.new_key()
WAITS = replace(waiter(7, places=3), version=4)
CAUSE = f"{WAITS.registration_id}/4"


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("now", TIMES)
def test_records_of_outcomes_are_what_the_contract_writes(origin: Origin, now: datetime) -> None:
    of = session(starts_at=now, activity_title='科普 “街” "é"')
    waitlisted = events.waitlisted(WAITS, of, 5, origin, now)
    assert_as_contract(waitlisted, RegistrationWaitlisted, CAUSE, origin, now)
    ticket = TICKETS.new_ticket(KEY.key)
    holds = replace(WAITS, status="confirmed", ticket_hash=ticket.hash, ticket_locked=ticket.encrypted)
    held = events.held(replace(WAITS, status="held", held_until=now), of, origin, now)
    assert_as_contract(held, RegistrationHeld, CAUSE, origin, now)
    for promoted in (False, True):
        confirmed = events.confirmed(holds, of, origin, now, promoted=promoted)
        assert_as_contract(confirmed, RegistrationConfirmed, CAUSE, origin, now)


@pytest.mark.parametrize("origin", ORIGINS)
def test_events_after_an_outcome_are_what_the_contract_writes(origin: Origin) -> None:
    of = session()
    cancelled = events.cancelled(WAITS, of, "session_cancelled", origin, NOW)
    assert_as_contract(cancelled, RegistrationCancelled, CAUSE, origin, NOW)
    moved = events.moved(WAITS, of, NOW, "广场", origin, NOW)
    assert_as_contract(moved, RegistrationMoved, CAUSE, origin, NOW)
    arrived = events.checked_in(replace(WAITS, people_in=2), of, NOW, origin, NOW)
    assert_as_contract(arrived, RegistrationCheckedIn, CAUSE, origin, NOW)
    undone = events.check_in_undone(WAITS, of, origin, NOW)
    assert_as_contract(undone, RegistrationCheckInUndone, CAUSE, origin, NOW)


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_rejection_is_what_the_contract_writes(origin: Origin) -> None:
    rejected = events.rejected(
        answer_id="the-id-of-the-answer",
        request_id="r",
        participant_id="p",
        session_id="s",
        code="session_full",
        reason="the session is full",
        origin=origin,
        now=NOW,
    )
    assert_as_contract(rejected, RegistrationRejected, "the-id-of-the-answer", origin, NOW)
