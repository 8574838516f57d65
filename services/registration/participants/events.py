"""
The events that a rush is made of, as records written at once: newcomers join, get places and wait.

The same bytes as `shared.messaging.publisher.to_record` makes of the contracts in their envelopes, in a
fifth of the time; tests/registration/test_rush_events.py proves them equal.
"""

from datetime import datetime

import msgspec

from services.registration.booking.events import SOURCE, Announced, Origin, cause_of
from services.registration.booking.rules import Registration, Session
from services.registration.participants.keys import ContactKey
from services.registration.participants.rules import Participant
from shared.contracts.envelope import Event, context_of, to_headers
from shared.contracts.events import (
    ParticipantJoined,
    ParticipantKeyed,
    RegistrationConfirmed,
    RegistrationWaitlisted,
)


class _Keyed(msgspec.Struct, frozen=True, gc=False):
    """`shared.contracts.events.ParticipantKeyed`, field by field."""

    participant_id: str
    version: int
    key_sealed: str


class _Joined(msgspec.Struct, frozen=True, gc=False):
    """`shared.contracts.events.ParticipantJoined`, field by field."""

    participant_id: str
    version: int
    kind: str
    group_id: str | None
    district: str | None
    audience: str
    language: str
    contact_sealed: str | None


class _Outcome(msgspec.Struct, frozen=True, gc=False):
    """What both outcomes begin with, field by field."""

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


class _Confirmed(_Outcome, frozen=True, gc=False):
    """`shared.contracts.events.RegistrationConfirmed`, field by field."""

    ticket_sealed: str
    promoted: bool


class _Waitlisted(_Outcome, frozen=True, gc=False):
    """`shared.contracts.events.RegistrationWaitlisted`, field by field."""

    position: int


_encode = msgspec.json.Encoder().encode


def joined(participant: Participant, key: ContactKey, origin: Origin, now: datetime) -> list[Announced]:
    """The profile exists, or has changed, and this key opens what is locked for the participant."""
    id_, version, profile = participant.participant_id, participant.version, participant.profile
    assert profile is not None  # noqa: S101 (whoever is erased does not join)
    body = _Joined(
        id_,
        version,
        profile.kind,
        profile.group_id,
        profile.district,
        profile.audience,
        profile.language,
        profile.contact_locked,
    )
    cause = f"{id_}/{version}"
    return [
        _record(ParticipantKeyed, id_, _Keyed(id_, version, key.sealed), cause, origin, now),
        _record(ParticipantJoined, id_, body, cause, origin, now),
    ]


def confirmed(
    registration: Registration, session: Session, origin: Origin, now: datetime, *, promoted: bool = False
) -> Announced:
    """A place is held, and there is a ticket for it."""
    body = _Confirmed(*_told(registration, session), registration.ticket_locked or "", promoted)
    return _outcome(RegistrationConfirmed, registration, body, origin, now)


def waitlisted(
    registration: Registration, session: Session, position: int, origin: Origin, now: datetime
) -> Announced:
    """It waits at this position."""
    body = _Waitlisted(*_told(registration, session), position)
    return _outcome(RegistrationWaitlisted, registration, body, origin, now)


def _told(
    registration: Registration, session: Session
) -> tuple[str, int, str, str, str, str, str, datetime, str, int]:
    return (
        registration.registration_id,
        registration.version,
        registration.request_id,
        registration.participant_id,
        session.activity_id,
        session.activity_title,
        session.session_id,
        session.starts_at,
        session.venue,
        registration.places,
    )


def _outcome(
    contract: type[Event], registration: Registration, body: _Outcome, origin: Origin, now: datetime
) -> Announced:
    return _record(contract, registration.participant_id, body, cause_of(registration), origin, now)


def _record(
    contract: type[Event], key: str, body: msgspec.Struct, cause: str, origin: Origin, now: datetime
) -> Announced:
    context = context_of(
        contract.type,
        key,
        source=SOURCE,
        cause=cause,
        now=now,
        parent=origin.parent,
        correlation_id=origin.correlation_id,
    )
    return contract.topic, key.encode(), _encode(body), to_headers(context)
