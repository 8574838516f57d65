"""
What the scan of a ticket is worth: one verdict of a fixed set. All functions are pure.

A verdict has two parts. *Refusals* follow from the ticket, its registration and the door: they are decided
once, when the scan comes in. What is left is *admissible*. How many people an admissible scan lets in depends
on the other scans of the same ticket, in the order of their times: `admit` decides all of them together,
again with each scan that comes in. So it does not matter in which order doors send their scans.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from services.registration.booking.rules import Registration
from services.registration.sessions.rules import ZONE, Session
from services.registration.tickets.rules import ROUND_MAX, window
from shared.runtime.errors import Conflict

Verdict = Literal[
    "ok",
    "already_checked_in",
    "too_many",
    "unknown",
    "revoked",
    "cancelled",
    "waiting",
    "held",
    "session_cancelled",
    "wrong_session",
    "wrong_day",
    "too_early",
    "too_late",
    "scan_id_reused",
]
TicketState = Literal["place", "waiting", "held", "cancelled", "revoked"]
Means = Literal["ticket", "code", "list"]
"""
By what a registration was found: the signed ticket, the typed code, or the people at the door have picked it
from the list. The id of a registration opens no door: others can compute it.
"""

# Noted scans of a ticket that count. Sixty people with one ticket who come in one by one need 60.
COUNTED_MAX = 200
# A check-in by mistake is noticed at once. Later, people would find their place taken.
UNDO_MAX = timedelta(minutes=30)
# The clocks of a door and of the service may differ by this much; then the way of the request counts too.
CLOCK_SECONDS_MAX = 60

_STATES: dict[str, TicketState] = {
    "confirmed": "place",
    "checked_in": "place",
    "waitlisted": "waiting",
    "cancelled": "cancelled",
    "held": "held",
    "offered": "held",
}
_REFUSED_BY_STATE: dict[TicketState, Verdict] = {
    "waiting": "waiting",
    "held": "held",
    "cancelled": "cancelled",
    "revoked": "revoked",
}


class Shown(msgspec.Struct, frozen=True):
    """
    A scan as a door sends it.

    Attributes:
        ticket: what was scanned or typed. It is never stored. None: no ticket was shown.
        registration_id: whom the people at the door have picked from the list; None: nobody.
        people: how many come in; None: all who are not in yet.
        scanned_at: by the door's clock, corrected; None: now.
        let_in: whether the door has let the people in; None: it waits for the verdict.
    """

    scan_id: str
    ticket: str | None = None
    registration_id: str | None = None
    people: int | None = None
    scanned_at: datetime | None = None
    let_in: bool | None = None
    clock_off_seconds: int = 0


class Scan(msgspec.Struct, frozen=True):
    """
    A scan as it is stored.

    Attributes:
        scan_id: of the device and its own id of the scan; see `scan_id`.
        session_id: of the door; without one, that of the ticket.
        means: what was shown; also if it leads to nobody.
        round: of the registration when the scan came in.
        refusal: why nobody could be let in, whatever the other scans are; None: it is admissible.
        asked: how many were to come in; None: the rest.
        let_in: whether the door has let them in.
        waited: the door waited for the verdict. If it sent people away, no later scan changes that.
        people: how many came in by this scan, of those that the ticket is good for.
        conflict: the door did something else than the verdict says: it let people in who had no right to it,
            or sent people away who had.
    """

    scan_id: str
    device: str
    session_id: str | None
    registration_id: str | None
    round: int
    scanned_at: datetime
    received_at: datetime
    refusal: Verdict | None
    asked: int | None
    let_in: bool | None
    waited: bool
    means: Means = "ticket"
    clock_off_seconds: int = 0
    verdict: Verdict = "ok"
    people: int = 0
    conflict: bool = False
    undone_at: datetime | None = None


class Booked(NamedTuple):
    """A registration as a door has to see it: with its session, and whether its holder is erased."""

    registration: Registration
    session: Session
    erased: bool


class Found(NamedTuple):
    """
    What was shown leads to this.

    Attributes:
        round: of the registration, as the signed ticket says; None: what was scanned does not say it.
    """

    booked: Booked
    means: Means
    round: int | None = None


class DoorEntry(msgspec.Struct, frozen=True):
    """
    What a door without a network has to know of a registration, beyond what its signed ticket says.

    Attributes:
        round: tickets of earlier rounds are revoked; for later ones this entry is too old.
    """

    registration_id: str
    round: int
    standing: TicketState
    places: int
    people_in: int


def scan_id(device: str, own: str) -> str:
    """The id of a scan: a device's own ids need to differ only from each other."""
    return f"{device}/{own}"


def state_of(registration: Registration, *, erased: bool) -> TicketState:
    """What a registration is to a door."""
    state = _STATES[registration.status]
    # The place of an erased participant stays once the session has begun, but its ticket goes.
    gone = erased or (state == "place" and registration.ticket_locked is None)
    return "revoked" if gone and state != "cancelled" else state


def refusal(found: Found | None, door: Session | None, at: datetime) -> Verdict | None:
    """
    Why a scan at this time lets nobody in, whatever the other scans are; None: it is admissible.

    Args:
        door: the session of the door; None: of any session.
    """
    if found is None:
        return "unknown"
    registration, session, erased = found.booked
    state = state_of(registration, erased=erased)
    if erased and found.means == "code":
        # The code goes a little after the erasure (erasure/finish.py). The answer is the same before.
        return "unknown"
    if found.round is not None and found.round != min(registration.round, ROUND_MAX):
        return "revoked"
    if session.cancelled is not None:
        return "session_cancelled"
    if state != "place":
        return _REFUSED_BY_STATE[state]
    if door is not None and door.session_id != session.session_id:
        return "wrong_session" if _days(door) & _days(session) else "wrong_day"
    return _refusal_by_time(session, at)


