"""People leave a rota: an organiser declines or removes them, or they withdraw, or their data are erased."""

from collections.abc import Callable
from datetime import datetime

from services.registration.rotas import events
from services.registration.rotas.checks import check_not_over, check_status, check_withdrawable
from services.registration.rotas.rules import (
    BY_ERASURE,
    DECLINED,
    REMOVED,
    WITHDRAWN,
    Assignment,
    Shift,
    Status,
    assignment_unknown,
    ended,
)
from services.registration.rotas.store import RotaStore
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import UNKNOWN_ORIGIN, Origin
from shared.runtime import clock
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

Check = Callable[[Shift, datetime], None]
ENDED_MAX = 10


class Ending:
    """Takes people off rotas. Doing so again changes nothing, and publishes nothing."""

    def __init__(self, database: Database, sessions: SessionStore, rotas: RotaStore) -> None:
        self._database = database
        self._sessions = sessions
        self._rotas = rotas

    async def decline(self, id_: str, reason: str | None, origin: Origin) -> Assignment:
        """
        An organiser does not want somebody who has volunteered.

        Args:
            reason: the organiser's words to the participant.

        Raises:
            NotFound: there is no such assignment.
            Conflict: the participant is on the rota, or the shift is over.
        """
        return await self._end(id_, DECLINED, check_not_over, origin, only="volunteered", reason=reason)

    async def remove(self, id_: str, reason: str | None, origin: Origin) -> Assignment:
        """
        An organiser takes somebody off the rota.

        Args:
            reason: the organiser's words to the participant.

        Raises:
            NotFound: there is no such assignment.
            Conflict: the participant is not on the rota yet, or the shift is over.
        """
        return await self._end(id_, REMOVED, check_not_over, origin, only="assigned", reason=reason)

    async def withdraw(self, id_: str, participant_id: str, origin: Origin) -> Assignment:
        """
        Somebody takes it back to have volunteered, or gives the shift back.

        Raises:
            NotFound: there is no such assignment, or it is somebody else's, which looks the same.
            Conflict: the shift has begun.
        """
        return await self._end(id_, WITHDRAWN, check_withdrawable, origin, participant_id=participant_id)

    async def erase(self, participant_id: str, limit: int) -> bool:
        """
        Take an erased participant off some rotas, each in a transaction of its own.

        Returns: whether there may be more.
        """
        some = await self._rotas.some_live_of(participant_id, min(limit, ENDED_MAX))
        for id_ in some:
            await self._end(id_, BY_ERASURE, _at_any_time, UNKNOWN_ORIGIN)
        return bool(some)

    async def _end(
        self,
        id_: str,
        code: str,
        check: Check,
        origin: Origin,
        *,
        only: Status | None = None,
        participant_id: str | None = None,
        reason: str | None = None,
    ) -> Assignment:
        async def work(unit: UnitOfWork) -> Assignment:
            assignment = await self._rotas.assignment(unit, id_)
            if assignment is None or participant_id not in (None, assignment.participant_id):
                raise assignment_unknown(id_)
            if not assignment.is_live:
                return assignment
            if only is not None:
                check_status(assignment, only)
            # It was read before this lock, and is still so: each change of an assignment writes its rota.
            rota = (await self._rotas.lock(unit, [assignment.session_id]))[assignment.session_id]
            shift, now = rota.shift(assignment.shift_id), clock.now()
            check(shift, now)
            rota, after = ended(rota, assignment, code)
            await self._rotas.save(unit, [rota])
            await self._rotas.save_assignments(unit, [after])
            session = await self._sessions.read(unit, assignment.session_id)
            unit.publish(events.ended(after, shift, session, origin, now, reason=reason))
            return after

        return await save_together(self._database, work)


def _at_any_time(shift: Shift, now: datetime) -> None:
    """An erasure is not asked when."""
