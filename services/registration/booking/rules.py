"""
Who gets a place, who waits, who moves up: pure decisions over one session's state.

The order of asking is strict (docs/decisions/0007-booking.md): while anybody waits,
whoever comes later waits too, and only the head of the waiting list moves up.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NewType
from uuid import UUID

import msgspec
from msgspec.structs import replace

from shared.runtime.errors import Conflict
from shared.runtime.ids import derived_id

ActivityId = NewType("ActivityId", str)
SessionId = NewType("SessionId", str)
ParticipantId = NewType("ParticipantId", str)
RegistrationId = NewType("RegistrationId", str)

REGISTRATION_IDS = UUID("2f1b7c52-90b1-5f0c-8a3e-6a0d6d0e4b11")

Status = Literal["confirmed", "waitlisted", "cancelled", "checked_in"]
Verdict = Literal["confirmed", "waitlisted", "rejected"]

# The door opens before a session begins, and stragglers are let in when tickets were not scanned at once.
CHECK_IN_BEFORE = timedelta(hours=3)
CHECK_IN_AFTER = timedelta(hours=2)


# Structs and not frozen dataclasses, here and in records.py: a rush makes several for each request, and they
# cost a fifth to make.
class Session(msgspec.Struct, frozen=True):
    """
    A time and place of an activity, and how full it is.

    `taken` counts places, `waiting` counts registrations, `sequence` is the last number
    given: whoever holds or awaits a place here has a number, in the order of asking.

    `version` counts the changes that its people are told of: another time, another venue, its
    cancellation (`cancelled` says for what reason). While it is `untold`, registrations with a
    sequence above `told_to` may not have been told of the latest one.
    """

    session_id: SessionId
    activity_id: ActivityId
    activity_title: str
    starts_at: datetime
    ends_at: datetime
    venue: str
    district: str
    capacity: int
    waiting_max: int
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    taken: int = 0
    waiting: int = 0
    sequence: int = 0
    version: int = 1
    untold: bool = False
    told_to: int = 0
    cancelled: str | None = None

    @property
    def free(self) -> int:
        """Places that nobody holds; those who wait have the first call on them."""
        return self.capacity - self.taken

    @property
    def last_moment(self) -> datetime:
        """Until when one can register: while it lasts, unless the organiser closes earlier."""
        return min(self.closes_at or self.ends_at, self.ends_at)

    def is_open(self, now: datetime) -> bool:
        """Whether one can ask for a place."""
        opened = self.opens_at is None or self.opens_at <= now
        return opened and now < self.last_moment and self.cancelled is None

    @property
    def place(self) -> tuple[datetime, datetime, str]:
        """When and where: who knows another one has to be told."""
        return self.starts_at, self.ends_at, self.venue


class Registration(msgspec.Struct, frozen=True):
    """
    One participant's place, or wait for one.

    `version` counts its changes and `round` the times of asking, both from 1. `told_version` is the
    session's version that the participant has been told. Of the ticket's code there is a keyed hash
    for the door and a locked copy for its holder (lockbox.py); neither once the holder is erased.
    """

    registration_id: RegistrationId
    participant_id: ParticipantId
    session_id: SessionId
    request_id: str
    places: int
    status: Status
    sequence: int
    round: int
    asked_at: datetime
    version: int = 1
    told_version: int = 1
    ticket_hash: str | None = None
    ticket_locked: str | None = None

    @property
    def holds_or_waits(self) -> bool:
        """Whether it stands: a place, a wait, or a visit that took place."""
        return self.status != "cancelled"


class Decision(msgspec.Struct, frozen=True):
    """What becomes of one request; `position` counts from 1 where it waits."""

    verdict: Verdict
    position: int | None = None
    code: str | None = None
    reason: str | None = None


def registration_id(participant_id: str, session_id: str) -> RegistrationId:
    """The one registration that a participant can have for a session."""
    return RegistrationId(derived_id(REGISTRATION_IDS, f"{participant_id}/{session_id}"))


def decide(session: Session, places: int, now: datetime) -> tuple[Decision, Session]:
    """
    Decide a request for so many places.

    Returns: the decision, and the session as it is after it. Where a place is held or
    awaited, the session's `sequence` is the number that the registration got.
    """
    if session.cancelled is not None:
        return _rejected("session_cancelled", "the session is cancelled"), session
    if session.opens_at is not None and now < session.opens_at:
        return _rejected("session_not_open", "registration for this session has not opened yet"), session
    if now >= session.last_moment:
        return _rejected("session_closed", "registration for this session is closed"), session
    if places > session.capacity:
        # It could never move up, and nobody behind it either.
        return _rejected(
            "places_above_capacity", f"the session has {session.capacity} places in all"
        ), session
    number = session.sequence + 1
    if session.waiting == 0 and places <= session.free:
        return Decision("confirmed"), replace(session, taken=session.taken + places, sequence=number)
    if session.waiting < session.waiting_max:
        position = session.waiting + 1
        return Decision("waitlisted", position), replace(session, waiting=position, sequence=number)
    return _rejected("session_full", "the session is full, and its waiting list too"), session


def _rejected(code: str, reason: str) -> Decision:
    return Decision("rejected", code=code, reason=reason)


def give_back(session: Session, registration: Registration) -> Session:
    """The session without this registration's places or wait."""
    if registration.status == "waitlisted":
        return replace(session, waiting=session.waiting - 1)
    return replace(session, taken=session.taken - registration.places)


