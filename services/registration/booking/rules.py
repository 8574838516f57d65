"""
Who gets a place, who waits, who moves up: pure decisions over one session's state.

The order of asking is strict (docs/decisions/0007-booking.md): while anybody waits, everybody who asks later
waits too, and only the head of the waiting list moves up.
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
    One participant's place in a session, or wait for one.

    Attributes:
        sequence: in the order of asking, within the session.
        round: counts the times of asking, from 1: who has cancelled may ask again.
        version: counts the changes, from 1.
        told_version: the version of the session that the participant has been told.
        ticket_hash: by which check-in finds the ticket; None once the holder is erased.
        ticket_locked: the ticket's code, locked with the holder's key; None once the holder is erased.
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
    def is_active(self) -> bool:
        """Whether the participant holds a place, waits, or came in."""
        return self.status != "cancelled"

    @property
    def is_anonymous(self) -> bool:
        """
        Whether the participant is erased.

        An erasure cancels all waits. A place in a session that had begun stays, without its ticket.
        """
        return self.status != "waitlisted" and self.ticket_locked is None


class Decision(msgspec.Struct, frozen=True):
    """What becomes of one request; `position` counts from 1 where it waits."""

    verdict: Verdict
    position: int | None = None
    code: str | None = None
    reason: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """
    What a request was answered; without a fingerprint and a ticket once its participant is erased.

    Of a request over HTTP it is kept only with a place or a wait. Other answers may be different later.
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
    Decide a request for so many places.

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
        # It could never move up, and nobody behind it either.
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

    A head that wants more places than are free holds up those behind it. Otherwise a class of thirty
    would never get in while single visitors keep slipping past.

    Args:
        waiters: the waiting list in the order of `sequence`; as many as places are free suffice.

    Returns: those who now hold a place, still without a ticket, and the session after it.
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
    """How many at the head of a waiting list these free places suffice for, by the places each asks for."""
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
        Conflict: its ticket was shown already.
    """
    if registration.status == "checked_in":
        raise Conflict(
            f"registration {registration.registration_id} is checked in", code="already_checked_in"
        )


def cancelled(registration: Registration) -> Registration:
    """The registration once its place or wait is given back."""
    return replace(registration, status="cancelled", version=registration.version + 1)


def survives_erasure(registration: Registration, session: Session, now: datetime) -> bool:
    """
    Whether a registration stays when its participant is erased: a place in a session that has begun.

    A wait never stays: until the session ends, it could still move up.
    """
    return registration.status == "confirmed" and session.has_begun(now)
