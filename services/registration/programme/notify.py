"""
Telling people that their session was moved or cancelled: in the background, some at a time.

What is still to be told is derived from what is stored: the session's version against the one that each
registration was told. A batch and its events are one transaction, so that a crash anywhere goes on where
the last batch ended, and nobody is told twice.
"""

from datetime import datetime

from msgspec.structs import replace

from services.registration.booking import events as announcing
from services.registration.booking import metrics as outcomes
from services.registration.booking.events import Announced, Origin
from services.registration.booking.rules import Registration, Session, cancelled, give_back
from services.registration.booking.store import Books
from services.registration.programme.store import RegistrationStore
from shared.runtime import clock
from shared.runtime.background import Loop, each

BY_SESSION = "session_cancelled"
LOOP = "telling"
TOLD_AT_ONCE_MAX = 200
SESSIONS_AT_ONCE_MAX = 20
LOOK_SECONDS = 1.0


class NobodyTold(Exception):
    """At no session its people could be told."""


def telling(store: RegistrationStore) -> Loop:
    """The loop that tells."""

    async def turn() -> float:
        untold = await store.untold_sessions(SESSIONS_AT_ONCE_MAX)

        async def some(session_id: str) -> None:
            await tell_some(session_id, store)

        failed = await each(LOOP, untold, some)
        if untold and failed == len(untold):
            # Then it is no single session's fault, or there is no other: health has to show it.
            raise NobodyTold(f"of {failed} sessions nobody could be told")
        return 0.0 if len(untold) > failed else LOOK_SECONDS

    return Loop(LOOP, turn)


async def tell_some(session_id: str, store: RegistrationStore, limit: int = TOLD_AT_ONCE_MAX) -> bool:
    """
    Tell the next few of a session's people what it is now.

    Returns: whether somebody may still have to be told.
    """

    async def work(books: Books) -> tuple[bool, dict[str, int]]:
        session = (await books.lock_sessions([session_id])).get(session_id)
        if session is None or not session.untold:
            return False, {}
        some = await books.standing_in(session_id, session.told_to, limit)
        now = clock.now()
        if session.cancelled is not None:
            session, changed, events = _cancelled(session, some, now)
        else:
            changed, events = await _moved(books, session, some, now)
        if len(some) == limit:
            session = replace(session, told_to=some[-1].sequence)
        else:
            session = replace(session, untold=False)
            await books.remove_places_before(session_id)
        await books.save_registrations(changed)
        await books.save_sessions([session])
        await books.tell(events)
        return session.untold, {"cancelled" if session.cancelled is not None else "moved": len(events)}

    untold, counts = await store.transaction(work)
    outcomes.count(counts)
    return untold


def _cancelled(
    session: Session, some: list[Registration], now: datetime
) -> tuple[Session, list[Registration], list[Announced]]:
    changed: list[Registration] = []
    events: list[Announced] = []
    for registration in filter(_has_somebody, some):
        session = give_back(session, registration)
        gone = replace(cancelled(registration), told_version=session.version)
        changed.append(gone)
        events.append(announcing.cancelled(gone, session, BY_SESSION, Origin(), now))
    return session, changed, events


async def _moved(
    books: Books, session: Session, some: list[Registration], now: datetime
) -> tuple[list[Registration], list[Announced]]:
    before = await books.places_before(session.session_id)
    changed: list[Registration] = []
    events: list[Announced] = []
    for registration in filter(_has_somebody, some):
        if registration.told_version == session.version:
            continue
        known = before[registration.told_version]
        after = replace(registration, told_version=session.version)
        # It may have been moved and moved back before anybody was told.
        if known.place != session.place:
            after = replace(after, version=after.version + 1)
            events.append(announcing.moved(after, session, known, Origin(), now))
        changed.append(after)
    return changed, events


def _has_somebody(registration: Registration) -> bool:
    # Who holds a place without a ticket is erased; of a session that had begun, its place stays.
    return registration.status == "waitlisted" or registration.ticket_locked is not None
