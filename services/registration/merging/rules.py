"""Who may be merged, and which of two registrations or shifts is kept. All functions are pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.registration.booking.rules import Registration, RegistrationId, Status
from services.registration.participants.rules import Participant, ParticipantId
from services.registration.rotas.rules import Assignment, Busy, Shift, overlapping
from shared.runtime.errors import Conflict

# How sure a place is. The surer one of two is kept.
SURENESS: Mapping[Status, int] = {
    "cancelled": 0,
    "waitlisted": 1,
    "held": 2,
    "offered": 2,
    "confirmed": 3,
    "checked_in": 4,
}


class Merge(msgspec.Struct, frozen=True):
    """
    A participant who went into another one.

    Attributes:
        participant_id: who goes.
        into: who stays.
        done: all places and waits have been moved or given back.
    """

    participant_id: ParticipantId
    into: ParticipantId
    merged_at: datetime
    done: bool = False


def check_mergeable(goes: Participant, stays: Participant, *, has_proved: bool) -> None:
    """
    Check that an organiser may merge these two.

    Args:
        has_proved: who goes has verified a contact by a code.
    Raises:
        Conflict: one is a group, or who goes has proved to be somebody: only that person may decide to go.
    """
    if goes.is_group or stays.is_group:
        raise Conflict("a school, unit or service team cannot be merged", code="merge_group")
    if has_proved:
        raise Conflict(
            f"participant {goes.participant_id} has verified a contact by a code: let the other one go into"
            " this one, or the person erases this one",
            code="merge_confirmed",
            participant_id=goes.participant_id,
        )


def status_after(moved: Registration, *, verified: bool) -> Status:
    """
    What a place or wait is for the one who stays.

    Args:
        verified: the one who stays has verified a contact, or somebody vouches for it.
    """
    if moved.status == "waitlisted":
        return "waitlisted"
    return "held" if moved.status == "held" and not verified else "confirmed"


def moves(moved: Registration, own: Registration | None, *, verified: bool) -> bool:
    """
    Whether the one who stays gets this place or wait; else it is given back.

    Args:
        own: the registration of the one who stays for the same session.
    """
    return own is None or SURENESS[status_after(moved, verified=verified)] > SURENESS[own.status]


def taken_over(
    moved: Registration, own: Registration | None, into: ParticipantId, id_: RegistrationId, *, verified: bool
) -> Registration:
    """The registration of the one who stays, with the place or wait of the one who goes, without a ticket."""
    status = status_after(moved, verified=verified)
    return replace(
        moved,
        registration_id=id_,
        participant_id=into,
        status=status,
        round=1 if own is None else own.round if own.is_active else own.round + 1,
        version=1 if own is None else own.version + 1,
        held_until=None if verified or status == "confirmed" else moved.held_until,
        ticket_hash=None,
        ticket_locked=None,
    )


def takes_shift(
    goes: Assignment, own: Assignment | None, shift: Shift, others: Iterable[Busy], *, verified: bool
) -> bool:
    """
    Whether the one who stays takes over a shift; else it is given back.

    Args:
        goes: the assignment of the one who goes; live.
        own: the one of the one who stays, for the same shift.
        others: the other shifts for which the one who stays is on a rota.
        verified: the one who stays has verified a contact, or somebody vouches for it.
    """
    if not verified or overlapping(shift.times, others) is not None:
        return False
    return own is None or not own.is_live or (goes.status == "assigned" and own.status == "volunteered")
