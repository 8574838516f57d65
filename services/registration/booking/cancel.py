"""Giving back places and waits; who waits moves up in the same transaction."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from services.registration.booking import events as announcing
from services.registration.booking import metrics as outcomes
from services.registration.booking.events import Announced, Origin
from services.registration.booking.rules import Registration, Session, cancelled, give_back, promote
from services.registration.booking.store import Books
from services.registration.participants import events as rush_events
from services.registration.participants.ensure_keys import keys_of
from services.registration.programme.store import RegistrationStore
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound

BY_PARTICIPANT = "cancelled_by_participant"
BY_ORGANISER = "cancelled_by_organiser"


async def cancel(
    id_: str, participant_id: str | None, store: RegistrationStore, origin: Origin
) -> Registration:
    """
    Cancel a registration; cancelling it again changes nothing.

    Args:
        participant_id: whose it must be; None for an organiser.

    Raises:
        NotFound: there is none, or it is somebody else's, which looks the same.
        Conflict: its ticket was shown already.
    """

    async def work(books: Books) -> tuple[Registration, int]:
        registration = (await books.registrations([id_])).get(id_)
        if registration is None or participant_id not in (None, registration.participant_id):
            raise NotFound(f"there is no registration {id_}", code="registration_unknown")
        if registration.status == "cancelled":
            return registration, 0
        if registration.status == "checked_in":
            raise Conflict(f"registration {id_} is checked in", code="already_checked_in")
        code = BY_ORGANISER if participant_id is None else BY_PARTICIPANT
        left, events = await leave(books, [registration], code, origin)
        await books.tell(events)
        return left[0], len(events)

    registration, told = await store.transaction(work)
    outcomes.count({"cancelled": 1 if told else 0, "promoted": max(0, told - 1)})
    return registration


async def leave(
    books: Books,
    registrations: Sequence[Registration],
    code: str,
    origin: Origin,
    *,
    past_places_stay: bool = False,
) -> tuple[list[Registration], list[Announced]]:
    """
    Cancel registrations, and let those who wait move up.

    Args:
        past_places_stay: leave alone who holds a place of a session that has begun. Waits go all the
            same: until a session ends, a waiting registration could still move up.

    Returns: what was cancelled, and the events to tell.
    """
    # Read before the lock, yet sound: the lock's update fails if the session has changed since the
    # transaction's first read, and every change of these registrations goes with one of their session
    # or is in conflict with the write below.
    sessions = await books.lock_sessions({registration.session_id for registration in registrations})
    # Read once the sessions are taken, as in booking: who waited was told so earlier than of moving up.
    now = clock.now()
    left: list[Registration] = []
    events: list[Announced] = []
    for registration in registrations:
        session = sessions[registration.session_id]
        if past_places_stay and registration.status == "confirmed" and session.starts_at <= now:
            continue
        gone = cancelled(registration)
        await books.save_registrations([gone])
        left.append(gone)
        events.append(announcing.cancelled(gone, session, code, origin, now))
        session, promoted = await move_up(books, give_back(session, registration), origin, now)
        await books.save_sessions([session])
        events += promoted
    return left, events


async def move_up(
    books: Books, session: Session, origin: Origin, now: datetime
) -> tuple[Session, list[Announced]]:
    """
    Give free places to the head of the waiting list; the session must be locked.

    Returns: the session after it, still to be saved, and the events to tell.
    """
    if not session.waiting or session.cancelled is not None:
        return session, []
    waiters = await books.waiters(session.session_id, limit=session.free)
    keys, events = await keys_of(books, {one.participant_id for one in waiters}, origin, now)
    # Who has no key is erased, and their waits were cancelled with it: none of them moves up ever.
    moved, session = promote(session, [one for one in waiters if one.participant_id in keys], now)
    moved = [_with_ticket(one, keys[one.participant_id], books) for one in moved]
    await books.save_registrations(moved)
    return session, [*events, *(_promoted(one, session, origin, now) for one in moved)]


def _with_ticket(registration: Registration, key: bytes, books: Books) -> Registration:
    ticket = books.lockbox.new_ticket(key)
    return replace(registration, ticket_hash=ticket.hash, ticket_locked=ticket.locked)


def _promoted(registration: Registration, session: Session, origin: Origin, now: datetime) -> Announced:
    return rush_events.confirmed(registration, session, origin, now, promoted=True)
