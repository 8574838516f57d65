"""
Whom a session admits, and how many places one person may have. All functions are pure.

Anybody can be a newcomer any number of times. So the places of somebody who has not confirmed a contact are
few, and are only held for a time.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from services.registration.booking.rules import Registration
from services.registration.participants.rules import Participant
from services.registration.sessions.rules import Session
from shared.runtime.errors import Conflict, Forbidden, Rejected

# Places of one person at a session, unless the session says another number. A group may have more.
PERSON_PLACES_MAX = 5
# Of somebody who has not confirmed a contact: places of one request, and places and waits altogether.
UNCONFIRMED_PLACES_MAX = 2
UNCONFIRMED_MAX = 2

Standing = Literal["unconfirmed", "confirmed", "body", "vouched"]
"""
How far an asker can be trusted.

unconfirmed: a person who has not confirmed a contact
confirmed: a person who has
body: a school, unit or service team
vouched: another system, an organiser or a group asks for this participant
"""


def standing_of(participant: Participant | None, *, vouched: bool) -> Standing:
    """Args: participant: None for a newcomer."""
    if vouched:
        return "vouched"
    if participant is None or participant.profile is None:
        return "unconfirmed"
    if participant.is_group:
        return "body"
    return "unconfirmed" if participant.verified_at is None else "confirmed"


def refused(
    session: Session,
    places: int,
    standing: Standing,
    theirs: Iterable[Registration],
    overlap: Registration | None,
    *,
    held: bool,
) -> Rejected | None:
    """
    Why a session gives somebody no places, however many are free; None: it may.

    Args:
        theirs: their registrations with a place or a wait.
        overlap: the one of them for the same time.
        held: the places would only be held, until the asker confirms a contact.
    """
    if session.admits == "verified" and standing == "unconfirmed":
        return Forbidden(
            "this session is for people with a confirmed e-mail or phone; confirm yours, then ask again",
            code="session_for_confirmed",
        )
    if session.admits == "roster" and standing not in ("body", "vouched"):
        return Forbidden(
            "this session is for people whom a school, unit or organiser registers", code="session_for_roster"
        )
    refusal = _too_many(session, places, standing, held=held)
    if refusal is None and held and sum(one.held_until is not None for one in theirs) >= UNCONFIRMED_MAX:
        return Forbidden(
            f"{UNCONFIRMED_MAX} registrations are held for you; confirm your e-mail or phone to ask for more",
            code="held_too_many",
            registrations=UNCONFIRMED_MAX,
        )
    if refusal is None and overlap is not None and session.overlap == "refuse":
        return Conflict(
            f"registration {overlap.registration_id} is for the same time; cancel it first",
            code="overlaps",
            registration_id=overlap.registration_id,
        )
    return refusal


def _too_many(session: Session, places: int, standing: Standing, *, held: bool) -> Rejected | None:
    limit = session.places_per_person_max
    if limit is None and standing != "vouched":
        limit = PERSON_PLACES_MAX
    if standing == "body" or limit is None:
        return None
    if places > limit:
        return Forbidden(
            f"a person gets at most {limit} places at this session; a school or unit may ask for more",
            code="places_need_group",
            places=limit,
        )
    if held and places > UNCONFIRMED_PLACES_MAX:
        return Forbidden(
            f"you get at most {UNCONFIRMED_PLACES_MAX} places until you have confirmed your e-mail or phone",
            code="places_need_confirmation",
            places=UNCONFIRMED_PLACES_MAX,
        )
    return None


def overlapping(
    session: Session,
    standing: Standing,
    theirs: Iterable[Registration],
    when: Mapping[str, tuple[datetime, datetime]],
) -> Registration | None:
    """
    The earliest registration of the asker for the same time, if the session asks for it.

    A group has many people, who can be at several places.

    Args:
        when: start and end of the sessions of `theirs`.
    """
    if session.overlap == "allow" or standing == "body":
        return None
    at_once = [
        one
        for one in theirs
        if one.session_id != session.session_id
        and when[one.session_id][0] < session.ends_at
        and session.starts_at < when[one.session_id][1]
    ]
    return min(at_once, key=lambda one: (when[one.session_id][0], one.registration_id), default=None)
