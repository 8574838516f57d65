"""The events of shifts: volunteered, assigned, moved, reminded, ended."""

from datetime import datetime

from services.registration.rotas.rules import Assignment, Shift
from services.registration.sessions.rules import Session
from shared.contracts.envelope import Envelope, Event
from shared.contracts.events import (
    ShiftAssigned,
    ShiftEnded,
    ShiftMoved,
    ShiftReminded,
    ShiftVolunteered,
)
from shared.contracts.origin import Fields, Origin, enclosed
from shared.contracts.sources import REGISTRATION


def taken(
    assignment: Assignment, shift: Shift, session: Session, origin: Origin, now: datetime
) -> Envelope[Event]:
    """Somebody has volunteered, or is on the rota."""
    contract = ShiftAssigned if assignment.status == "assigned" else ShiftVolunteered
    return _enclosed(contract, _fields(assignment, shift, session), assignment, origin, now)


def moved(
    assignment: Assignment, before: Assignment, shift: Shift, session: Session, origin: Origin, now: datetime
) -> Envelope[Event]:
    """The shift is at another time or venue than its person knew before."""
    fields = _fields(
        assignment,
        shift,
        session,
        starts_at_before=before.told_starts_at,
        ends_at_before=before.told_ends_at,
        venue_before=before.told_venue,
        assigned=assignment.status == "assigned",
    )
    return _enclosed(ShiftMoved, fields, assignment, origin, now)


def reminded(
    assignment: Assignment, shift: Shift, session: Session, origin: Origin, now: datetime
) -> Envelope[Event]:
    """Somebody is reminded of the shift, as long as it is at this time; the version stays."""
    fields = _fields(assignment, shift, session, until=shift.starts_at)
    return _enclosed(ShiftReminded, fields, assignment, origin, now)


def ended(
    assignment: Assignment,
    shift: Shift,
    session: Session,
    origin: Origin,
    now: datetime,
    *,
    reason: str | None = None,
) -> Envelope[Event]:
    """Somebody is not on the rota any more; the assignment's code says why, `reason` in words."""
    fields = _fields(assignment, shift, session, code=assignment.code, reason=reason)
    return _enclosed(ShiftEnded, fields, assignment, origin, now)


def _enclosed(
    contract: type[Event], fields: Fields, assignment: Assignment, origin: Origin, now: datetime
) -> Envelope[Event]:
    cause = f"{assignment.assignment_id}/{assignment.version}"
    return enclosed(contract, fields, cause, origin, now, source=REGISTRATION)


def _fields(assignment: Assignment, shift: Shift, session: Session, **more: object) -> Fields:
    """The fields of all events of an assignment, and `more` of this one."""
    return {
        "assignment_id": assignment.assignment_id,
        "version": assignment.version,
        "participant_id": assignment.participant_id,
        "activity_id": session.activity_id,
        "activity_title": session.activity_title,
        "session_id": session.session_id,
        "shift_id": shift.shift_id,
        "duty": shift.duty,
        "starts_at": shift.starts_at,
        "ends_at": shift.ends_at,
        "venue": session.venue,
        **more,
    }
