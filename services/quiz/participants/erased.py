"""
The ids of erased people, in memory: nothing is started, accepted, graded or published for them.

Refreshed every second. A process that learns of an erasure late may still start or grade something in
between; its results are removed later (erasure/sweep.py).
"""

import time
from datetime import datetime, timedelta

from services.quiz.participants.store import ParticipantStore
from shared.runtime.background import Loop
from shared.runtime.errors import NotAuthenticated

REFRESH_SECONDS = 1.0
# A grader's knowledge is at most this old.
FRESH_SECONDS = 2.0
# An erasure has the time of its write, and can be read only some time later.
OVERLAP = timedelta(seconds=60)


class Erased:
    """The participants who were erased: one id each, about 100 bytes."""

    def __init__(self, participants: ParticipantStore) -> None:
        self._participants = participants
        self.ids: set[str] = set()
        self._latest: datetime | None = None
        self._refreshed_at = float("-inf")
        self.loop = Loop("erased", self.turn)

    def check(self, participant_id: str) -> None:
        """
        Accept everybody who was not erased.

        Raises:
            NotAuthenticated: the participant was erased.
        """
        if participant_id in self.ids:
            raise NotAuthenticated("this participant was erased", code="participant_erased")

    async def keep_fresh(self) -> None:
        """
        Refresh if the data are older than `FRESH_SECONDS`: the process may have been stopped.

        Raises:
            Unavailable: the database does not answer.
        """
        if time.monotonic() - self._refreshed_at > FRESH_SECONDS:
            await self.refresh()

    async def refresh(self) -> None:
        """
        Learn who was erased since the last refresh.

        Raises:
            Unavailable: the database does not answer.
        """
        # The time before the query: it may miss what changes while it runs.
        queried_at = time.monotonic()
        for erasure in await self._participants.erased_since(self._latest and self._latest - OVERLAP):
            self.ids.add(erasure.participant_id)
            self._latest = erasure.erased_at
        self._refreshed_at = queried_at

    async def turn(self) -> float:
        """Refresh; returns seconds to rest."""
        await self.refresh()
        return REFRESH_SECONDS
