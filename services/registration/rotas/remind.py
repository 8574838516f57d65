"""
Reminding people of their shifts, the day before: in the background, each in a transaction with the event.

A reminder is noted with its assignment. So after a crash nobody is reminded twice, and nobody is forgotten.
"""

from msgspec.structs import replace

from services.registration.participants.store import ParticipantStore
from services.registration.rotas import events
from services.registration.rotas.rules import DAY_BEFORE, is_reminded
from services.registration.rotas.store import RotaStore
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class RotaReminding:
    """Reminds people on rotas."""

    def __init__(
        self, database: Database, sessions: SessionStore, participants: ParticipantStore, rotas: RotaStore
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._participants = participants
        self._rotas = rotas
        self.loop = Backlog("reminding_rotas", self._due, self.remind).loop

    async def remind(self, id_: str) -> None:
        """Remind the person of this assignment, unless somebody has, or it makes no sense any more."""

        async def work(unit: UnitOfWork) -> None:
            assignment = await self._rotas.assignment(unit, id_)
            if assignment is None or assignment.status != "assigned" or assignment.reminded:
                return
            # It was read before this lock, and is still so: each change of an assignment writes its rota.
            rota = (await self._rotas.lock(unit, [assignment.session_id]))[assignment.session_id]
            session = await self._sessions.read(unit, assignment.session_id)
            erased = await self._participants.erased(unit, [assignment.participant_id])
            now = clock.now()
            if session.reminders and not erased and is_reminded(rota, assignment, now):
                shift = rota.shift(assignment.shift_id)
                unit.publish(events.reminded(assignment, shift, session, UNKNOWN_ORIGIN, now))
            await self._rotas.save_assignments(unit, [replace(assignment, reminded=True)])

        await save_together(self._database, work)

    async def _due(self, after: str, limit: int) -> list[str]:
        return await self._rotas.unreminded(after, limit, clock.now() + DAY_BEFORE)
