"""
Who gets a place, who waits and who is promoted in one session. All functions are pure.

The order of the requests is strict (docs/decisions/0007-booking.md): while somebody waits, all later requests
wait too, and only the head of the waiting list is promoted.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NewType

import msgspec
from msgspec.structs import replace

from services.registration.participants.rules import ParticipantId
from services.registration.sessions.rules import Session, SessionId
from shared.runtime.errors import Conflict

RegistrationId = NewType("RegistrationId", str)

Status = Literal["confirmed", "waitlisted", "cancelled", "checked_in"]
Verdict = Literal["confirmed", "waitlisted", "rejected"]


class Registration(msgspec.Struct, frozen=True):
    """
    The places of one participant in a session, or a wait for them.

    Attributes:
        sequence: its number in the session, in the order of the requests.
        round: number of the request, from 1. Somebody who has cancelled may ask again.
        version: counts the changes, from 1.
        told_version: the version of the session of which the participant has been notified.
        people_in: how many of the places' people have come in, by all scans together.
        ticket_hash: check-in finds the registration by this hash; None after the holder is erased.
        ticket_locked: the ticket code, locked with the holder's key; None after the holder is erased.
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
    people_in: int = 0

    @property
    def is_active(self) -> bool:
        """True if the participant has a place, waits, or came in."""
        return self.status != "cancelled"

    @property
    def is_anonymous(self) -> bool:
        """
        True if the participant is erased.

        An erasure cancels all waits. A place in a session that had begun stays, without its ticket.
        """
        return self.status != "waitlisted" and self.ticket_locked is None


class Decision(msgspec.Struct, frozen=True):
    """The decision on one request. `position`: its place on the waiting list, from 1, if it waits."""

    verdict: Verdict
    position: int | None = None
    code: str | None = None
    reason: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """
    The stored answer to a request. After its participant is erased it has no fingerprint and no ticket.

    Of requests over HTTP only a place or a wait is stored. A refusal may be different later.
    """

    key: str
    fingerprint: str | None
    participant_id: ParticipantId
    session_id: str
    registration_id: RegistrationId | None
    verdict: Verdict
    position: int | None
    ticket_locked: str | None
    code: str | None
    reason: str | None
    answered_at: datetime


def decide(session: Session, places: int, now: datetime) -> tuple[Decision, Session]:
    """
    Decide a request for this number of places.

    Returns: the decision, and the session after it. If the request gets places or a wait, the
    session's `sequence` is its number.
    """
    if session.cancelled is not None:
        return _rejected("session_cancelled", "the session is cancelled"), session
    if not session.has_opened(now):
        return _rejected("session_not_open", "registration for this session has not opened yet"), session
    if not session.is_open(now):
        return _rejected("session_closed", "registration for this session is closed"), session
    if places > session.capacity:
        # It could never be promoted, and nobody behind it either.
        return _rejected(
            "places_above_capacity", f"the session has {session.capacity} places in all"
        ), session
    number = session.sequence + 1
    if session.waiting == 0 and places <= session.free:
        return Decision("confirmed"), replace(session, taken=session.taken + places, sequence=number)
    if session.can_wait:
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
    Promote from the head of the waiting list while the head fits.

    If the head wants more places than are free, all behind it wait too. Otherwise single visitors would
    always go first, and a class of thirty would never get in.

    Args:
        waiters: the head of the waiting list in the order of `sequence`: at least one for each free place, if
            there are.

    Returns: the promoted registrations, still without a ticket, and the session after it.
    """
    promoted: list[Registration] = []
    if session.is_over(now) or session.cancelled is not None:
        return promoted, session
    for waiter in waiters:
        if waiter.places > session.free:
            break
        promoted.append(replace(waiter, status="confirmed", version=waiter.version + 1))
        session = replace(session, taken=session.taken + waiter.places, waiting=session.waiting - 1)
    return promoted, session


def fitting(free: int, places: Iterable[int]) -> int:
    """How many at the head of a waiting list fit into the free places. `places`: what each one asks for."""
    number = 0
    for wanted in places:
        if wanted > free:
            break
        free -= wanted
        number += 1
    return number


def check_cancellable(registration: Registration) -> None:
    """
    Check that a registration can be cancelled.

    Raises:
        Conflict: it is checked in already.
    """
    if registration.status == "checked_in":
        raise Conflict(
            f"registration {registration.registration_id} is checked in", code="already_checked_in"
        )


def cancelled(registration: Registration) -> Registration:
    """The registration after its place or wait is given back."""
    return replace(registration, status="cancelled", version=registration.version + 1)


def survives_erasure(registration: Registration, session: Session, now: datetime) -> bool:
    """
    True if a registration stays when its participant is erased: a place in a session that has begun.

    A wait never stays: it could be promoted until the session ends.
    """
    return registration.status == "confirmed" and session.has_begun(now)
