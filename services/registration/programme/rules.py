"""Activities, and the changes that are allowed after people have registered for a session."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.registration.sessions.rules import Session
from shared.runtime.errors import Conflict


class Activity(msgspec.Struct, frozen=True):
    """One of the week's activities; `starts_at` is the start of its first session."""

    activity_id: str
    title: str
    summary: str
    organiser: str
    kind: str
    starts_at: datetime
    remarks: str = ""


class EarlierVersion(msgspec.Struct, frozen=True):
    """When and where a session was planned, in a version that some of its people still know."""

    session_id: str
    version: int
    starts_at: datetime
    ends_at: datetime
    venue: str

    @classmethod
    def of(cls, session: Session) -> "EarlierVersion":
        return cls(session.session_id, session.version, session.starts_at, session.ends_at, session.venue)

    @property
    def time_and_venue(self) -> tuple[datetime, datetime, str]:
        """As `Session.time_and_venue`."""
        return self.starts_at, self.ends_at, self.venue


def changed(before: Session, put: Session) -> Session:
    """The session as it is put now, with the numbers and the state of the session before."""
    return replace(
        put,
        taken=before.taken,
        waiting=before.waiting,
        owed=before.owed,
        sequence=before.sequence,
        version=before.version,
        untold=before.untold,
        told_to=before.told_to,
        cancelled=before.cancelled,
        head=before.head,
        overtakable=before.overtakable,
        runs_out_at=before.runs_out_at,
    )


def has_moved(before: Session, after: Session) -> bool:
    """
    True if registered people have to be notified of a new time or venue.

    If the session is cancelled, nobody is notified of its time.
    """
    moved = after.time_and_venue != before.time_and_venue
    return moved and after.sequence > 0 and after.cancelled is None


def check_waiting_max(before: Session, after: Session) -> None:
    """
    Check that the maximum of the waiting list is not below the number of waiting registrations.

    To stop new waiting, set the maximum to the present number.

    Args:
        after: the session after the change. Its promotions are done, or counted as owed.

    Raises:
        Conflict: more registrations wait.
    """
    waiting = after.waiting - after.owed
    # With less capacity, registrations that were owed a place may have to wait again.
    cut = after.waiting_max < before.waiting_max or after.capacity < before.capacity
    if cut and after.waiting_max < waiting:
        raise Conflict(
            f"session {after.session_id}: {waiting} registrations wait,"
            f" so a waiting list of {after.waiting_max} is too short",
            code="waiting_max_below_waiting",
            waiting=waiting,
        )


def check_waiting_policy(before: Session, put: Session) -> None:
    """
    Check that the policy of a waiting list does not change while somebody waits by it.

    Raises:
        Conflict: somebody waits.
    """
    if put.waiting_policy != before.waiting_policy and before.waiting:
        raise Conflict(
            f"session {before.session_id}: {before.waiting} registrations wait by the policy"
            f" {before.waiting_policy}, so it stays",
            code="waiting_policy_in_use",
            waiting=before.waiting,
        )


def check_not_into_the_past(before: Session, after: Session, now: datetime) -> None:
    """
    Check that a session is not moved to a time in the past: the date is probably wrong.

    A session that has ended may be put again with its activity. A new session may be in the past, because
    somebody may load an earlier week.

    Raises:
        Conflict: after the change it has ended already, and before it had not.
    """
    if after.is_over(now) and not before.is_over(now):
        raise Conflict(
            f"session {before.session_id} would have ended already, at {after.ends_at:%Y-%m-%d %H:%M} UTC",
            code="session_in_past",
            session_id=before.session_id,
        )


def to_be_notified(session: Session) -> Session:
    """The session in a new version, of which nobody has been notified yet."""
    return replace(session, version=session.version + 1, untold=True, told_to=0)


def check_removable(session: Session) -> None:
    """
    Check that a session can be removed.

    Raises:
        Conflict: somebody has registered for it, even if they have cancelled since.
    """
    if session.sequence:
        raise Conflict(
            f"session {session.session_id}: somebody has registered for it",
            code="session_in_use",
            session_id=session.session_id,
        )


def check_capacity(session: Session, capacity: int, largest_wait: int) -> None:
    """
    Check that a session can be cut to this capacity.

    Args:
        largest_wait: the largest number of places that one waiting registration asks for; 0 if none waits.

    Raises:
        Conflict: more places are taken already, or somebody waits for more places than this.
    """
    if capacity < session.taken:
        raise Conflict(
            f"session {session.session_id}: {session.taken} places are taken, so {capacity} are too few",
            code="capacity_below_taken",
            taken=session.taken,
        )
    if capacity < largest_wait:
        raise Conflict(
            f"session {session.session_id}: somebody waits for {largest_wait} places,"
            f" so {capacity} are too few",
            code="capacity_below_waiting",
            largest=largest_wait,
        )
