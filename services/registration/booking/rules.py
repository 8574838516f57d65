"""
Who gets a place, who waits and who is promoted in one session. All functions are pure.

By default the order of the requests is strict (docs/decisions/0007-booking.md): while somebody waits, all
later requests wait too, and only the head of the waiting list is promoted. `waiting_list.py` has the
policies.
"""

from datetime import datetime, timedelta
from typing import Literal, NewType

import msgspec
from msgspec.structs import replace

from services.registration.booking.waiting_list import (
    Wait,
    is_free_for_newest,
    with_places,
    with_wait,
)
from services.registration.participants.rules import ParticipantId
from services.registration.sessions.rules import Session, SessionId
from shared.runtime.errors import Conflict

RegistrationId = NewType("RegistrationId", str)

Status = Literal["held", "offered", "confirmed", "waitlisted", "cancelled", "checked_in"]
DecidedStatus = Literal["held", "offered", "confirmed", "waitlisted", "rejected"]

# How often a participant may register for one session. Each time makes messages and events.
ROUNDS_MAX = 20
# The codes of `registration.cancelled`: who or what has ended a place or a wait.
BY_PARTICIPANT = "cancelled_by_participant"
BY_ORGANISER = "cancelled_by_organiser"
BY_ERASURE = "participant_erased"
BY_MERGE = "participant_merged"
BY_SESSION = "session_cancelled"
HOLD_EXPIRED = "hold_expired"
OFFER_EXPIRED = "offer_expired"
SESSION_BEGAN = "session_began"
REGISTRATION_CLOSED = "registration_closed"


class Registration(msgspec.Struct, frozen=True):
    """
    The places of one participant in a session, or a wait for them.

    Attributes:
        sequence: the number of the registration in the session, in the order of the requests.
        round: the number of the request, from 1. Somebody who has cancelled may ask again.
        version: counts the changes, from 1.
        told_version: the version of the session of which the participant has been notified.
        held_until: the place, or the wait, ends at this moment, unless the participant verifies the contact
            or accepts the offer before. None: nothing has to be verified.
        people_in: how many people have come in with this ticket, in all scans together.
        ticket_hash: check-in finds the registration by this hash; None after the holder is erased.
        ticket_locked: the ticket code, encrypted with the holder's key; None after the holder is erased.
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
    held_until: datetime | None = None
    ticket_hash: str | None = None
    ticket_locked: str | None = None
    people_in: int = 0

    @property
    def is_active(self) -> bool:
        """True if the participant has a place, waits, or has come in."""
        return self.status != "cancelled"

    @property
    def is_anonymous(self) -> bool:
        """
        True if the participant is erased.

        An erasure cancels all waits, and places that are held or offered. A place in a session that had
        begun stays, without its ticket.
        """
        return self.status not in ("waitlisted", "held", "offered") and self.ticket_locked is None


class Decision(msgspec.Struct, frozen=True):
    """
    The decision on one request.

    Attributes:
        position: the position on the waiting list, from 1, if the request has to wait.
        until: the place or the wait ends at this time, unless the participant verifies the contact before.
        overlaps_with: a registration of the same participant for the same time.
    """

    status: DecidedStatus
    position: int | None = None
    code: str | None = None
    reason: str | None = None
    until: datetime | None = None
    overlaps_with: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """
    The stored answer to a request. After its participant is erased it has no fingerprint and no ticket.

    A refusal over HTTP is not stored, because the same request may succeed later.

    Attributes:
        answer_id: computed from the request's key (`idempotency.py`).
    """

    answer_id: str
    fingerprint: str | None
    participant_id: ParticipantId
    session_id: str
    registration_id: RegistrationId | None
    verdict: DecidedStatus
    position: int | None
    ticket_locked: str | None
    code: str | None
    reason: str | None
    answered_at: datetime
    until: datetime | None = None
    overlaps_with: str | None = None


def decide(
    session: Session, places: int, now: datetime, until: datetime | None = None
) -> tuple[Decision, Session]:
    """
    Decide a request for this number of places.

    Args:
        until: a place is only held until this time, and a wait ends at this time.

    Returns: the decision, and the session after it. If the request gets places or a wait, the
    session's `sequence` is the number of the request.
    """
    if session.cancelled is not None:
        return _rejected("session_cancelled", "the session is cancelled"), session
    if not session.has_opened(now):
        return _rejected("session_not_open", "registration for this session has not opened yet"), session
    if not session.is_open(now):
        return _rejected("session_closed", "registration for this session is closed"), session
    if places > session.capacity:
        # This request could never be promoted, and would block all requests behind it.
        return _rejected(
            "places_above_capacity", f"the session has {session.capacity} places in all"
        ), session
    numbered = replace(
        session, sequence=session.sequence + 1, runs_out_at=earlier(session.runs_out_at, until)
    )
    if is_free_for_newest(session, places):
        return Decision("held" if until else "confirmed", until=until), with_places(numbered, places)
    if session.can_wait and session.promotes(now):
        after = with_wait(numbered, Wait(numbered.sequence, places))
        return Decision("waitlisted", after.waiting, until=until), after
    return _rejected("session_full", "the session is full, and its waiting list too"), session


def _rejected(code: str, reason: str) -> Decision:
    return Decision("rejected", code=code, reason=reason)


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier one of two moments; each of them may be None."""
    return other if one is None else one if other is None else min(one, other)