def promote(
    session: Session, waiters: Sequence[Registration], now: datetime
) -> tuple[list[Registration], Session]:
    """
    Move up from the head of the waiting list while the head fits.

    A head that wants more places than are free holds up those behind it: else a class
    of thirty would never get in while single visitors keep slipping past.

    Args:
        waiters: who waits, in the order of `sequence`; as many as places are free suffice.

    Returns: those who now hold a place, still without a ticket, and the session after it.
    """
    moved: list[Registration] = []
    if now >= session.ends_at or session.cancelled is not None:
        return moved, session
    for waiter in waiters:
        if waiter.places > session.free:
            break
        moved.append(replace(waiter, status="confirmed", version=waiter.version + 1))
        session = replace(session, taken=session.taken + waiter.places, waiting=session.waiting - 1)
    return moved, session


def cancelled(registration: Registration) -> Registration:
    """The registration once its place or wait is given back."""
    return replace(registration, status="cancelled", version=registration.version + 1)


def check_door(session: Session, now: datetime) -> None:
    """
    Check that ticket holders are let in now.

    Raises:
        Conflict: the session is cancelled, or not near: `session_cancelled`, `check_in_too_early`,
            `check_in_too_late`.
    """
    if session.cancelled is not None:
        raise Conflict("the session of this ticket is cancelled", code="session_cancelled")
    if now < session.starts_at - CHECK_IN_BEFORE:
        raise Conflict(
            f"the session begins at {session.starts_at:%Y-%m-%d %H:%M} UTC: too early for this ticket",
            code="check_in_too_early",
        )
    if now > session.ends_at + CHECK_IN_AFTER:
        raise Conflict(
            f"the session ended at {session.ends_at:%Y-%m-%d %H:%M} UTC: too late for this ticket",
            code="check_in_too_late",
        )


def check_capacity(session: Session, capacity: int, largest_wait: int) -> None:
    """
    Check that a session can be cut to this capacity.

    Args:
        largest_wait: the most places that one waiting registration asks for, 0 without any.

    Raises:
        Conflict: more places are taken already, or somebody waits for more than there would be.
    """
    if capacity < session.taken:
        raise Conflict(
            f"session {session.session_id}: {session.taken} places are taken, so {capacity} are too few",
            code="capacity_below_taken",
            taken=session.taken,
        )
    if capacity < largest_wait:
        raise Conflict(
            f"session {session.session_id}: somebody waits for {largest_wait} places,"
            f" so {capacity} are too few",
            code="capacity_below_waiting",
            largest=largest_wait,
        )
