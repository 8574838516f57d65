"""Promotion: free places go to the waiting list, by the policy of the session."""

from collections import Counter
from datetime import datetime, timedelta

from msgspec.structs import replace

from services.registration.booking import events, rules
from services.registration.booking.rules import BY_ERASURE, Registration, cancelled, earlier, give_back
from services.registration.booking.store import RegistrationStore
from services.registration.booking.tickets import TicketOffice
from services.registration.booking.waiting_list import next_in_line
from services.registration.participants.ensure_keys import ensure_keys
from services.registration.participants.keys import KeySealer
from services.registration.participants.store import ParticipantStore
from services.registration.sessions.rules import Session
from shared.contracts.origin import Origin
from shared.storage.unit_of_work import UnitOfWork

# Promotions of one transaction.
PROMOTED_MAX = 200
# An activity has up to 60 sessions, each with up to 10,000 who wait. So only the first ones of a waiting list
# are considered. Nobody behind them can overtake, not even with the policy `fill`.
CONSIDERED_MAX = 1_000


class Promotion:
    """
    Promotes waiting registrations: they are confirmed with a ticket, or places are held or offered.

    Args:
        hold: how long a place is held for somebody without a verified contact; None: no place is held.
    """

    def __init__(
        self,
        participants: ParticipantStore,
        registrations: RegistrationStore,
        *,
        sealer: KeySealer,
        tickets: TicketOffice,
        hold: timedelta | None,
    ) -> None:
        self._participants = participants
        self._registrations = registrations
        self._sealer = sealer
        self._tickets = tickets
        self._hold = hold

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
        Give free places to the people who are next on the waiting list.

        Args:
            session: locked by this unit of work.
            limit: the largest number of promotions. If more registrations fit, the session owes them places
                (`Session.owed`), and `promote_owed.py` promotes them.

        Returns: the session after it, which the caller saves, and two counts: of promotions, and of waits
            that were cancelled because their participant is erased.
        """
        session = replace(session, owed=0)
        if not session.waiting or not session.promotes(now):
            return session, Counter()
        dropped = 0
        while True:
            waits = await self._registrations.waits(unit, session.session_id, _considered(session))
            next_ones, after = next_in_line(session, waits, limit - dropped)
            some = await self._registrations.waiters(unit, session.session_id, next_ones)
            keys = await ensure_keys(
                unit, {one.participant_id for one in some}, self._participants, self._sealer, origin, now
            )
            # A participant without a key is erased. Either the erasure cancels the wait, or this code does.
            gone = [one for one in some if one.participant_id not in keys]
            if not gone:
                break
            session = await self._drop(unit, session, gone, origin, now)
            dropped += len(gone)
        session, counts = await self._give(unit, after, some, keys, origin, now)
        rest = [wait for wait in waits if wait not in next_ones]
        session = replace(session, owed=len(next_in_line(session, rest, CONSIDERED_MAX)[0]))
        return session, counts + Counter(cancelled=dropped)

    async def _give(
        self,
        unit: UnitOfWork,
        session: Session,
        waiters: list[Registration],
        keys: dict[str, bytes],
        origin: Origin,
        now: datetime,
    ) -> tuple[Session, Counter[str]]:
        """Confirm, hold or offer these people's places. The session's counters include them already."""
        promoted: list[Registration] = []
        counts = Counter[str]()
        for waiter in waiters:
            one = rules.promoted(waiter, session, now, self._hold)
            if one.status == "confirmed":
                one = self._with_ticket(one, keys[one.participant_id])
                unit.publish(events.confirmed(one, session, origin, now, promoted=True))
            elif one.status == "held":
                unit.publish(events.held(one, session, origin, now, promoted=True))
            else:
                unit.publish(events.offered(one, session, origin, now))
            session = replace(session, runs_out_at=earlier(session.runs_out_at, one.held_until))
            promoted.append(one)
            counts["offered" if one.status == "offered" else "promoted"] += 1
        await self._registrations.save(unit, promoted)
        return session, counts

    async def _drop(
        self, unit: UnitOfWork, session: Session, gone: list[Registration], origin: Origin, now: datetime
    ) -> Session:
        """Cancel waits of erased people."""
        for one in gone:
            session = give_back(session, one)
            unit.publish(events.cancelled(cancelled(one), session, BY_ERASURE, origin, now))
        await self._registrations.save(unit, [cancelled(one) for one in gone])
        return session

    def _with_ticket(self, registration: Registration, key: bytes) -> Registration:
        ticket = self._tickets.new_ticket(key)
        return replace(registration, ticket_hash=ticket.hash, ticket_locked=ticket.encrypted)


def _considered(session: Session) -> int:
    """How many waits have to be read: with the policy `strict`, only those that may fit."""
    if session.waiting_policy == "strict":
        return min(session.waiting, session.free, CONSIDERED_MAX)
    return CONSIDERED_MAX
