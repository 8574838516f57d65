"""Who of a group attends, and how the places of its registration change; pure functions."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.registration.booking.rules import Registration, RegistrationId
from services.registration.booking.waiting_list import is_free_for_newest, with_places
from services.registration.sessions.rules import Session, SessionId
from shared.runtime.errors import Conflict, NotFound
from shared.runtime.versions import version_of

# How often a group may name other members for a registration. A change of the number makes an event and a
# message.
ATTENDEES_CHANGES_MAX = 20
# Why a registration of a group is cancelled whose last member has left the group.
MEMBER_LEFT = "member_left"


class Attendance(msgspec.Struct, frozen=True):
    """
    The members for whom a group's registration has its places, in the order in which they were named.

    Attributes:
        changes: how often other members were named since the booking.
    """

    registration_id: RegistrationId
    group_id: str
    session_id: SessionId
    member_ids: list[str]
    changes: int = 0

    @property
    def version(self) -> str:
        """Another one for other members, also if a member has left the group."""
        return version_of(self.member_ids)


def with_other_members(before: Attendance, member_ids: list[str]) -> Attendance:
    """
    The attendance with these members; the same ones again change nothing.

    Raises:
        Conflict: others were named `ATTENDEES_CHANGES_MAX` times already.
    """
    if member_ids == before.member_ids:
        return before
    if before.changes >= ATTENDEES_CHANGES_MAX:
        raise Conflict(
            f"you have changed {ATTENDEES_CHANGES_MAX} times who attends; ask the organisers",
            code="attendees_changes_too_many",
            most=ATTENDEES_CHANGES_MAX,
        )
    return replace(before, member_ids=member_ids, changes=before.changes + 1)


def with_other_places(
    session: Session, registration: Registration, places: int
) -> tuple[Session, Registration]:
    """
    The registration with another number of places, and the session after it.

    Fewer places are free at once. More are given only if nobody who waits could have them by the session's
    policy. A wait can only become smaller: with more places it would have asked later.

    Raises:
        Conflict: there are not enough places (`session_full`), or the registration is neither a place nor a
            wait (`places_fixed`), or a wait would grow (`wait_grows`).
    """
    more = places - registration.places
    if registration.status not in ("confirmed", "waitlisted"):
        raise Conflict(
            f"registration {registration.registration_id} is {registration.status}",
            code="places_fixed",
            registration_id=registration.registration_id,
        )
    if registration.status == "waitlisted" and more > 0:
        raise Conflict("a wait can only become smaller; cancel it and ask again", code="wait_grows")
    if registration.status == "confirmed":
        if more > 0 and not is_free_for_newest(session, more):
            raise Conflict("the session is full", code="session_full", capacity=session.capacity)
        session = with_places(session, more) if more > 0 else replace(session, taken=session.taken + more)
    if more:
        registration = replace(registration, places=places, version=registration.version + 1)
    return session, registration


def is_changeable(session: Session, registration: Registration, now: datetime) -> bool:
    """Whether a member who leaves the group now comes off its registration."""
    ahead = session.cancelled is None and not session.has_begun(now)
    return ahead and registration.status in ("held", "offered", "confirmed", "waitlisted")


def registration_unknown(registration_id: str) -> NotFound:
    """The refusal of a registration that does not exist, or is another group's."""
    return NotFound(f"there is no registration {registration_id}", code="registration_unknown")


def named_once(member_ids: Sequence[str]) -> list[str]:
    """
    The members, each once.

    Raises:
        Conflict: somebody is named twice.
    """
    if len(set(member_ids)) < len(member_ids):
        raise Conflict("a member is named twice", code="member_named_twice")
    return list(member_ids)
