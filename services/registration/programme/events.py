"""The events of sessions: published, changed, cancelled. Each one carries the whole plan."""

from datetime import datetime

from services.registration.programme.rules import Activity
from services.registration.sessions.rules import Session
from shared.contracts.envelope import Envelope, Event
from shared.contracts.events import SessionCancelled, SessionChanged, SessionPublished
from shared.contracts.origin import Fields, Origin, enclosed
from shared.contracts.sources import REGISTRATION


def plan_of(activity: Activity, session: Session) -> Fields:
    """What everybody may know of a session: the fields of `SessionPlan`."""
    return {
        "activity_title": activity.title,
        "summary": activity.summary,
        "organiser": activity.organiser,
        "kind": activity.kind,
        "starts_at": session.starts_at,
        "ends_at": session.ends_at,
        "venue": session.venue,
        "district": session.district,
        "capacity": session.capacity,
        "waiting_max": session.waiting_max,
        "opens_at": session.opens_at,
        "closes_at": session.closes_at,
        "admits": session.admits,
    }


def published(activity: Activity, session: Session, origin: Origin, now: datetime) -> Envelope[Event]:
    """Everybody can see the session now."""
    fields = _fields(activity, session)
    return enclosed(SessionPublished, fields, _cause(session), origin, now, source=REGISTRATION)


def changed(
    activity: Activity, session: Session, plan_before: Fields, origin: Origin, now: datetime
) -> Envelope[Event]:
    """The session has another plan than before."""
    fields = {**_fields(activity, session), "plan_before": plan_before}
    return enclosed(SessionChanged, fields, _cause(session), origin, now, source=REGISTRATION)


def cancelled(
    activity: Activity, session: Session, code: str, reason: str | None, origin: Origin, now: datetime
) -> Envelope[Event]:
    """The session does not take place: `code` says why, and `reason` in the organiser's words."""
    fields = {**_fields(activity, session), "code": code, "reason": reason}
    return enclosed(SessionCancelled, fields, _cause(session), origin, now, source=REGISTRATION)


def _fields(activity: Activity, session: Session) -> Fields:
    return {
        "session_id": session.session_id,
        "version": session.revision,
        "activity_id": session.activity_id,
        "plan": plan_of(activity, session),
    }


def _cause(session: Session) -> str:
    return f"{session.session_id}/{session.revision}"
