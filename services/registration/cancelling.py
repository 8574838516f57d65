"""Leaving: cancel a registration, erase a participant; who waits moves up in the same transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.registration import announcing
from services.registration.announcing import Announced, Origin
from services.registration.books import Books
from services.registration.records import Participant
from services.registration.rules import (
    ParticipantId,
    Registration,
    Session,
    give_back,
    promote,
)
from services.registration.store import RegistrationStore
from services.registration.tickets import new_ticket_code
from shared.runtime import clock, metrics
from shared.runtime.errors import Conflict, NotAuthenticated, NotFound

BY_PARTICIPANT = "cancelled_by_participant"
BY_ORGANISER = "cancelled_by_organiser"
BY_ERASURE = "participant_erased"


async def move_up(
    books: Books, session: Session, origin: Origin, now: datetime
) -> tuple[Session, list[Announced]]:
    """
    Give free places to the head of the waiting list; the session must be locked.

    Returns: the session after it, still to be saved, and the events to tell.
    """
    if not session.waiting:
        return session, []
    waiters = await books.waiters(session.session_id, limit=session.free)
    moved, session = promote(session, waiters, now)
    moved = [replace(one, ticket_code=new_ticket_code()) for one in moved]
    await books.save_registrations(moved)
    return session, [announcing.confirmed(one, session, origin, now, promoted=True) for one in moved]


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
        left, events = await _leave(books, [registration], code, origin)
        await books.tell(events)
        return left[0], len(events)

    registration, told = await store.transaction(work)
    _count(1 if told else 0, max(0, told - 1))
    return registration


async def erase(participant_id: str, store: RegistrationStore, origin: Origin) -> datetime:
    """
    Erase a participant's profile and cancel what is still to come; again, it changes nothing.

    Visits stay as they are, under an id that no longer leads to anybody.

    Returns: when the participant was erased.
    Raises:
        NotAuthenticated: the participant does not exist.
    """

    async def work(books: Books) -> tuple[datetime, int, int]:
        participant = (await books.participants([participant_id])).get(participant_id)
        if participant is None:
            raise NotAuthenticated("the token's participant does not exist here", code="participant_unknown")
        if participant.erased_at is not None:
            return participant.erased_at, 0, 0
        standing = await books.standing_of(participant_id)
        left, events = await _leave(books, standing, BY_ERASURE, origin, only_before_start=True)
        now = clock.now()
        await books.save_participant(
            Participant(ParticipantId(participant_id), None, participant.version, erased_at=now)
        )
        await books.forget_requests(participant_id)
        await books.tell([*events, announcing.erased(participant_id, now, origin)])
        return now, len(left), len(events) - len(left)

    erased_at, cancelled, promoted = await store.transaction(work)
    _count(cancelled, promoted)
    return erased_at


async def _leave(
    books: Books,
    registrations: Sequence[Registration],
    code: str,
    origin: Origin,
    *,
    only_before_start: bool = False,
) -> tuple[list[Registration], list[Announced]]:
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
        if only_before_start and session.starts_at <= now:
            continue
        cancelled = replace(registration, status="cancelled")
        await books.save_registrations([cancelled])
        left.append(cancelled)
        events.append(announcing.cancelled(cancelled, session, code, origin, now))
        session, promoted = await move_up(books, give_back(session, registration), origin, now)
        await books.save_sessions([session])
        events += promoted
    return left, events


def _count(cancelled: int, promoted: int) -> None:
    metrics.REGISTRATIONS.labels("cancelled").inc(cancelled)
    metrics.REGISTRATIONS.labels("promoted").inc(promoted)
