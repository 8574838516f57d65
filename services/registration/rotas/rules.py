"""The shifts of a session, the people for them, and what changes both. All functions are pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NewType

import msgspec
from msgspec.structs import replace

from services.registration.sessions.rules import Session
from shared.runtime.errors import NotFound
from shared.runtime.versions import version_of

AssignmentId = NewType("AssignmentId", str)
Status = Literal["volunteered", "assigned", "ended"]
LIVE: tuple[Status, ...] = ("volunteered", "assigned")

SHIFTS_MAX = 50
# Of one shift. All of them together are ended in one transaction, if an organiser cancels the shift.
PEOPLE_MAX = 100
VOLUNTEERS_MAX = 100
# Of one person, at all sessions.
OWN_SHIFTS_MAX = 200
# How often a participant may volunteer for one shift, and withdraw. Each time leaves messages and events.
SHIFT_ROUNDS_MAX = 10
SHIFT_TIME_MAX = timedelta(hours=24)
# So long before a session its shifts may start, and so long after it they may end.
REACH = timedelta(days=1)
DAY_BEFORE = timedelta(days=1)

# Why an assignment has ended.
WITHDRAWN = "withdrawn"
DECLINED = "declined"
REMOVED = "removed"
SHIFT_CANCELLED = "shift_cancelled"
SESSION_CANCELLED = "session_cancelled"
BY_ERASURE = "participant_erased"
BY_MERGE = "participant_merged"


class Shift(msgspec.Struct, frozen=True):
    """
    A duty at a session, for a time.

    Attributes:
        shift_id: its name in the session, which the organiser chooses.
        duty: what is done, in the organiser's words.
        needed: so many people at least.
        most: so many people at most.
        volunteered: people for whom an organiser has not decided yet.
        assigned: people on the rota.
    """

    shift_id: str
    duty: str
    starts_at: datetime
    ends_at: datetime
    needed: int
    most: int
    volunteered: int = 0
    assigned: int = 0

    @property
    def lacking(self) -> int:
        """How many people are still needed."""
        return max(0, self.needed - self.assigned)

    @property
    def version(self) -> str:
        """Of what an organiser has put. The people are no part of it; a shift that moves has another one."""
        return version_of(self.duty, self.starts_at, self.ends_at, self.needed, self.most)

    @property
    def times(self) -> tuple[datetime, datetime]:
        """From when until when."""
        return self.starts_at, self.ends_at

    def has_begun(self, now: datetime) -> bool:
        """True if it has begun or is over."""
        return self.starts_at <= now

    def is_over(self, now: datetime) -> bool:
        """True if it has ended."""
        return self.ends_at <= now


class Rota(msgspec.Struct, frozen=True):
    """
    The shifts of a session.

    Attributes:
        starts_at, venue: of the session, as the shifts know it.
        closed: the session does not take place.
        sequence: the last number that was given. Each assignment has a number, in the order of asking.
        untold: somebody may still have to be notified of a new time, of a new venue or of the cancellation.
        told_to: everybody with a number up to this one has been notified.
    """

    session_id: str
    starts_at: datetime
    venue: str
    shifts: tuple[Shift, ...] = ()
    closed: bool = False
    sequence: int = 0
    untold: bool = False
    told_to: int = 0

    @property
    def people(self) -> int:
        """How many people have volunteered or are on the rota. Who has two shifts counts twice."""
        return sum(shift.volunteered + shift.assigned for shift in self.shifts)

    @property
    def lacking(self) -> int:
        """How many people are still needed, in all shifts together."""
        return 0 if self.closed else sum(shift.lacking for shift in self.shifts)

    @property
    def until(self) -> datetime:
        """The end of its last shift; the start of the session if there is none."""
        return max((shift.ends_at for shift in self.shifts), default=self.starts_at)

    def find(self, shift_id: str) -> Shift | None:
        """The shift with this id; None if there is none."""
        return next((shift for shift in self.shifts if shift.shift_id == shift_id), None)

    def shift(self, shift_id: str) -> Shift:
        """
        The shift with this id.

        Raises:
            NotFound: there is none.
        """
        found = self.find(shift_id)
        if found is None:
            raise shift_unknown(self.session_id, shift_id)
        return found


class Assignment(msgspec.Struct, frozen=True):
    """
    What one participant has to do with one shift.

    Attributes:
        number: in the session, in the order of asking.
        asked_at: when the participant volunteered, or an organiser assigned the shift.
        round: counts how often the participant has asked or was assigned, from 1.
        version: counts the changes, from 1.
        code: why it has ended.
        told_starts_at, told_ends_at, told_venue: of which time and venue the participant was notified last.
        reminded: nobody has to remind the participant any more.
    """

    assignment_id: AssignmentId
    participant_id: str
    session_id: str
    shift_id: str
    status: Status
    number: int
    asked_at: datetime
    told_starts_at: datetime
    told_ends_at: datetime
    told_venue: str
    round: int = 1
    version: int = 1
    code: str | None = None
    reminded: bool = False

    @property
    def is_live(self) -> bool:
        """True if the participant has volunteered or is on the rota."""
        return self.status != "ended"

    def knows(self, shift: Shift, venue: str) -> bool:
        """True if the participant was notified of this time and venue."""
        return (self.told_starts_at, self.told_ends_at, self.told_venue) == (*shift.times, venue)


class Busy(msgspec.Struct, frozen=True):
    """A time at which somebody is on a rota or has a place; `id`: of the assignment or registration."""

    id: str
    starts_at: datetime
    ends_at: datetime


def overlapping(times: tuple[datetime, datetime], others: Iterable[Busy]) -> Busy | None:
    """The earliest one of the others at the same time. Two that only touch are not at the same time."""
    starts_at, ends_at = times
    at_once = [one for one in others if one.starts_at < ends_at and starts_at < one.ends_at]
    return min(at_once, key=lambda one: (one.starts_at, one.id), default=None)


def with_shift(rota: Rota, put: Shift) -> Rota:
    """The rota with this shift, in the place of the one with the same id; the earliest shift comes first."""
    others = [shift for shift in rota.shifts if shift.shift_id != put.shift_id]
    in_order = sorted([*others, put], key=lambda shift: (shift.starts_at, shift.shift_id))
    return replace(rota, shifts=tuple(in_order))


def without_shift(rota: Rota, shift_id: str) -> Rota:
    """The rota without this shift."""
    return replace(rota, shifts=tuple(shift for shift in rota.shifts if shift.shift_id != shift_id))


def changed_shift(rota: Rota, put: Shift) -> Rota:
    """The rota after an organiser has put a shift; its people stay, and hear of a new time."""
    before = rota.find(put.shift_id)
    if before is None:
        return with_shift(rota, put)
    after = with_shift(rota, replace(put, volunteered=before.volunteered, assigned=before.assigned))
    return _untold(after) if put.times != before.times else after


def following(rota: Rota, session: Session) -> Rota:
    """The rota after a change of its session. If the session starts later, each shift is as much later."""
    later = session.starts_at - rota.starts_at
    shifts = tuple(
        replace(shift, starts_at=shift.starts_at + later, ends_at=shift.ends_at + later)
        for shift in rota.shifts
    )
    after = replace(
        rota,
        starts_at=session.starts_at,
        venue=session.venue,
        shifts=shifts,
        closed=session.cancelled is not None or session.removed,
    )
    return _untold(after) if after != rota else rota


def _untold(rota: Rota) -> Rota:
    """The rota, with everybody on it still to be notified of what it is now."""
    return replace(rota, untold=True, told_to=0) if rota.people else rota


def with_new(rota: Rota, shift_id: str, status: Status) -> Rota:
    """The rota with one person more at a shift, who gets the next number."""
    return replace(_counted(rota, shift_id, status, 1), sequence=rota.sequence + 1)


def new_assignment(
    rota: Rota,
    shift_id: str,
    id_: AssignmentId,
    participant_id: str,
    status: Status,
    before: Assignment | None,
    now: datetime,
) -> Assignment:
    """
    The assignment of somebody for whom `with_new` has made room in this rota.

    Args:
        before: the participant's assignment to this shift that has ended; the versions go on.
    """
    shift = rota.shift(shift_id)
    return Assignment(
        assignment_id=id_,
        participant_id=participant_id,
        session_id=rota.session_id,
        shift_id=shift_id,
        status=status,
        number=rota.sequence,
        asked_at=now,
        told_starts_at=shift.starts_at,
        told_ends_at=shift.ends_at,
        told_venue=rota.venue,
        round=1 if before is None else before.round + 1,
        version=1 if before is None else before.version + 1,
        reminded=_is_soon(shift, now),
    )


def accepted(rota: Rota, assignment: Assignment, now: datetime) -> tuple[Rota, Assignment]:
    """Somebody who has volunteered for a shift is on the rota."""
    shift_id = assignment.shift_id
    rota = _counted(_counted(rota, shift_id, "volunteered", -1), shift_id, "assigned", 1)
    after = told(replace(assignment, status="assigned"), rota.shift(shift_id), rota.venue, now)
    return rota, after


def told(assignment: Assignment, shift: Shift, venue: str, now: datetime) -> Assignment:
    """The assignment in a new version, whose event says when and where the shift is."""
    return replace(
        assignment,
        version=assignment.version + 1,
        told_starts_at=shift.starts_at,
        told_ends_at=shift.ends_at,
        told_venue=venue,
        reminded=_is_soon(shift, now),
    )


def _is_soon(shift: Shift, now: datetime) -> bool:
    """True if a reminder would be due already: whoever gets this shift, or its new time, now knows it."""
    return shift.starts_at - DAY_BEFORE <= now


def is_reminded(rota: Rota, assignment: Assignment, now: datetime) -> bool:
    """
    Whether to remind somebody of a shift whose reminder is due.

    Not if it has begun, as after an outage; nor if a notice of another time or the end is on its way.
    """
    shift = rota.shift(assignment.shift_id)
    return not rota.closed and assignment.knows(shift, rota.venue) and not shift.has_begun(now)


def ended(rota: Rota, assignment: Assignment, code: str) -> tuple[Rota, Assignment]:
    """Somebody is not on the rota any more, or does not volunteer any more."""
    rota = _counted(rota, assignment.shift_id, assignment.status, -1)
    return rota, replace(assignment, status="ended", code=code, version=assignment.version + 1)


def _counted(rota: Rota, shift_id: str, status: Status, more: int) -> Rota:
    """The rota with so many people more of this status at a shift."""
    shift = rota.shift(shift_id)
    if status == "assigned":
        return with_shift(rota, replace(shift, assigned=shift.assigned + more))
    return with_shift(rota, replace(shift, volunteered=shift.volunteered + more))


def lacking_shifts(rota: Rota, now: datetime) -> Sequence[Shift]:
    """The shifts that are not over and still need people."""
    return [] if rota.closed else [one for one in rota.shifts if one.lacking and not one.is_over(now)]


def shift_unknown(session_id: str, shift_id: str) -> NotFound:
    """There is no such shift."""
    return NotFound(f"session {session_id} has no shift {shift_id}", code="shift_unknown", shift_id=shift_id)


def session_unknown(session_id: str) -> NotFound:
    """There is no such session, or only organisers know it."""
    return NotFound(f"session {session_id} does not exist", code="session_unknown", session_id=session_id)


def assignment_unknown(assignment_id: str) -> NotFound:
    """There is no such assignment, or it is somebody else's, which looks the same."""
    return NotFound(f"there is no assignment {assignment_id}", code="assignment_unknown")
