"""Shifts of those who went: the one who stays takes them over, or they are given back, one at a time."""

from services.registration.merging.rules import takes_shift
from services.registration.merging.stay import who_stays
from services.registration.merging.store import MergeStore
from services.registration.participants.rules import Participant
from services.registration.participants.store import ParticipantStore
from services.registration.rotas import events
from services.registration.rotas.busy import on_other_rotas
from services.registration.rotas.ids import assignment_id
from services.registration.rotas.rules import (
    BY_MERGE,
    Assignment,
    Rota,
    accepted,
    ended,
    new_assignment,
    with_new,
)
from services.registration.rotas.store import RotaStore
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.runtime import clock
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

SHIFTS_MOVED_MAX = 10


class ShiftMoves:
    """Moves shifts of participants who went."""

    def __init__(
        self,
        database: Database,
        merges: MergeStore,
        sessions: SessionStore,
        participants: ParticipantStore,
        rotas: RotaStore,
    ) -> None:
        self._database = database
        self._merges = merges
        self._sessions = sessions
        self._participants = participants
        self._rotas = rotas

    async def move(self, participant_id: str, limit: int) -> bool:
        """
        Move a few more shifts of somebody who went. What a killed process has not moved is found again.

        Returns: whether there may be more.
        """
        some = await self._rotas.some_live_of(participant_id, min(limit, SHIFTS_MOVED_MAX))
        for id_ in some:
            await self._move_one(id_)
        return bool(some)

    async def _move_one(self, id_: str) -> None:
        async def work(unit: UnitOfWork) -> None:
            goes = await self._rotas.assignment(unit, id_)
            if goes is None or not goes.is_live:
                return
            # It was read before this lock, and is still so: each change of an assignment writes its rota.
            rota = (await self._rotas.lock(unit, [goes.session_id]))[goes.session_id]
            stays = await who_stays(unit, self._merges, self._participants, goes.participant_id)
            rota, gone = ended(rota, goes, BY_MERGE)
            own = await self._taken_over(unit, rota, goes, stays) if stays is not None else None
            if own is not None:
                rota, one = own
            await self._rotas.save(unit, [rota])
            session = await self._sessions.read(unit, rota.session_id)
            shift, now = rota.shift(goes.shift_id), clock.now()
            await self._rotas.save_assignments(unit, [gone])
            unit.publish(events.ended(gone, shift, session, UNKNOWN_ORIGIN, now))
            if own is not None:
                await self._rotas.save_assignments(unit, [one])
                unit.publish(events.taken(one, shift, session, UNKNOWN_ORIGIN, now))

        await save_together(self._database, work)

    async def _taken_over(
        self, unit: UnitOfWork, rota: Rota, goes: Assignment, stays: Participant
    ) -> tuple[Rota, Assignment] | None:
        """The rota and the assignment of the one who stays; None: this one does not get the shift."""
        id_ = assignment_id(stays.participant_id, goes.session_id, goes.shift_id)
        own = await self._rotas.assignment(unit, id_)
        live = [
            one for one in await self._rotas.live_of(unit, stays.participant_id) if one.assignment_id != id_
        ]
        others = await on_other_rotas(unit, self._rotas, live)
        if not takes_shift(goes, own, rota.shift(goes.shift_id), others, verified=stays.is_verified):
            return None
        if own is not None and own.is_live:
            return accepted(rota, own, clock.now())
        rota = with_new(rota, goes.shift_id, goes.status)
        one = new_assignment(rota, goes.shift_id, id_, stays.participant_id, goes.status, own, clock.now())
        return rota, one
