"""An organiser removes an activity or a session that nobody uses any more."""

from msgspec.structs import replace

from services.registration.programme.rules import (
    Matching,
    check_not_last,
    check_version,
    session_unknown,
    starts_at_of,
)
from services.registration.programme.store import ActivityStore
from services.registration.programme.take_out import take_out
from services.registration.rotas.store import RotaStore
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class ProgrammeRemoval:
    """Removes activities and sessions."""

    def __init__(
        self, database: Database, activities: ActivityStore, sessions: SessionStore, rotas: RotaStore
    ) -> None:
        self._database = database
        self._activities = activities
        self._sessions = sessions
        self._rotas = rotas

    async def remove_activity(self, activity_id: str, matches: Matching, origin: Origin) -> None:
        """
        Remove an activity with all its sessions.

        Raises:
            NotFound: there is no such activity.
            Outdated: it is not the version that was read.
            Conflict: somebody uses one of its sessions.
        """

        async def work(unit: UnitOfWork) -> None:
            sessions = await self._sessions.lock_of_activity(unit, activity_id)
            activity = await self._activities.existing(unit, activity_id)
            check_version(matches(activity.version), activity_id)
            await take_out(
                unit,
                activity,
                list(sessions.values()),
                activities=self._activities,
                store=self._sessions,
                rotas=self._rotas,
                origin=origin,
                now=clock.now(),
            )
            gone = replace(activity, removed=True, version=activity.version + 1)
            await self._activities.save(unit, gone)

        await save_together(self._database, work)

    async def remove_session(self, session_id: str, origin: Origin) -> None:
        """
        Remove a session.

        Raises:
            NotFound: there is no such session.
            Conflict: somebody uses it, or it is the only one of its activity.
        """

        async def work(unit: UnitOfWork) -> None:
            session = (await self._sessions.lock(unit, [session_id])).get(session_id)
            if session is None or session.removed:
                raise session_unknown(session_id)
            siblings = await self._sessions.lock_of_activity(unit, session.activity_id)
            left = [one for id_, one in siblings.items() if id_ != session_id and not one.removed]
            check_not_last(session, left)
            activity = await self._activities.existing(unit, session.activity_id)
            await take_out(
                unit,
                activity,
                [session],
                activities=self._activities,
                store=self._sessions,
                rotas=self._rotas,
                origin=origin,
                now=clock.now(),
            )
            after = replace(activity, starts_at=starts_at_of(left), version=activity.version + 1)
            await self._activities.save(unit, after)

        await save_together(self._database, work)
