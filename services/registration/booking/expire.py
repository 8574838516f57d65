"""
Held and offered places, and waits of unverified people, end when their time is over: in the background, a few
of one session at a time.
"""

from collections import Counter

from msgspec.structs import replace

from services.registration.booking import events, metrics
from services.registration.booking.promote import Promotion
from services.registration.booking.rules import (
    BY_SESSION,
    HOLD_EXPIRED,
    OFFER_EXPIRED,
    Registration,
    cancelled,
    give_back,
)
from services.registration.booking.store import RegistrationStore
from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

# Places and waits that one transaction ends.
FREED_MAX = 200


class Expiry:
    """
    Ends places and waits whose time is over. The waiting list moves up in the same transaction.

    The session is locked, and the registrations say what has run out. So two copies of the service free no
    place twice, and after a crash the next turn goes on.
    """

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
        self.loop = Backlog("expiring", self._pending, self.free).loop

    async def free(self, session_id: str, limit: int = FREED_MAX) -> bool:
        """
        End the next few registrations of a session that have run out.

        Returns: whether others may have run out too.
        """

        async def work(unit: UnitOfWork) -> tuple[bool, Counter[str]]:
            session = (await self._sessions.lock(unit, [session_id])).get(session_id)
            now = clock.now()
            if session is None or session.runs_out_at is None or session.runs_out_at > now:
                return False, Counter()
            some = await self._registrations.run_out(unit, session_id, now, limit)
            gone: list[Registration] = []
            for one in some:
                session = give_back(session, one)
                gone.append(cancelled(one))
                unit.publish(events.cancelled(gone[-1], session, _code(one, session), UNKNOWN_ORIGIN, now))
            await self._registrations.save(unit, gone)
            left = await self._registrations.next_running_out(unit, session_id)
            session = replace(session, runs_out_at=left)
            session, counts = await self._promotion.promote(unit, session, UNKNOWN_ORIGIN, now)
            await self._sessions.save(unit, [session])
            return left is not None and left <= now, counts + Counter(expired=len(gone))

        more, counts = await save_together(self._database, work)
        metrics.count(**counts)
        return more

    async def _pending(self, after: str, limit: int) -> list[str]:
        return await self._sessions.running_out(after, limit, clock.now())


def _code(registration: Registration, session: Session) -> str:
    if session.cancelled is not None:
        return BY_SESSION
    return OFFER_EXPIRED if registration.status == "offered" else HOLD_EXPIRED
