"""
The events of registrations: held, confirmed, waitlisted, offered, rejected, cancelled, moved, checked
in, check-in undone, reminded.

A rush consists of the first three, which are therefore written as records at once.
"""

from datetime import datetime

from services.registration.booking.rules import Registration
from services.registration.sessions.rules import Session
from shared.contracts.envelope import Envelope, Event
from shared.contracts.events import (
    PLACES_MAX,
    RegistrationCancelled,
    RegistrationCheckedIn,
    RegistrationCheckInUndone,
    RegistrationConfirmed,
    RegistrationHeld,
    RegistrationMoved,
    RegistrationOffered,
    RegistrationRejected,
    RegistrationReminded,
    RegistrationWaitlisted,
    Reminder,
)
from shared.contracts.origin import Fields, Origin, enclosed
from shared.contracts.sources import REGISTRATION
from shared.messaging.publisher import Record, record_of


def held(
    registration: Registration, session: Session, origin: Origin, now: datetime, *, promoted: bool = False
) -> Record:
    """The registration holds a place until its participant has verified the contact, or time is over."""
    fields = _fields(registration, session, until=registration.held_until, promoted=promoted)
    return record_of(RegistrationHeld, fields, _cause(registration), origin, now, source=REGISTRATION)


def confirmed(
    registration: Registration, session: Session, origin: Origin, now: datetime, *, promoted: bool = False
) -> Record:
    """The registration holds a place, and there is a ticket for it."""
    fields = _fields(registration, session, ticket_sealed=registration.ticket_locked, promoted=promoted)
    return record_of(RegistrationConfirmed, fields, _cause(registration), origin, now, source=REGISTRATION)


def waitlisted(
    registration: Registration, session: Session, position: int, origin: Origin, now: datetime
) -> Record:
    """The registration waits at this position."""
    more = {"until": registration.held_until, "waiting_policy": session.waiting_policy}
    fields = _fields(registration, session, position=position, **more)
    return record_of(RegistrationWaitlisted, fields, _cause(registration), origin, now, source=REGISTRATION)


def offered(registration: Registration, session: Session, origin: Origin, now: datetime) -> Envelope[Event]:
    """A place from the waiting list may be accepted until `held_until`."""
    fields = _fields(registration, session, until=registration.held_until)
    return enclosed(RegistrationOffered, fields, _cause(registration), origin, now, source=REGISTRATION)


def rejected(
    *,
    answer_id: str,
    request_id: str,
    participant_id: str,
    session_id: str,
    code: str,
    reason: str,
    origin: Origin,
    now: datetime,
) -> Envelope[Event]:
    """A command got neither a place nor a wait; its answer is stored under `answer_id`."""
    fields = {
        "request_id": request_id,
        "participant_id": participant_id,
        "session_id": session_id,
        "code": code,
        "reason": reason,
    }
    return enclosed(RegistrationRejected, fields, answer_id, origin, now, source=REGISTRATION)


def cancelled(
    registration: Registration,
    session: Session,
    code: str,
    origin: Origin,
    now: datetime,
    *,
    reason: str | None = None,
) -> Envelope[Event]:
    """A place or a wait was given back; `code` says why, and `reason` in the organiser's words."""
    fields = _fields(registration, session, code=code, reason=reason)
    return enclosed(RegistrationCancelled, fields, _cause(registration), origin, now, source=REGISTRATION)


def moved(
    registration: Registration,
    session: Session,
    starts_at_before: datetime,
    venue_before: str,
    origin: Origin,
    now: datetime,
) -> Envelope[Event]:
    """The session has another time or venue than the participant knows."""
    fields = _fields(registration, session, starts_at_before=starts_at_before, venue_before=venue_before)
    return enclosed(RegistrationMoved, fields, _cause(registration), origin, now, source=REGISTRATION)


def checked_in(
    registration: Registration, session: Session, at: datetime, origin: Origin, now: datetime
) -> Envelope[Event]:
    """The first people of a ticket came in, at this time."""
    people = registration.people_in
    fields = _fields(
        registration, session, checked_in_at=at, people=min(people, PLACES_MAX), all_people=_many(people)
    )
    return enclosed(RegistrationCheckedIn, fields, _cause(registration), origin, now, source=REGISTRATION)


def check_in_undone(
    registration: Registration, session: Session, origin: Origin, now: datetime
) -> Envelope[Event]:
    """The check-in was a mistake: nobody of this ticket came in."""
    fields = _fields(registration, session)
    return enclosed(RegistrationCheckInUndone, fields, _cause(registration), origin, now, source=REGISTRATION)


def reminded(
    registration: Registration,
    session: Session,
    reminder: Reminder,
    until: datetime,
    origin: Origin,
    now: datetime,
) -> Envelope[Event]:
    """
    The holder is reminded of the session, as long as it is at this time.

    A reminder is no change of the registration. So its cause is the version of the session.
    """
    fields = _fields(
        registration,
        session,
        reminder=reminder,
        ends_at=session.ends_at,
        until=until,
        feedback=session.feedback if reminder == "thanks" else None,
    )
    cause = f"{registration.registration_id}/{reminder}/{session.version}"
    return enclosed(RegistrationReminded, fields, cause, origin, now, source=REGISTRATION)


def _fields(registration: Registration, session: Session, **more: object) -> Fields:
    """The fields of all events of a registration, and `more` of this one."""
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
        "places": min(registration.places, PLACES_MAX),
        "all_places": _many(registration.places),
        **more,
    }


def _many(places: int) -> int | None:
    """Places, if there are more than released readers accept in `places`."""
    return places if places > PLACES_MAX else None


def _cause(registration: Registration) -> str:
    """The registration's latest change, which makes its event a fact."""
    return f"{registration.registration_id}/{registration.version}"
