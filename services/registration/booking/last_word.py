"""
The last word to people who still wait when nobody is promoted any more: in the background, a few at a time.

A waiting list ends when its session begins, or when registration closes before.
"""

from collections import Counter

from services.registration.booking import events, metrics
from services.registration.booking.rules import REGISTRATION_CLOSED, SESSION_BEGAN, cancelled, give_back
from services.registration.booking.store import RegistrationStore
from services.registration.sessions.store import SessionStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

# Waits that one transaction ends.
LAST_WORDS_MAX = 200


class LastWords:
    """Ends waits that lead to nothing. Each gets its event once, however often a process dies."""

    def __init__(self, database: Database, sessions: SessionStore, registrations: RegistrationStore) -> None:
        self._database = database
        self._sessions = sessions
        self._registrations = registrations
        self.loop = Backlog("last_words", self._pending, self.say).loop

    async def say(self, session_id: str, limit: int = LAST_WORDS_MAX) -> bool:
        """
        End the next few waits of a session.

        Returns: whether others still wait.
        """

        async def work(unit: UnitOfWork) -> tuple[bool, Counter[str]]:
            session = (await self._sessions.lock(unit, [session_id])).get(session_id)
            now = clock.now()
            # If the session is cancelled, its people are notified of the cancellation (programme/notify.py).
            if session is None or session.cancelled is not None or session.promotes(now):
                return False, Counter()
            code = SESSION_BEGAN if session.has_begun(now) else REGISTRATION_CLOSED
            some = await self._registrations.first_waiters(unit, session_id, limit)
            for one in some:
                session = give_back(session, one)
                unit.publish(events.cancelled(cancelled(one), session, code, UNKNOWN_ORIGIN, now))
            await self._registrations.save(unit, [cancelled(one) for one in some])
            await self._sessions.save(unit, [session])
            return session.waiting > 0, Counter(cancelled=len(some))

        more, counts = await save_together(self._database, work)
        metrics.count(**counts)
        return more

    async def _pending(self, after: str, limit: int) -> list[str]:
        return await self._sessions.waiting_in_vain(after, limit, clock.now())
