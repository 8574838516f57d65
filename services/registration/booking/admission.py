"""
Whom a session admits, and how many places one person may have. All functions are pure.

Anybody can be a newcomer any number of times. So somebody who has not verified a contact gets few places, and
they are only held for a time.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from services.registration.booking.rules import Registration
from services.registration.participants.rules import Participant
from services.registration.sessions.rules import Session
from shared.runtime.errors import Conflict, Forbidden, Rejected

# Places of one person at a session, unless the session says another number. A group may have more.
PERSON_PLACES_MAX = 5
# For somebody who has not verified a contact: places of one request, and registrations altogether.
UNVERIFIED_PLACES_MAX = 2
UNVERIFIED_MAX = 2

Trust = Literal["unverified", "member", "verified", "group", "vouched"]
"""
How far somebody who asks for places can be trusted.

unverified: a person who has not verified a contact
member: a person who has not verified a contact either, but has claimed a membership by a code on paper: the
    group vouches for the person
verified: a person who has verified a contact
group: a school, unit or service team, whoever asks for it
vouched: another system or an organiser asks for this person
"""


class Enrolled(NamedTuple):
    """
    What rosters say of a participant who is a member of a group.

    Attributes:
        lacks_consent: a group that may say so calls the participant a minor, and no guardian has agreed. Of
            somebody who was there before, a group knows no more than the address.
        lacks_as_member: the same, or the participant is only on rosters as a minor. This counts where the
            roster is what lets people in.
    """

    lacks_consent: bool
    lacks_as_member: bool


def trust_of(participant: Participant | None, *, vouched: bool) -> Trust:
    """Args: participant: None for a newcomer."""
    if participant is not None and participant.is_group:
        return "group"
    if vouched:
        return "vouched"
    if participant is None or participant.profile is None:
        return "unverified"
    if participant.has_verified_contact:
        return "verified"
    return "member" if participant.is_verified else "unverified"


def refused(
    session: Session,
    places: int,
    trust: Trust,
    theirs: Iterable[Registration],
    overlap: Registration | None,
    *,
    held: bool,
    enrolled: Enrolled | None = None,
) -> Rejected | None:
    """
    Why somebody gets no places at a session, also if places are free; None if nothing is against it.

    Args:
        theirs: the registrations of this participant, with a place or a wait.
        overlap: the registration of these that is for the same time.
        held: the places would only be held, until the participant verifies a contact.
        enrolled: what rosters say of the participant; used only if the session asks for it.
    """
    if session.admits == "verified" and trust in ("unverified", "member"):
        return Forbidden(
            "this session is for people with a verified contact; verify yours, then ask again",
            code="session_for_confirmed",
        )
    if session.admits == "roster" and not _on_roster(trust, enrolled):
        return Forbidden(
            "this session is for members of a school, unit or service team: become the member by your e-mail"
            " or by the code that it hands out, or let it or an organiser register you",
            code="session_for_roster",
        )
    asks_alone = trust in ("unverified", "member", "verified")
    if session.minors_need_consent and asks_alone and _lacks_consent(session, enrolled):
        return Conflict(
            "a guardian has to agree first; your school or organisation has the link", code="consent_needed"
        )
    refusal = _too_many(session, places, trust, held=held)
    if refusal is None and held and sum(one.held_until is not None for one in theirs) >= UNVERIFIED_MAX:
        return Forbidden(
            f"{UNVERIFIED_MAX} registrations are held for you; verify your e-mail to ask for more",
            code="held_too_many",
            registrations=UNVERIFIED_MAX,
        )
    if refusal is None and overlap is not None and session.overlap == "refuse":
        return Conflict(
            f"registration {overlap.registration_id} is for the same time; cancel it first",
            code="overlaps",
            registration_id=overlap.registration_id,
        )
    return refusal


def _lacks_consent(session: Session, enrolled: Enrolled | None) -> bool:
    if enrolled is None:
        return False
    return enrolled.lacks_as_member if session.admits == "roster" else enrolled.lacks_consent


def _on_roster(trust: Trust, enrolled: Enrolled | None) -> bool:
    # A person who has not verified the contact may have given the address of a member.
    return trust in ("group", "vouched") or (trust in ("member", "verified") and enrolled is not None)


def _too_many(session: Session, places: int, trust: Trust, *, held: bool) -> Rejected | None:
    limit = session.places_per_person_max
    if limit is None and trust != "vouched":
        limit = PERSON_PLACES_MAX
    if trust == "group" or limit is None:
        return None
    if places > limit:
        return Forbidden(
            f"a person gets at most {limit} places at this session; a school or organisation may ask for"
            " more",
            code="places_need_group",
            places=limit,
        )
    if held and places > UNVERIFIED_PLACES_MAX:
        return Forbidden(
            f"you get at most {UNVERIFIED_PLACES_MAX} places until you have verified your e-mail",
            code="places_need_confirmation",
            places=UNVERIFIED_PLACES_MAX,
        )
    return None


def overlapping(
    session: Session,
    trust: Trust,
    theirs: Iterable[Registration],
    when: Mapping[str, tuple[datetime, datetime]],
) -> Registration | None:
    """
    The earliest registration of the asker for the same time, if the session asks for it.

    A group has many people, who can be at several places.

    Args:
        when: start and end of the sessions of `theirs`.
    """
    if session.overlap == "allow" or trust == "group":
        return None
    at_once = [
        one
        for one in theirs
        if one.session_id != session.session_id
        and when[one.session_id][0] < session.ends_at
        and session.starts_at < when[one.session_id][1]
    ]
    return min(at_once, key=lambda one: (when[one.session_id][0], one.registration_id), default=None)
