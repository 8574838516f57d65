"""What registration says of leaving and of outcomes; rush_events.py has what a rush is made of."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from services.registration.booking.rules import ParticipantId, Registration, Session
from services.registration.participants.rules import PlaceBefore
from shared.contracts.envelope import Context, Envelope, Event, enclose
from shared.contracts.events import (
    ParticipantErased,
    ParticipantKeyed,
    RegistrationCancelled,
    RegistrationCheckedIn,
    RegistrationMoved,
    RegistrationRejected,
)
from shared.messaging.publisher import Record

SOURCE = "kepu/registration"

Announced = Envelope[Event] | Record


@dataclass(frozen=True, slots=True)
class Origin:
    """What an event follows from: a command's context, or a request's correlation id."""

    parent: Context | None = None
    correlation_id: str | None = None


class _Told(TypedDict):
    registration_id: str
    version: int
    request_id: str
    participant_id: str
    activity_id: str
    activity_title: str
    session_id: str
    starts_at: datetime
    venue: str
    places: int


def _told(registration: Registration, session: Session) -> _Told:
    return {
        "registration_id": registration.registration_id,
        "version": registration.version,
        "request_id": registration.request_id,
        "participant_id": registration.participant_id,
        "activity_id": session.activity_id,
        "activity_title": session.activity_title,
        "session_id": session.session_id,
        "starts_at": session.starts_at,
        "venue": session.venue,
        "places": registration.places,
    }


def cause_of(registration: Registration) -> str:
    """What makes the event of a registration's latest change a fact."""
    return f"{registration.registration_id}/{registration.version}"


def _envelope(event: Event, cause: str, origin: Origin, now: datetime) -> Announced:
    return enclose(
        event,
        source=SOURCE,
        cause=cause,
        now=now,
        parent=origin.parent,
        correlation_id=origin.correlation_id,
    )


def erased(participant_id: ParticipantId, version: int, origin: Origin, now: datetime) -> list[Announced]:
    """The key is destroyed, and the profile is gone."""
    cause = f"{participant_id}/{version}"
    keyed = ParticipantKeyed(participant_id=participant_id, version=version, key_sealed=None)
    gone = ParticipantErased(participant_id=participant_id, version=version, erased_at=now)
    return [_envelope(event, cause, origin, now) for event in (keyed, gone)]


def rejected(
    *,
    key: str,
    request_id: str,
    participant_id: str,
    session_id: str,
    code: str,
    reason: str,
    origin: Origin,
    now: datetime,
) -> Announced:
    """No place and no wait; `key` is the request's own id here."""
    event = RegistrationRejected(
        request_id=request_id,
        participant_id=participant_id,
        session_id=session_id,
        code=code,
        reason=reason,
    )
    return _envelope(event, key, origin, now)


def cancelled(
    registration: Registration, session: Session, code: str, origin: Origin, now: datetime
) -> Announced:
    """A place or a wait was given back."""
    event = RegistrationCancelled(**_told(registration, session), code=code)
    return _envelope(event, cause_of(registration), origin, now)


def moved(
    registration: Registration, session: Session, before: PlaceBefore, origin: Origin, now: datetime
) -> Announced:
    """The session is at another time or place than its participant was told."""
    event = RegistrationMoved(
        **_told(registration, session), starts_at_before=before.starts_at, venue_before=before.venue
    )
    return _envelope(event, cause_of(registration), origin, now)


def checked_in(registration: Registration, session: Session, origin: Origin, now: datetime) -> Announced:
    """Whoever holds the ticket came in."""
    event = RegistrationCheckedIn(**_told(registration, session), checked_in_at=now)
    return _envelope(event, cause_of(registration), origin, now)
