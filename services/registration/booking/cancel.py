"""Cancelling: a place or a wait is given back, and the waiting list moves up in the same transaction."""

from collections.abc import Sequence

from services.registration.booking import events, metrics
from services.registration.booking.promote import Promotion
from services.registration.booking.rules import (
    Registration,
    cancelled,
    check_cancellable,
    give_back,
    survives_erasure,
)
from services.registration.booking.store import RegistrationStore
from services.registration.envelopes import Origin
from services.registration.sessions.store import SessionStore
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

BY_PARTICIPANT = "cancelled_by_participant"
BY_ORGANISER = "cancelled_by_organiser"
BY_ERASURE = "participant_erased"


class Cancellation:
    """Cancels registrations."""

    def __init__(
        self,
        database: Database,
        sessions: SessionStore,
        registrations: RegistrationStore,
        promotion: Promotion,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._registrations = registrations
        self._promotion = promotion

    async def cancel(self, id_: str, participant_id: str | None, origin: Origin) -> Registration:
        """
        Cancel a registration; cancelling it again changes nothing.

        Args:
            participant_id: whose it must be; None for an organiser.

        Raises:
            NotFound: there is none, or it is somebody else's, which looks the same.
            Conflict: its ticket was shown already.
        """

        async def work(unit: UnitOfWork) -> tuple[Registration, int, int]:
            registration = (await self._registrations.by_id(unit, [id_])).get(id_)
            if registration is None or participant_id not in (None, registration.participant_id):
                raise NotFound(f"there is no registration {id_}", code="registration_unknown")
            if not registration.is_active:
                return registration, 0, 0
            check_cancellable(registration)
            code = BY_ORGANISER if participant_id is None else BY_PARTICIPANT
            [left], promoted = await self._leave(unit, [registration], code, origin)
            return left, 1, promoted

        registration, left, promoted = await save_together(self._database, work)
        metrics.count(cancelled=left, promoted=promoted)
        return registration

    async def erase(self, unit: UnitOfWork, participant_id: str, origin: Origin) -> tuple[int, int]:
        """
        Cancel what an erased participant holds or waits for, and forget their tickets and requests.

        A place in a session that has begun stays (`rules.survives_erasure`).

        Returns: how many registrations were cancelled, and how many others promoted.
        """
        held = await self._registrations.held_by(unit, participant_id)
        left, promoted = await self._leave(unit, held, BY_ERASURE, origin)
        await self._registrations.forget(unit, participant_id)
        return len(left), promoted

    async def _leave(
        self, unit: UnitOfWork, registrations: Sequence[Registration], code: str, origin: Origin
    ) -> tuple[list[Registration], int]:
        """
        Cancel registrations, each with its session's waiting list moving up.

        Returns: the cancelled ones, and how many others were promoted.
        """
        # The registrations were read before this lock, and what was read is still true: the lock fails if the
        # session has changed since the transaction's first read, and every change of a registration either
        # changes its session too, or conflicts with the write below.
        sessions = await self._sessions.lock(unit, {one.session_id for one in registrations})
        # Only now, with the sessions locked, as in `book`: a promotion is later than the wait.
        now = clock.now()
        left: list[Registration] = []
        promoted = 0
        for registration in registrations:
            session = sessions[registration.session_id]
            if code == BY_ERASURE and survives_erasure(registration, session, now):
                continue
            gone = cancelled(registration)
            await self._registrations.save(unit, [gone])
            left.append(gone)
            unit.tell(events.cancelled(gone, session, code, origin, now))
            session, moved_up = await self._promotion.promote(
                unit, give_back(session, registration), origin, now
            )
            await self._sessions.save(unit, [session])
            promoted += moved_up
        return left, promoted
