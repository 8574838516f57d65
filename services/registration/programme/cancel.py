"""An organiser cancels a session, or an activity with all its sessions."""

from datetime import datetime

from msgspec.structs import replace

from services.registration.programme import events
from services.registration.programme.rules import (
    Activity,
    CancelReason,
    check_activity_cancellable,
    check_cancellable,
    session_unknown,
    to_be_notified,
)
from services.registration.programme.store import ActivityStore
from services.registration.rotas.follow import follow
from services.registration.rotas.store import RotaStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class ProgrammeCancellation:
    """
    Cancels sessions: nobody can register for them any more.

    Their registrations are cancelled later, a few at a time (`notify.py`).
    """

    def __init__(
        self, database: Database, activities: ActivityStore, sessions: SessionStore, rotas: RotaStore
    ) -> None:
        self._database = database
        self._activities = activities
        self._sessions = sessions
        self._rotas = rotas

    async def cancel_session(self, session_id: str, reason: CancelReason, origin: Origin) -> Session:
        """
        Cancel a session. Cancelling it again changes nothing, and the first reason stays.

        Raises:
            NotFound: there is no such session.
            Conflict: it is a draft.
        """

        async def work(unit: UnitOfWork) -> Session:
            session = (await self._sessions.lock(unit, [session_id])).get(session_id)
            if session is None:
                raise session_unknown(session_id)
            check_cancellable(session)
            if session.cancelled is None:
                activity = await self._activities.existing(unit, session.activity_id)
                session = await self._cancel(unit, activity, session, reason, origin, clock.now())
                await self._activities.save(unit, replace(activity, version=activity.version + 1))
            return session

        return await save_together(self._database, work)

    async def cancel_activity(self, activity_id: str, reason: CancelReason, origin: Origin) -> Activity:
        """
        Cancel all sessions of an activity that are not over. Cancelling them again changes nothing.

        Drafts among them stay drafts.

        Raises:
            NotFound: there is no such activity.
            Conflict: it is a draft.
        """

        async def work(unit: UnitOfWork) -> Activity:
            sessions = await self._sessions.lock_of_activity(unit, activity_id)
            activity = await self._activities.existing(unit, activity_id)
            check_activity_cancellable(activity)
            now = clock.now()
            ahead = [
                one
                for one in sessions.values()
                if one.is_public and one.cancelled is None and not one.is_over(now)
            ]
            for session in ahead:
                await self._cancel(unit, activity, session, reason, origin, now)
            if ahead:
                activity = replace(activity, version=activity.version + 1)
                await self._activities.save(unit, activity)
            return activity

        return await save_together(self._database, work)

    async def _cancel(
        self,
        unit: UnitOfWork,
        activity: Activity,
        session: Session,
        reason: CancelReason,
        origin: Origin,
        now: datetime,
    ) -> Session:
        gone = replace(
            session,
            cancelled=reason.code,
            cancelled_text=reason.text,
            owed=0,
            revision=session.revision + 1,
        )
        gone = to_be_notified(gone)
        await self._sessions.save(unit, [gone])
        await follow(unit, self._rotas, [gone])
        unit.publish(events.cancelled(activity, gone, reason.code, reason.text, origin, now))
        return gone
