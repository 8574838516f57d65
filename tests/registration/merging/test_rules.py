"""Which of two registrations for one session the person keeps."""

import pytest
from msgspec.structs import replace

from services.registration.booking.rules import Status
from services.registration.merging.rules import moves, status_after, taken_over
from services.registration.participants.rules import ParticipantId
from tests.registration.builders import NOW, waiter

STAYS = ParticipantId("stays")


@pytest.mark.parametrize(
    ("moved", "own", "verified", "better"),
    [
        ("confirmed", None, False, True),
        ("confirmed", "cancelled", False, True),
        ("waitlisted", "cancelled", False, True),
        ("confirmed", "waitlisted", False, True),
        ("confirmed", "held", False, True),
        ("confirmed", "confirmed", True, False),
        ("waitlisted", "waitlisted", True, False),
        ("waitlisted", "confirmed", True, False),
        ("held", "waitlisted", False, True),
        ("held", "held", False, False),
        # A place that is held is confirmed for somebody who has verified a contact.
        ("held", "offered", True, True),
        ("offered", "waitlisted", True, True),
        ("confirmed", "checked_in", True, False),
    ],
)
def test_the_surer_one_is_kept(moved: Status, own: Status | None, verified: bool, better: bool) -> None:
    theirs = waiter(2, status=own) if own else None
    assert moves(waiter(1, status=moved), theirs, verified=verified) is better


@pytest.mark.parametrize(
    ("status", "verified", "after"),
    [
        ("held", False, "held"),
        ("held", True, "confirmed"),
        ("offered", False, "confirmed"),
        ("confirmed", False, "confirmed"),
        ("waitlisted", True, "waitlisted"),
    ],
)
def test_what_it_is_for_the_one_who_stays(status: Status, verified: bool, after: Status) -> None:
    assert status_after(waiter(1, status=status), verified=verified) == after


def test_versions_and_rounds_rise_and_the_number_in_the_session_is_kept() -> None:
    moved = replace(waiter(7, status="waitlisted"), held_until=NOW, version=5)
    own = replace(waiter(3, status="cancelled"), round=2, version=4)
    one = taken_over(moved, own, STAYS, own.registration_id, verified=True)
    assert (one.sequence, one.round, one.version, one.held_until) == (7, 3, 5, None)
    assert (one.participant_id, one.registration_id) == (STAYS, own.registration_id)
    new = taken_over(moved, None, STAYS, own.registration_id, verified=False)
    assert (new.round, new.version, new.held_until) == (1, 1, NOW)
    wait = replace(own, status="waitlisted")
    better = taken_over(waiter(7, status="confirmed"), wait, STAYS, own.registration_id, verified=False)
    assert (better.round, better.version, better.status) == (2, 5, "confirmed")