def give_back(session: Session, registration: Registration) -> Session:
    """The session without this registration's places or wait."""
    if registration.status == "waitlisted":
        return replace(session, waiting=session.waiting - 1)
    return replace(session, taken=session.taken - registration.places)


def promoted(waiter: Registration, session: Session, now: datetime, hold: timedelta | None) -> Registration:
    """
    The registration of somebody who waited and gets places: held, offered or confirmed, still without a
    ticket.

    A participant who has not verified a contact needs no offer: verifying the contact accepts the place.

    Args:
        hold: how long a place is held for somebody without a verified contact; None: no place is held.
    """
    status: Status = "confirmed"
    until: datetime | None = None
    if waiter.held_until is not None and hold is not None:
        status, until = "held", now + hold
    elif session.offer_minutes is not None:
        status, until = "offered", min(now + timedelta(minutes=session.offer_minutes), session.promotes_until)
    return replace(waiter, status=status, version=waiter.version + 1, held_until=until)


def accepted(registration: Registration) -> Registration:
    """The registration after its held or offered place is confirmed, still without a ticket."""
    return replace(registration, status="confirmed", version=registration.version + 1, held_until=None)


def check_acceptable(registration: Registration, session: Session, now: datetime) -> None:
    """
    Check that the offer of a place can be accepted.

    Raises:
        Conflict: there is no offer, or its time is over.
    """
    if session.cancelled is not None:
        raise Conflict("the session is cancelled", code="session_cancelled")
    if registration.status != "offered":
        raise Conflict(
            f"registration {registration.registration_id} is no offer of a place", code="not_offered"
        )
    if registration.held_until is not None and registration.held_until <= now:
        raise Conflict("the time to accept the place is over", code="offer_expired")


def check_cancellable(registration: Registration) -> None:
    """
    Check that a registration can be cancelled.

    Raises:
        Conflict: the registration is checked in already.
    """
    if registration.status == "checked_in":
        raise Conflict(
            f"registration {registration.registration_id} is checked in", code="already_checked_in"
        )


def cancelled(registration: Registration) -> Registration:
    """The registration after its place or wait is given back."""
    return replace(registration, status="cancelled", version=registration.version + 1, held_until=None)


def survives_erasure(registration: Registration, session: Session, now: datetime) -> bool:
    """
    True if a registration stays when its participant is erased: a place in a session that has begun.

    A wait never stays. A place that is only held or offered never stays.
    """
    return registration.status == "confirmed" and session.has_begun(now)
