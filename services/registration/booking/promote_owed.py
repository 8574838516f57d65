"""Promotions that were too many for one request: in the background, a few people of one session at a time."""

from collections import Counter

from services.registration.booking import metrics
from services.registration.booking.promote import PROMOTED_MAX, Promotion
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class OwedPromotions:
    """Gives places to people whom the session owes them (`Session.owed`)."""

    def __init__(self, database: Database, sessions: SessionStore, promotion: Promotion) -> None:
        self._database = database
        self._sessions = sessions
        self._promotion = promotion
        self.loop = Backlog("promoting", sessions.owing, self.promote).loop

    async def promote(self, session_id: str, limit: int = PROMOTED_MAX) -> bool:
        """
        Promote the next few people of a session's waiting list.

        Returns: whether others are still owed their places.
        """

        async def work(unit: UnitOfWork) -> tuple[bool, Counter[str]]:
            session = (await self._sessions.lock(unit, [session_id])).get(session_id)
            if session is None or not session.owed:
                return False, Counter()
            session, counts = await self._promotion.promote(unit, session, Origin(), clock.now(), limit=limit)
            await self._sessions.save(unit, [session])
            return session.owed > 0, counts

        owed, counts = await save_together(self._database, work)
        metrics.count(**counts)
        return owed
