"""When the door is open for ticket holders."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from services.registration.booking.rules import Registration
from services.registration.sessions.rules import Session
from shared.runtime.errors import Conflict

# The door opens before a session begins. After the end, tickets that were not scanned in time can still be
# scanned.
CHECK_IN_BEFORE = timedelta(hours=3)
CHECK_IN_AFTER = timedelta(hours=2)


def check_ticket(registration: Registration) -> None:
    """
    Check that a registration's ticket is still good.

    Raises:
        Conflict: the registration was cancelled, or its place is not confirmed yet.
    """
    if not registration.is_active:
        raise Conflict("the registration of this ticket was cancelled", code="ticket_cancelled")
    if registration.status in ("held", "offered", "waitlisted"):
        raise Conflict("this registration has no confirmed place yet", code="place_unconfirmed")


def check_door(session: Session, now: datetime) -> None:
    """
    Check that ticket holders are let in now.

    Raises:
        Conflict: the session is cancelled, or not near: `session_cancelled`, `check_in_too_early`,
            `check_in_too_late`.
    """
    if session.cancelled is not None:
        raise Conflict("the session of this ticket is cancelled", code="session_cancelled")
    if now < session.starts_at - CHECK_IN_BEFORE:
        raise Conflict(
            f"the session begins at {session.starts_at:%Y-%m-%d %H:%M} UTC: too early for this ticket",
            code="check_in_too_early",
        )
    if now > session.ends_at + CHECK_IN_AFTER:
        raise Conflict(
            f"the session ended at {session.ends_at:%Y-%m-%d %H:%M} UTC: too late for this ticket",
            code="check_in_too_late",
        )


def checked_in(registration: Registration) -> Registration:
    """The registration after its ticket was shown."""
    return replace(registration, status="checked_in", version=registration.version + 1)
