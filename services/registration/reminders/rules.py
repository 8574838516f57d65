"""Which reminders a session has, when each is due, and who gets it. All functions are pure."""

from datetime import datetime, timedelta

import msgspec

from services.registration.booking.rules import Status
from services.registration.sessions.rules import Session
from shared.contracts.events import Reminder as Kind

DAY_BEFORE = timedelta(days=1)
HOUR_BEFORE = timedelta(hours=1)
# After an outage of some days nobody waits for thanks any more.
THANKS_WITHIN = timedelta(days=3)


class Reminder(msgspec.Struct, frozen=True):
    """
    The next reminder of a session.

    Attributes:
        until: afterwards it makes no sense, and is left out.
        told_to: everybody with a sequence up to this one has got it.
    """

    session_id: str
    kind: Kind
    due_at: datetime
    until: datetime
    told_to: int = 0


def reminders_of(session: Session) -> list[Reminder]:
    """All reminders of a session, in order."""
    id_, starts_at, ends_at = session.session_id, session.starts_at, session.ends_at
    return [
        Reminder(id_, "day_before", starts_at - DAY_BEFORE, starts_at - HOUR_BEFORE),
        Reminder(id_, "hour_before", starts_at - HOUR_BEFORE, starts_at),
        Reminder(id_, "thanks", ends_at, ends_at + THANKS_WITHIN),
    ]


def wants_reminders(session: Session) -> bool:
    """True if the people of a session are reminded."""
    return session.reminders and session.is_public and session.cancelled is None


def first_reminder(session: Session, now: datetime) -> Reminder | None:
    """
    The next reminder of a session that is put or moved now.

    What would be due already is left out: people have just registered, or just got the new time.
    """
    return next((one for one in reminders_of(session) if one.due_at > now), None)


def reminder_after(reminder: Reminder, session: Session, now: datetime) -> Reminder | None:
    """The next reminder after this one that still makes sense; it may be due already."""
    behind = (one for one in reminders_of(session) if one.due_at > reminder.due_at)
    return next((one for one in behind if now < one.until), None)


def is_replanned(before: Session | None, after: Session) -> bool:
    """True if a session's reminders begin anew: it is new, published or at another time."""
    if before is None or not wants_reminders(before):
        return True
    return (before.starts_at, before.ends_at) != (after.starts_at, after.ends_at)


def status_reminded(kind: Kind) -> Status:
    """Who gets a reminder: those with a place, and thanks those who came."""
    return "checked_in" if kind == "thanks" else "confirmed"
