"""Activities, and the changes that are allowed after people have registered for a session."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec
from msgspec.structs import replace
from pydantic_core import PydanticCustomError

from services.registration.sessions.rules import Session
from shared.runtime.errors import Conflict, NotFound, Outdated

# An exhibition may be open during the whole week and the days around it. More is a typing error.
SESSION_TIME_MAX = timedelta(days=31)

Matching: TypeAlias = Callable[[int | None], bool]
"""Gets the version of an activity, or None if there is none: whether the organiser's condition holds."""

# The reason code of a session that was removed.
REMOVED = "session_removed"


class Activity(msgspec.Struct, frozen=True):
    """
    One of the week's activities.

    Attributes:
        starts_at: the start of its first session.
        draft: only organisers see it, and nobody can register.
        removed: the organisers have removed it. If they put it again, the versions go on.
        version: counts the changes by organisers, from 1. The numbers of places are no part of it.
    """

    activity_id: str
    title: str
    summary: str
    organiser: str
    kind: str
    starts_at: datetime
    remarks: str = ""
    draft: bool = False
    removed: bool = False
    version: int = 1


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


class CancelReason(msgspec.Struct, frozen=True):
    """Why a session is cancelled: a code for programs, and perhaps words for people."""

    code: str
    text: str | None = None


def wrong_times(
    starts_at: datetime, ends_at: datetime, opens_at: datetime | None, closes_at: datetime | None
) -> Iterator[tuple[str, PydanticCustomError]]:
    """The impossible times of a session, each with its field."""
    if ends_at <= starts_at:
        yield "ends_at", PydanticCustomError("session_order", "a session ends after it starts")
    elif ends_at - starts_at > SESSION_TIME_MAX:
        yield (
            "ends_at",
            PydanticCustomError(
                "session_too_long", "a session takes {days} days at the most", {"days": SESSION_TIME_MAX.days}
            ),
        )
    if closes_at and closes_at > ends_at:
        yield (
            "closes_at",
            PydanticCustomError("session_closes", "registration closes when the session ends, or before"),
        )
    if opens_at and opens_at >= (closes_at or ends_at):
        yield "opens_at", PydanticCustomError("session_opens", "registration closes after it opens")


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
        cancelled_text=before.cancelled_text,
        revision=before.revision,
    )


def has_moved(before: Session, after: Session) -> bool:
    """
    True if registered people have to be notified of a new time or venue.

    If the session is cancelled, nobody is notified of its time.
    """
    moved = after.time_and_venue != before.time_and_venue
    return moved and after.sequence > 0 and after.cancelled is None


def check_version(matches: bool, activity_id: str) -> None:
    """
    Check that an activity is still what the organiser has read.

    Raises:
        Outdated: somebody has changed it since.
    """
    if not matches:
        raise Outdated(
            f"activity {activity_id} has changed since it was read; read it again", code="version_differs"
        )


def check_stays_published(before: Activity, after: Activity) -> None:
    """
    Check that a published activity does not become a draft: people know it.

    Raises:
        Conflict: it would.
    """
    if after.draft and not before.draft and not before.removed:
        raise Conflict(
            f"activity {before.activity_id} is published; it can be cancelled or deleted",
            code="activity_published",
        )


def check_session_stays_published(before: Session, after: Session) -> None:
    """
    Check that a published session does not become a draft: people know it.

    Raises:
        Conflict: it would.
    """
    if before.is_public and after.draft:
        raise Conflict(
            f"session {before.session_id} is published; it can be cancelled or deleted",
            code="session_published",
            session_id=before.session_id,
        )


def check_cancellable(session: Session) -> None:
    """
    Check that a session can be cancelled.

    Raises:
        NotFound: it was removed.
        Conflict: it is a draft, which nobody knows.
    """
    if session.removed:
        raise session_unknown(session.session_id)
    if not session.is_public:
        raise Conflict(
            f"session {session.session_id} is a draft; it can be deleted",
            code="session_draft",
            session_id=session.session_id,
        )


def check_activity_cancellable(activity: Activity) -> None:
    """
    Check that an activity can be cancelled.

    Raises:
        Conflict: it is a draft, which nobody knows.
    """
    if activity.draft:
        raise Conflict(
            f"activity {activity.activity_id} is a draft; it can be deleted", code="activity_draft"
        )


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
    Check that a session can be removed: nobody uses it.

    Raises:
        Conflict: somebody has a place, waits, or came in.
    """
    if session.taken or session.waiting:
        raise Conflict(
            f"session {session.session_id}: {session.taken} places are taken, and {session.waiting}"
            " registrations wait; cancel it first",
            code="session_in_use",
            session_id=session.session_id,
            taken=session.taken,
            waiting=session.waiting,
        )


def check_not_last(session: Session, others: Sequence[Session]) -> None:
    """
    Check that an activity keeps a session.

    Raises:
        Conflict: it has no others.
    """
    if not others:
        raise Conflict(
            f"session {session.session_id} is the only one of its activity; delete the activity",
            code="session_last",
        )


def starts_at_of(sessions: Iterable[Session]) -> datetime:
    """When an activity with these sessions begins."""
    return min(session.starts_at for session in sessions)


def leaves_no_trace(session: Session) -> bool:
    """True if a removed session can be deleted: no event and no registration names it."""
    return not session.revision and not session.sequence


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


def session_unknown(session_id: str) -> NotFound:
    """There is no such session, or it was removed."""
    return NotFound(f"session {session_id} does not exist", code="session_unknown", session_id=session_id)


def activity_unknown(activity_id: str) -> NotFound:
    """There is no such activity, it was removed, or it is a draft and somebody else asks."""
    return NotFound(f"there is no activity {activity_id}", code="activity_unknown")
