"""An organiser changes the programme: puts an activity with its sessions, or cancels a session."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from services.registration.booking import metrics
from services.registration.booking.promote import PROMOTED_MAX, Promotion
from services.registration.booking.store import RegistrationStore
from services.registration.programme.rules import (
    Activity,
    EarlierVersion,
    changed,
    check_capacity,
    check_not_into_the_past,
    check_removable,
    check_waiting_max,
    check_waiting_policy,
    has_moved,
    to_be_notified,
)
from services.registration.programme.store import ActivityStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class ProgrammeChanges:
    """Changes activities and sessions. Those registered are notified later (`notify.py`)."""

    def __init__(
        self,
        database: Database,
        activities: ActivityStore,
        sessions: SessionStore,
        registrations: RegistrationStore,
        promotion: Promotion,
        *,
        promoted_max: int = PROMOTED_MAX,
    ) -> None:
        self._database = database
        self._activities = activities
        self._sessions = sessions
        self._registrations = registrations
        self._promotion = promotion
        self._promoted_max = promoted_max

    async def put_activity(self, activity: Activity, sessions: Sequence[Session], origin: Origin) -> None:
        """
        Save an activity with exactly these sessions; where there is more room now, the waiting list moves up.

        The first `PROMOTED_MAX` move up at once, the others in the background (booking/promote_owed.py).

        Raises:
            Conflict: a session is another activity's or would have ended already, somebody has registered for
                a session that would be removed, or more places are taken or waited for than there would be.
        """

        async def work(unit: UnitOfWork) -> Counter[str]:
            return await self._put(unit, activity, sessions, origin)

        metrics.count(**await save_together(self._database, work))

    async def _put(
        self, unit: UnitOfWork, activity: Activity, sessions: Sequence[Session], origin: Origin
    ) -> Counter[str]:
        """Returns how many registrations were promoted, and cancelled because their participant is erased."""
        existing = await self._sessions.lock_of_activity(unit, activity.activity_id)
        ids = {session.session_id for session in sessions}
        for foreign in (await self._sessions.lock(unit, ids - existing.keys())).values():
            raise Conflict(
                f"session {foreign.session_id} belongs to activity {foreign.activity_id}",
                code="session_elsewhere",
                session_id=foreign.session_id,
            )
        removed = existing.keys() - ids
        for session_id in removed:
            check_removable(existing[session_id])
        # Only now, with the sessions locked, as in `book`.
        now = clock.now()
        saved: list[Session] = []
        counts = Counter[str]()
        for session in sessions:
            if (before := existing.get(session.session_id)) is not None:
                room = self._promoted_max - counts.total()
                session, more = await self._change(unit, before, session, origin, now, room)
                counts += more
            saved.append(session)
        await self._sessions.remove(unit, removed)
        await self._sessions.save(unit, saved)
        await self._activities.save(unit, activity)
        return counts

    async def _change(
        self, unit: UnitOfWork, before: Session, put: Session, origin: Origin, now: datetime, room: int
    ) -> tuple[Session, Counter[str]]:
        """Args: room: how many may still be promoted in this transaction."""
        if put.capacity < before.capacity:
            largest = await self._registrations.largest_wait(unit, before.session_id) if before.waiting else 0
            check_capacity(before, put.capacity, largest)
        check_waiting_policy(before, put)
        check_not_into_the_past(before, put, now)
        after = changed(before, put)
        if has_moved(before, after):
            await self._activities.add_earlier_version(unit, EarlierVersion.of(before))
            after = to_be_notified(after)
        after, counts = await self._promotion.promote(unit, after, origin, now, limit=room)
        check_waiting_max(before, after)
        return after, counts

    async def cancel_session(self, session_id: str, reason: str) -> Session:
        """
        Cancel a session: nobody can register for it any more; cancelling it again changes nothing.

        Its registrations are cancelled later, a few at a time (`notify.py`).

        Raises:
            NotFound: there is no such session.
        """

        async def work(unit: UnitOfWork) -> Session:
            session = (await self._sessions.lock(unit, [session_id])).get(session_id)
            if session is None:
                raise NotFound(
                    f"session {session_id} does not exist", code="session_unknown", session_id=session_id
                )
            if session.cancelled is None:
                session = to_be_notified(replace(session, cancelled=reason, owed=0))
                await self._sessions.save(unit, [session])
            return session

        return await save_together(self._database, work)