def _refusal_by_time(session: Session, at: datetime) -> Verdict | None:
    opens_at, closes_at = window(session)
    if opens_at <= at <= closes_at:
        return None
    if at.astimezone(ZONE).date() not in _days(session):
        return "wrong_day"
    return "too_early" if at < opens_at else "too_late"


def _days(session: Session) -> set[object]:
    return {moment.astimezone(ZONE).date() for moment in (session.starts_at, session.ends_at)}


def admit(places: int, admissible: Collection[Scan]) -> list[Scan]:
    """
    Decide the admissible scans of one ticket, in the order of their times, whatever order they are given in.

    A scan lets in as many people as it asks for, while there are so many places. Where a door sent
    people away, they take none.

    Args:
        places: how many people the ticket is good for.
        admissible: all admissible scans of the ticket that are known.
    """
    decided: list[Scan] = []
    inside = 0
    for scan in sorted(admissible, key=lambda one: (one.scanned_at, one.scan_id)):
        if counts(scan):
            scan = _decided(scan, places - inside)
            inside += scan.people
        decided.append(scan)
    return decided


def counts(scan: Scan) -> bool:
    """
    True if an admissible scan matters to the others of its ticket, or they matter to it.

    Not if it was undone, or if a door that waited for the verdict sent the people away: that is over.
    """
    return scan.undone_at is None and not (scan.waited and scan.let_in is False)


def counted_at_most(counted: int, new: Collection[Scan]) -> list[Scan]:
    """
    The new scans of a ticket, as they are to be decided with those that count already.

    Nobody shows a ticket as often as `COUNTED_MAX` times at doors without a network. What is noted beyond is
    `already_checked_in` for good: each scan that counts is read and decided again with each new one. Scans
    at once need no bound: those that let nobody in don't count any more.
    """
    room = max(0, COUNTED_MAX - counted)
    noted = [scan.scan_id for scan in new if scan.refusal is None and not scan.waited]
    beyond = set(noted[room:])
    return [refused(scan, "already_checked_in") if scan.scan_id in beyond else scan for scan in new]


def _decided(scan: Scan, left: int) -> Scan:
    wanted = scan.asked or left
    verdict: Verdict = "already_checked_in" if left <= 0 else "too_many" if wanted > left else "ok"
    let_in = verdict == "ok" if scan.let_in is None else scan.let_in
    return replace(
        scan,
        verdict=verdict,
        let_in=let_in,
        people=wanted if verdict == "ok" and let_in else 0,
        conflict=let_in != (verdict == "ok"),
    )


def concerns(scan: Scan, registration: Registration) -> bool:
    """
    True if a scan has a part in who of a registration is in now.

    Not if the place was given back since: what was scanned before it, and undone, must not bring it back.
    """
    holds = _STATES[registration.status] == "place"
    return holds and scan.refusal is None and scan.round == registration.round


def places_of(registration: Registration) -> int:
    """How many people a ticket is good for. Who is in stays in, if the places are fewer now."""
    return max(registration.places, registration.people_in)


def refused(scan: Scan, verdict: Verdict) -> Scan:
    """A scan that is not admissible."""
    let_in = bool(scan.let_in)
    return replace(scan, refusal=verdict, verdict=verdict, let_in=let_in, conflict=let_in)


def another_ticket(scan: Scan) -> Scan:
    """The answer to a scan under the id of this one, but of another ticket. It is not stored."""
    return replace(scan, registration_id=None, verdict="scan_id_reused", people=0, conflict=False)


def arrived(registration: Registration, scans: Collection[Scan]) -> Registration:
    """The registration after all scans of it are decided."""
    people = sum(scan.people for scan in scans)
    status = "checked_in" if people else "confirmed"
    if status == registration.status:
        return replace(registration, people_in=people)
    return replace(registration, people_in=people, status=status, version=registration.version + 1)


def since(scans: Collection[Scan]) -> datetime | None:
    """When the first people of a ticket came in."""
    return min((scan.scanned_at for scan in scans if scan.people), default=None)


def door_entry(registration: Registration, *, erased: bool) -> DoorEntry | None:
    """What a door has to know of a registration; None if its ticket says all."""
    state = state_of(registration, erased=erased)
    if registration.version == 1 and state == "place" and not registration.people_in:
        return None
    return DoorEntry(
        registration.registration_id,
        min(registration.round, ROUND_MAX),
        state,
        registration.places,
        registration.people_in,
    )


def check_undoable(scan: Scan, now: datetime) -> None:
    """
    Check that a scan can be undone.

    Raises:
        Conflict: it has let nobody in (`scan_let_nobody_in`), or was long ago (`undo_too_late`).
    """
    if not scan.people:
        raise Conflict("this scan has let nobody in", code="scan_let_nobody_in")
    if now - scan.received_at > UNDO_MAX:
        raise Conflict(
            f"a check-in can be undone for {UNDO_MAX.seconds // 60} minutes",
            code="undo_too_late",
            minutes=UNDO_MAX.seconds // 60,
        )


def clock_off(sent_at: datetime, received_at: datetime) -> int:
    """How many seconds a door's clock is ahead of ours; 0 if it is right within `CLOCK_SECONDS_MAX`."""
    seconds = round((sent_at - received_at).total_seconds())
    return seconds if abs(seconds) > CLOCK_SECONDS_MAX else 0


def true_time(scanned_at: datetime, off_seconds: int, received_at: datetime) -> datetime:
    """When a scan was made, by our clock: never after it came in."""
    return min(scanned_at - timedelta(seconds=off_seconds), received_at)
