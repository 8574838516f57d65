"""
Who is next on a waiting list, by the policy that the session declares. All functions are pure.

`strict`: nobody overtakes anybody. If the head wants more places than are free, all behind it wait too.
`fill`: a request that fits takes places that the head cannot use. A request is never split. While one request
is the head, at most as many places go past it as it wants itself. After that the list is strict until the
head gets its places. So a class of thirty waits until sixty places were free, at most
(docs/decisions/0026-waiting-policy.md).
"""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from services.registration.sessions.rules import Session


class Wait(msgspec.Struct, frozen=True):
    """A waiting registration: its number in the session, and the places that it wants."""

    sequence: int
    places: int


def is_free_for_newest(session: Session, places: int) -> bool:
    """True if the newest request gets this number of places at once."""
    if places > session.free:
        return False
    return session.waiting == 0 or (
        session.waiting_policy == "fill" and session.owed == 0 and places <= session.overtakable
    )


def with_places(session: Session, places: int) -> Session:
    """The session after the newest request has got places."""
    if session.waiting:
        return replace(session, taken=session.taken + places, overtakable=session.overtakable - places)
    return replace(session, taken=session.taken + places)


def with_wait(session: Session, wait: Wait) -> Session:
    """The session after this request was put at the end of its waiting list."""
    after = replace(session, waiting=session.waiting + 1)
    return after if session.waiting else _headed_by(after, wait)


def next_in_line(session: Session, waits: Iterable[Wait], limit: int) -> tuple[list[Wait], Session]:
    """
    The waits that get places now, in their order.

    Several calls with small limits choose the same waits as one call.

    Args:
        waits: the waiting list from its head on, in the order of `sequence`: all of it, or as much as is
            needed to use up the free places.
        limit: the largest number of waits to choose.

    Returns: the chosen waits, and the session after they have got their places.
    """
    chosen: list[Wait] = []
    head: Wait | None = None
    for one in waits:
        if (
            len(chosen) < limit
            and one.places <= session.free
            and (head is None or one.places <= session.overtakable)
        ):
            chosen.append(one)
            session = replace(
                session,
                taken=session.taken + one.places,
                waiting=session.waiting - 1,
                overtakable=session.overtakable - (one.places if head else 0),
            )
            continue
        if head is None:
            head = one
            session = _headed_by(session, one)
        if session.waiting_policy == "strict" or session.free == 0 or len(chosen) == limit:
            break
    if head is None:
        session = replace(session, head=0, overtakable=0)
    return chosen, session


def _headed_by(session: Session, head: Wait) -> Session:
    """The session with this wait at the head of its list. A new head has not been overtaken yet."""
    if session.waiting_policy == "strict" or session.head == head.sequence:
        return session
    return replace(session, head=head.sequence, overtakable=head.places)
