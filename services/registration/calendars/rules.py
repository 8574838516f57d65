"""What a calendar says of a session and of a registration. All functions are pure."""

from datetime import datetime
from typing import Literal

import msgspec

from services.registration.booking.rules import Registration
from services.registration.sessions.rules import Session

Status = Literal["TENTATIVE", "CONFIRMED", "CANCELLED"]


class Entry(msgspec.Struct, frozen=True):
    """
    An entry of a calendar.

    Attributes:
        sequence: only rises.
    """

    sequence: int
    status: Status
    starts_at: datetime
    ends_at: datetime
    title: str
    place: str


def is_known(session: Session) -> bool:
    """True if everybody may read the file: the session is published, or was until it was removed."""
    return session.is_public or (session.removed and session.revision > 0)


def entry_of_session(session: Session) -> Entry:
    """A session, as everybody sees it."""
    return _entry(session, session.revision, "CONFIRMED")


def entry_of_registration(registration: Registration, session: Session) -> Entry:
    """A registration, as its holder sees it: tentative until there is a place."""
    held = registration.status in ("confirmed", "checked_in")
    status: Status = "CONFIRMED" if held else "TENTATIVE" if registration.is_active else "CANCELLED"
    # Each of the two only rises, so their sum does.
    return _entry(session, session.revision + registration.version, status)


def _entry(session: Session, sequence: int, status: Status) -> Entry:
    return Entry(
        sequence=sequence,
        status="CANCELLED" if session.cancelled is not None or session.removed else status,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        title=session.activity_title,
        place=f"{session.venue} ({session.district})",
    )
