"""
Notifying the people of a moved or cancelled session: in the background, a few at a time.

The stored versions show who still has to be notified: the session's version, and the version of which each
registration was notified (`told_version`). Each batch is one transaction with its events. So after a crash
the next batch goes on where the last one ended, and nobody is notified twice.
"""

from datetime import datetime

from msgspec.structs import replace

from services.registration.booking import events, metrics
from services.registration.booking.rules import BY_SESSION, Registration, cancelled, give_back
from services.registration.booking.store import RegistrationStore
from services.registration.participants.store import ParticipantStore
from services.registration.programme.store import ActivityStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

NOTIFIED_MAX = 200


class Notices:
    """Notifies people of changes of their session."""

    def __init__(
        self,
        database: Database,
        activities: ActivityStore,
        sessions: SessionStore,
        participants: ParticipantStore,
        registrations: RegistrationStore,
    ) -> None:
        self._database = database
        self._activities = activities
        self._sessions = sessions
        self._participants = participants
        self._registrations = registrations
        self.loop = Backlog("telling", sessions.untold, self.notify).loop

    async def notify(self, session_id: str, limit: int = NOTIFIED_MAX) -> bool:
        """
        Notify the next few of a session's people of what it is now.

        Returns: whether somebody may still have to be notified.
        """

        async def work(unit: UnitOfWork) -> tuple[bool, dict[str, int]]:
            session = (await self._sessions.lock(unit, [session_id])).get(session_id)
            if session is None or not session.untold:
                return False, {}
            return await self._notify(unit, session, limit)

        untold, counts = await save_together(self._database, work)
        metrics.count(**counts)
        return untold

    async def _notify(self, unit: UnitOfWork, session: Session, limit: int) -> tuple[bool, dict[str, int]]:
        some = await self._registrations.of_session(unit, session.session_id, session.told_to, limit)
        # Erased people get no messages. Their registrations are cancelled by erasure/finish.py.
        erased = await self._participants.erased(unit, {one.participant_id for one in some})
        alive = [one for one in some if not one.is_anonymous and one.participant_id not in erased]
        now = clock.now()
        if session.cancelled is not None:
            session = await self._cancel(unit, session, alive, now)
        else:
            await self._tell_move(unit, session, alive, now)
        if len(some) == limit:
            session = replace(session, told_to=some[-1].sequence)
        else:
            session = replace(session, untold=False)
            await self._activities.remove_earlier_versions(unit, session.session_id)
        await self._sessions.save(unit, [session])
        outcome = "moved" if session.cancelled is None else "cancelled"
        return session.untold, {outcome: len(unit.events)}

    async def _cancel(
        self, unit: UnitOfWork, session: Session, alive: list[Registration], now: datetime
    ) -> Session:
        gone: list[Registration] = []
        why = session.cancelled_text
        for registration in alive:
            session = give_back(session, registration)
            one = replace(cancelled(registration), told_version=session.version)
            gone.append(one)
            unit.publish(events.cancelled(one, session, BY_SESSION, UNKNOWN_ORIGIN, now, reason=why))
        await self._registrations.save(unit, gone)
        return session

    async def _tell_move(
        self, unit: UnitOfWork, session: Session, alive: list[Registration], now: datetime
    ) -> None:
        earlier = await self._activities.earlier_versions(unit, session.session_id)
        changed: list[Registration] = []
        for registration in alive:
            if registration.told_version == session.version:
                continue
            known = earlier[registration.told_version]
            after = replace(registration, told_version=session.version)
            # The session may have been moved and moved back before anybody was notified.
            if known.time_and_venue != session.time_and_venue:
                after = replace(after, version=after.version + 1)
                unit.publish(events.moved(after, session, known.starts_at, known.venue, UNKNOWN_ORIGIN, now))
            changed.append(after)
        await self._registrations.save(unit, changed)
