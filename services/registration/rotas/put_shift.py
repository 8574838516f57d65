"""An organiser puts a shift of a session, or cancels one."""

from services.registration.rotas import events
from services.registration.rotas.checks import check_puttable
from services.registration.rotas.rules import (
    SHIFT_CANCELLED,
    Rota,
    Shift,
    changed_shift,
    ended,
    session_unknown,
    shift_unknown,
    without_shift,
)
from services.registration.rotas.store import RotaStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.versions import Matching, always, check_version
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class ShiftChanges:
    """Changes the shifts of sessions. Of a new time the people are notified later (notify.py)."""

    def __init__(self, database: Database, sessions: SessionStore, rotas: RotaStore) -> None:
        self._database = database
        self._sessions = sessions
        self._rotas = rotas

    async def put(self, session_id: str, put: Shift, matches: Matching = always) -> Shift:
        """
        Save a shift; saving it again changes nothing.

        Returns: the shift with its people.

        Raises:
            NotFound: there is no such session.
            Outdated: it is not the version that was read.
            Rejected, Conflict: it cannot be so (checks.py).
        """

        async def work(unit: UnitOfWork) -> Shift:
            session = await self._lock(unit, session_id)
            rota = (await self._rotas.lock(unit, [session_id])).get(session_id)
            rota = rota or Rota(session_id, session.starts_at, session.venue)
            before = rota.find(put.shift_id)
            check_version(matches, before.version if before else None, f"shift {put.shift_id}")
            check_puttable(session, rota, put, clock.now())
            after = changed_shift(rota, put)
            await self._rotas.save(unit, [after])
            return after.shift(put.shift_id)

        return await save_together(self._database, work)

    async def cancel(
        self, session_id: str, shift_id: str, origin: Origin, matches: Matching = always
    ) -> None:
        """
        Remove a shift. Its people are notified in the same transaction; they are not too many.

        Raises:
            NotFound: there is no such session or shift.
            Outdated: it is not the version that was read.
        """

        async def work(unit: UnitOfWork) -> None:
            session = await self._lock(unit, session_id)
            rota = (await self._rotas.lock(unit, [session_id])).get(session_id)
            if rota is None:
                raise shift_unknown(session_id, shift_id)
            shift, now = rota.shift(shift_id), clock.now()
            check_version(matches, shift.version, f"shift {shift_id}")
            gone = []
            for assignment in await self._rotas.live_of_shift(unit, session_id, shift_id):
                rota, after = ended(rota, assignment, SHIFT_CANCELLED)
                gone.append(after)
                unit.publish(events.ended(after, shift, session, origin, now))
            await self._rotas.save_assignments(unit, gone)
            await self._rotas.save(unit, [without_shift(rota, shift_id)])

        await save_together(self._database, work)

    async def _lock(self, unit: UnitOfWork, session_id: str) -> Session:
        # Locked, since a session without a rota is not followed: it must not move at the same moment.
        session = (await self._sessions.lock(unit, [session_id])).get(session_id)
        if session is None or session.removed:
            raise session_unknown(session_id)
        return session
