"""
An activity is counted: once for all who ask at the same time, and one activity at a time.

A large activity takes seconds, and then rests for nine times as long. Nobody waits for that: they get the
last counts, which say when they were made.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from services.registration.statistics.store import Row, StatisticsStore
from shared.runtime import clock
from shared.runtime.errors import Overloaded, Unavailable
from shared.web.made_once import EachMadeOnce

# For new counts, if there are some from before; and if there are none. Counting itself has its bound
# (store.py).
WAIT_SECONDS = 2.0
FIRST_WAIT_SECONDS = 20.0
# Activities whose last counts are remembered, each some hundred kilobytes at most.
LAST_MAX = 50


class Counted(NamedTuple):
    """The sessions of an activity and its counts, all from one moment, `counted_at`."""

    counted_at: datetime
    sessions: Sequence[Session]
    by_session: list[Row]
    audiences: list[Row]
    districts: list[Row]


class Counting:
    """Counts activities. A large one keeps the database busy for seconds."""

    def __init__(
        self,
        sessions: SessionStore,
        statistics: StatisticsStore,
        *,
        wait_seconds: float = WAIT_SECONDS,
        first_wait_seconds: float = FIRST_WAIT_SECONDS,
    ) -> None:
        self._sessions = sessions
        self._statistics = statistics
        self._wait_seconds = wait_seconds
        self._first_wait_seconds = first_wait_seconds
        self._once: EachMadeOnce[str, Counted] = EachMadeOnce(self._count)
        self._last: OrderedDict[str, Counted] = OrderedDict()

    async def of(self, activity_id: str, who: str) -> Counted:
        """
        The counts of an activity that exists, made after the call. `who` asks is the name of a key.

        If new counts take longer than `WAIT_SECONDS`, or cannot be made, these are the last ones.

        Raises:
            Overloaded: this key waits for too many activities, or the counts take too long.
            Unavailable: the database is away, or counts for too long.
        """
        last = self._last.get(activity_id)
        try:
            # It is counted all the same if nobody waits any more.
            async with asyncio.timeout(self._first_wait_seconds if last is None else self._wait_seconds):
                return await self._once.get(activity_id, who)
        except TimeoutError:
            if last is None:
                raise Overloaded("the activity is still being counted; try again in a minute") from None
        except Unavailable:
            if last is None:
                raise
        return self._last.get(activity_id, last)

    async def _count(self, activity_id: str) -> Counted:
        now = clock.now()
        sessions = await self._sessions.of_activities([activity_id])
        ids = [session.session_id for session in sessions]
        by_session = await self._statistics.by_session(ids)
        audiences, districts = await self._statistics.by_person(ids)
        counted = Counted(now, sessions, by_session, audiences, districts)
        self._last[activity_id] = counted
        self._last.move_to_end(activity_id)
        if len(self._last) > LAST_MAX:
            self._last.popitem(last=False)
        return counted
