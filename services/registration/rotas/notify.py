"""
Notifying the people on a rota of what has become of their shifts: in the background, a few at a time.

Each assignment says of which time and venue its participant knows, and the rota says how far the notices have
come (`told_to`). Each batch is one transaction with its events. So after a crash the next batch goes on where
the last one ended, and nobody is notified twice.
"""

from msgspec.structs import replace

from services.registration.participants.store import ParticipantStore
from services.registration.rotas import events
from services.registration.rotas.rules import SESSION_CANCELLED, Assignment, Rota, ended, told
from services.registration.rotas.store import RotaStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

ROTA_NOTIFIED_MAX = 200


class RotaNotices:
    """Notifies people of changes of their shifts."""

    def __init__(
        self, database: Database, sessions: SessionStore, participants: ParticipantStore, rotas: RotaStore
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._participants = participants
        self._rotas = rotas
        self.loop = Backlog("telling_rotas", rotas.untold, self.notify).loop

    async def notify(self, session_id: str, limit: int = ROTA_NOTIFIED_MAX) -> bool:
        """
        Notify the next few people on the rota of a session of what it is now.

        Returns: whether somebody may still have to be notified.
        """

        async def work(unit: UnitOfWork) -> bool:
            rota = (await self._rotas.lock(unit, [session_id])).get(session_id)
            if rota is None or not rota.untold:
                return False
            session = await self._sessions.read(unit, session_id)
            some = await self._rotas.live_at(unit, session_id, rota.told_to, limit)
            # Erased people get no messages. They are taken off the rota by erasure/finish.py.
            erased = await self._participants.erased(unit, {one.participant_id for one in some})
            alive = [one for one in some if one.participant_id not in erased]
            rota = await (self._end if rota.closed else self._tell)(unit, rota, session, alive)
            if len(some) == limit:
                rota = replace(rota, told_to=some[-1].number)
            else:
                rota = replace(rota, untold=False, told_to=0)
            await self._rotas.save(unit, [rota])
            return rota.untold

        return await save_together(self._database, work)

    async def _end(self, unit: UnitOfWork, rota: Rota, session: Session, alive: list[Assignment]) -> Rota:
        now, gone = clock.now(), []
        for assignment in alive:
            shift = rota.shift(assignment.shift_id)
            rota, after = ended(rota, assignment, SESSION_CANCELLED)
            gone.append(after)
            why = session.cancelled_text
            unit.publish(events.ended(after, shift, session, UNKNOWN_ORIGIN, now, reason=why))
        await self._rotas.save_assignments(unit, gone)
        return rota

    async def _tell(self, unit: UnitOfWork, rota: Rota, session: Session, alive: list[Assignment]) -> Rota:
        now, changed = clock.now(), []
        for assignment in alive:
            shift = rota.shift(assignment.shift_id)
            # The session may have been moved and moved back before anybody was notified.
            if assignment.knows(shift, rota.venue):
                continue
            after = told(assignment, shift, rota.venue, now)
            changed.append(after)
            unit.publish(events.moved(after, assignment, shift, session, UNKNOWN_ORIGIN, now))
        await self._rotas.save_assignments(unit, changed)
        return rota
