"""An activity is counted: once for all who ask at the same time, and one activity at a time."""

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from services.registration.statistics.store import Row, StatisticsStore
from shared.web.made_once import MadeOnce
from shared.web.paced import Paced

# If more are asked for, the oldest is forgotten. Then its next counting only begins sooner.
ACTIVITIES_REMEMBERED_MAX = 500


class Counted(NamedTuple):
    """The sessions of an activity and its counts, all from one moment."""

    sessions: Sequence[Session]
    by_session: list[Row]
    audiences: list[Row]
    districts: list[Row]


class Counting:
    """
    Counts activities.

    A large activity keeps the database busy for seconds, and the database is everybody's: so anybody with a
    key could stop the registering of all others by asking again and again.
    """

    def __init__(self, sessions: SessionStore, statistics: StatisticsStore) -> None:
        self._sessions = sessions
        self._statistics = statistics
        self._paced = Paced()
        self._once: OrderedDict[str, MadeOnce[Counted]] = OrderedDict()

    async def of(self, activity_id: str) -> Counted:
        """The counts of an activity that exists, made after the call."""
        once = self._once.setdefault(activity_id, MadeOnce(partial(self._count, activity_id)))
        self._once.move_to_end(activity_id)
        if len(self._once) > ACTIVITIES_REMEMBERED_MAX:
            self._once.popitem(last=False)
        return await once.get()

    async def _count(self, activity_id: str) -> Counted:
        async with self._paced.turn():
            sessions = await self._sessions.of_activities([activity_id])
            ids = [session.session_id for session in sessions]
            by_session = await self._statistics.by_session(ids)
            audiences, districts = await self._statistics.by_person(ids)
        return Counted(sessions, by_session, audiences, districts)
