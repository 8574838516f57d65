"""An activity is counted: once for all who ask at the same time, and one activity at a time."""

from collections.abc import Sequence
from typing import NamedTuple

from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from services.registration.statistics.store import Row, StatisticsStore
from shared.web.made_once import EachMadeOnce


class Counted(NamedTuple):
    """The sessions of an activity and its counts, all from one moment."""

    sessions: Sequence[Session]
    by_session: list[Row]
    audiences: list[Row]
    districts: list[Row]


class Counting:
    """Counts activities. A large one keeps the database busy for seconds."""

    def __init__(self, sessions: SessionStore, statistics: StatisticsStore) -> None:
        self._sessions = sessions
        self._statistics = statistics
        self._once: EachMadeOnce[str, Counted] = EachMadeOnce(self._count)

    async def of(self, activity_id: str, who: str) -> Counted:
        """
        The counts of an activity that exists, made after the call. `who` asks is the name of a key.

        Raises:
            Overloaded: this key waits for too many activities.
        """
        return await self._once.get(activity_id, who)

    async def _count(self, activity_id: str) -> Counted:
        sessions = await self._sessions.of_activities([activity_id])
        ids = [session.session_id for session in sessions]
        by_session = await self._statistics.by_session(ids)
        audiences, districts = await self._statistics.by_person(ids)
        return Counted(sessions, by_session, audiences, districts)
