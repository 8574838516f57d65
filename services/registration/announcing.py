"""What registration says: the events of joining, of outcomes, and of leaving."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from services.registration.records import Participant
from services.registration.rules import Registration, Session
from shared.contracts.envelope import Context, Envelope, Event, enclose
from shared.contracts.events import (
    ParticipantErased,
    ParticipantJoined,
    RegistrationCancelled,
    RegistrationCheckedIn,
    RegistrationConfirmed,
    RegistrationRejected,
    RegistrationWaitlisted,
)

SOURCE = "kepu/registration"

Announced = Envelope[Event]


@dataclass(frozen=True, slots=True)
class Origin:
    """What an event follows from: a command's context, or a request's correlation id."""

    parent: Context | None = None
    correlation_id: str | None = None


class _Told(TypedDict):
    registration_id: str
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
        "request_id": registration.request_id,
        "participant_id": registration.participant_id,
        "activity_id": session.activity_id,
        "activity_title": session.activity_title,
        "session_id": session.session_id,
        "starts_at": session.starts_at,
        "venue": session.venue,
        "places": registration.places,
    }


def _envelope(event: Event, cause: str, origin: Origin, now: datetime) -> Announced:
    return enclose(
        event,
        source=SOURCE,
        cause=cause,
        now=now,
        parent=origin.parent,
        correlation_id=origin.correlation_id,
    )


def _cause(registration: Registration, transition: str) -> str:
    # The round tells a registration after a cancellation from the one before it.
    return f"{registration.registration_id}/{registration.round}/{transition}"


def joined(participant: Participant, origin: Origin, now: datetime) -> Announced:
    """The profile exists, or has changed."""
    profile = participant.profile
    assert profile is not None  # noqa: S101 (whoever is erased does not join)
    event = ParticipantJoined(
        participant_id=participant.participant_id,
        kind=profile.kind,
        group_id=profile.group_id,
        district=profile.district,
        audience=profile.audience,
        language=profile.language,
        contact_sealed=profile.contact_sealed,
    )
    return _envelope(event, f"{participant.participant_id}/{participant.version}", origin, now)


def erased(participant_id: str, erased_at: datetime, origin: Origin) -> Announced:
    """The profile is gone."""
    event = ParticipantErased(participant_id=participant_id, erased_at=erased_at)
    return _envelope(event, participant_id, origin, erased_at)


def confirmed(
    registration: Registration, session: Session, origin: Origin, now: datetime, *, promoted: bool = False
) -> Announced:
    """A place is held, and there is a ticket for it."""
    event = RegistrationConfirmed(
        **_told(registration, session), ticket_code=registration.ticket_code or "", promoted=promoted
    )
    return _envelope(event, _cause(registration, "confirmed"), origin, now)


def waitlisted(
    registration: Registration, session: Session, position: int, origin: Origin, now: datetime
) -> Announced:
    """It waits at this position."""
    event = RegistrationWaitlisted(**_told(registration, session), position=position)
    return _envelope(event, _cause(registration, "waitlisted"), origin, now)


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
    return _envelope(event, _cause(registration, "cancelled"), origin, now)


def checked_in(registration: Registration, session: Session, origin: Origin, now: datetime) -> Announced:
    """Whoever holds the ticket came in."""
    event = RegistrationCheckedIn(**_told(registration, session), checked_in_at=now)
    return _envelope(event, _cause(registration, "checked_in"), origin, now)
