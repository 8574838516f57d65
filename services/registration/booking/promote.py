"""Promotion: free places go to the head of the waiting list."""

from collections import Counter
from datetime import datetime

from msgspec.structs import replace

from services.registration.booking import events, rules
from services.registration.booking.rules import Registration, cancelled, give_back
from services.registration.booking.store import RegistrationStore
from services.registration.booking.tickets import TicketOffice
from services.registration.participants.ensure_keys import ensure_keys
from services.registration.participants.keys import KeySealer
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.rules import Session
from shared.contracts.origin import Origin
from shared.storage.unit_of_work import UnitOfWork

# In one transaction.
PROMOTED_MAX = 200
# An activity has up to 60 sessions, each with up to 10,000 who wait. So not all of them are counted.
COUNTED_MAX = 1_000
# The code of a cancellation.
BY_ERASURE = "participant_erased"


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
        self,
        unit: UnitOfWork,
        session: Session,
        origin: Origin,
        now: datetime,
        *,
        limit: int = PROMOTED_MAX,
    ) -> tuple[Session, Counter[str]]:
        """
        Give free places to the head of the waiting list.

        Args:
            session: locked by this unit of work.
            limit: the largest number of promotions. If more registrations fit, the session owes them places
                (`Session.owed`), and `promote_owed.py` promotes them.

        Returns: the session after it, which the caller saves, and how many were promoted, and cancelled
            because their participant is erased.
        """
        session = replace(session, owed=0)
        if not session.waiting or session.cancelled is not None or session.is_over(now):
            return session, Counter()
        limit = min(limit, session.free)
        head = await self._registrations.waiters(unit, session.session_id, limit)
        keys = await ensure_keys(
            unit, {one.participant_id for one in head}, self._participants, self._sealer, origin, now
        )
        # A participant without a key is erased. Either the erasure cancels the wait, or this code does.
        gone = [one for one in head if one.participant_id not in keys]
        alive = [one for one in head if one.participant_id in keys]
        session = await self._drop(unit, session, gone, origin, now)
        promoted, session = rules.promote(session, alive, now)
        promoted = [self._with_ticket(one, keys[one.participant_id]) for one in promoted]
        await self._registrations.save(unit, promoted)
        unit.publish(*(events.confirmed(one, session, origin, now, promoted=True) for one in promoted))
        if len(head) == limit and len(promoted) == len(alive) and session.waiting and session.free > 0:
            behind = min(session.waiting, session.free, COUNTED_MAX)
            places = await self._registrations.places_waited_for(unit, session.session_id, behind)
            session = replace(session, owed=rules.fitting(session.free, places))
        return session, Counter(promoted=len(promoted), cancelled=len(gone))

    async def _drop(
        self, unit: UnitOfWork, session: Session, gone: list[Registration], origin: Origin, now: datetime
    ) -> Session:
        """Cancel waits of the erased."""
        for one in gone:
            session = give_back(session, one)
            unit.publish(events.cancelled(cancelled(one), session, BY_ERASURE, origin, now))
        await self._registrations.save(unit, [cancelled(one) for one in gone])
        return session

    def _with_ticket(self, registration: Registration, key: bytes) -> Registration:
        ticket = self._tickets.new_ticket(key)
        return replace(registration, ticket_hash=ticket.hash, ticket_locked=ticket.locked)
