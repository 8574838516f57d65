"""Promotion: places that are free go to the head of the waiting list."""

from datetime import datetime

from msgspec.structs import replace

from services.registration.booking import events, rules
from services.registration.booking.rules import Registration
from services.registration.booking.store import RegistrationStore
from services.registration.booking.tickets import TicketOffice
from services.registration.envelopes import Origin
from services.registration.participants.ensure_keys import ensure_keys
from services.registration.participants.keys import KeySealer
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.rules import Session
from shared.storage.unit_of_work import UnitOfWork


class Promotion:
    """Promotes waiting registrations, and gives them tickets."""

    def __init__(
        self,
        participants: ParticipantStore,
        registrations: RegistrationStore,
        *,
        sealer: KeySealer,
        tickets: TicketOffice,
    ) -> None:
        self._participants = participants
        self._registrations = registrations
        self._sealer = sealer
        self._tickets = tickets

    async def promote(
        self, unit: UnitOfWork, session: Session, origin: Origin, now: datetime
    ) -> tuple[Session, int]:
        """
        Give free places to the head of the waiting list.

        Args:
            session: locked by this unit of work.

        Returns: the session after it, which the caller saves, and how many were promoted.
        """
        if not session.waiting or session.cancelled is not None:
            return session, 0
        waiters = await self._registrations.waiters(unit, session.session_id, limit=session.free)
        keys = await ensure_keys(
            unit, {one.participant_id for one in waiters}, self._participants, self._sealer, origin, now
        )
        # A participant without a key is erased. If a wait was left behind by the erasure, it is passed over.
        alive = [one for one in waiters if one.participant_id in keys]
        promoted, session = rules.promote(session, alive, now)
        promoted = [self._with_ticket(one, keys[one.participant_id]) for one in promoted]
        await self._registrations.save(unit, promoted)
        unit.tell(*(events.confirmed(one, session, origin, now, promoted=True) for one in promoted))
        return session, len(promoted)

    def _with_ticket(self, registration: Registration, key: bytes) -> Registration:
        ticket = self._tickets.new_ticket(key)
        return replace(registration, ticket_hash=ticket.hash, ticket_locked=ticket.locked)
