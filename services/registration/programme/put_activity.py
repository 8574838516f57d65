"""The week's programme as organisers put it: activities with their sessions, and cancelled sessions."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from services.registration.booking import metrics as outcomes
from services.registration.booking.cancel import move_up
from services.registration.booking.events import Announced, Origin
from services.registration.booking.rules import Session, check_capacity
from services.registration.booking.store import Books
from services.registration.participants.rules import Activity, PlaceBefore
from services.registration.programme.store import RegistrationStore
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound


async def put_activity(
    activity: Activity,
    sessions: Sequence[Session],
    store: RegistrationStore,
    origin: Origin,
) -> None:
    """
    Save an activity with exactly these sessions; who waits moves up where there is more room now.

    The people of a session that moves are told later (telling.py).

    Raises:
        Conflict: a session is another activity's, somebody has asked for a session that would go,
            or more places are taken or waited for than there would be.
    """

    async def work(books: Books) -> int:
        existing = {one.session_id: one for one in await books.lock_sessions_of(activity.activity_id)}
        foreign = await books.lock_sessions({one.session_id for one in sessions} - existing.keys())
        for session_id, session in foreign.items():
            raise Conflict(
                f"session {session_id} belongs to activity {session.activity_id}",
                code="session_elsewhere",
                session_id=session_id,
            )
        gone = existing.keys() - {one.session_id for one in sessions}
        for session_id in gone:
            if existing[session_id].sequence:
                raise Conflict(
                    f"session {session_id}: somebody has registered for it",
                    code="session_in_use",
                    session_id=session_id,
                )
        # Read once the sessions are taken, as in booking.
        now = clock.now()
        events: list[Announced] = []
        saved: list[Session] = []
        for session in sessions:
            if (before := existing.get(session.session_id)) is not None:
                session, promoted = await _changed(books, before, session, origin, now)
                events += promoted
            saved.append(session)
        await books.remove_sessions(gone)
        await books.save_sessions(saved)
        await books.save_activity(activity)
        await books.tell(events)
        return len(events)

    outcomes.count({"promoted": await store.transaction(work)})


async def _changed(
    books: Books, before: Session, after: Session, origin: Origin, now: datetime
) -> tuple[Session, list[Announced]]:
    if after.capacity < before.capacity:
        largest = await books.largest_wait(before.session_id) if before.waiting else 0
        check_capacity(before, after.capacity, largest)
    after = replace(
        after,
        taken=before.taken,
        waiting=before.waiting,
        sequence=before.sequence,
        version=before.version,
        untold=before.untold,
        told_to=before.told_to,
        cancelled=before.cancelled,
    )
    # Nobody goes to a cancelled one, whenever it would have been.
    if after.place != before.place and after.sequence and after.cancelled is None:
        await books.add_place_before(
            PlaceBefore(before.session_id, before.version, before.starts_at, before.ends_at, before.venue)
        )
        after = _to_be_told(after)
    return await move_up(books, after, origin, now)


def _to_be_told(session: Session) -> Session:
    return replace(session, version=session.version + 1, untold=True, told_to=0)


async def cancel_session(session_id: str, reason: str, store: RegistrationStore) -> Session:
    """
    Cancel a session: it takes nobody any more; cancelling it again changes nothing.

    Its registrations are cancelled and its people are told later (telling.py).

    Raises:
        NotFound: there is no such session.
    """

    async def work(books: Books) -> Session:
        session = (await books.lock_sessions([session_id])).get(session_id)
        if session is None:
            raise NotFound(
                f"session {session_id} does not exist", code="session_unknown", session_id=session_id
            )
        if session.cancelled is None:
            session = _to_be_told(replace(session, cancelled=reason))
            await books.save_sessions([session])
        return session

    return await store.transaction(work)
