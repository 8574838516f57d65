"""
The ids of erased people, in memory: nothing is started, accepted, graded or published for them.

Refreshed every second. A process that learns of an erasure late may still start or grade something in
between; what it leaves in open standings is removed later, and group and district in its results
(erasure/sweep.py).
"""

import time
from collections import deque
from datetime import datetime, timedelta

from services.quiz.participants.rules import Erasure
from services.quiz.participants.store import ParticipantStore
from shared.contracts.topics import TOMBSTONES_KEPT
from shared.runtime import clock
from shared.runtime.background import Loop
from shared.runtime.errors import NotAuthenticated

REFRESH_SECONDS = 1.0
# A grader's knowledge is at most this old.
FRESH_SECONDS = 2.0
# An erasure has the time of its write, and can be read only some time later.
OVERLAP = timedelta(seconds=60)


class Erased:
    """
    The participants who were erased: one id and time each, about 250 bytes, for `TOMBSTONES_KEPT`.
    """

    def __init__(self, participants: ParticipantStore, *, kept: timedelta = TOMBSTONES_KEPT) -> None:
        self._participants = participants
        self.ids: set[str] = set()
        # The same ones, the earliest first.
        self._in_order: deque[Erasure] = deque()
        self._kept = kept
        self._latest = clock.now() - kept
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
        async for erasure in self._participants.erased_since(self._latest - OVERLAP):
            if erasure.participant_id not in self.ids:
                self.ids.add(erasure.participant_id)
                self._in_order.append(erasure)
            self._latest = max(self._latest, erasure.erased_at)
        self._refreshed_at = queried_at

    def forget_before(self, moment: datetime) -> None:
        """Forget who was erased before this moment, as the database does."""
        while self._in_order and self._in_order[0].erased_at < moment:
            self.ids.discard(self._in_order.popleft().participant_id)

    async def turn(self) -> float:
        """Refresh, and forget; returns seconds to rest."""
        await self.refresh()
        self.forget_before(clock.now() - self._kept)
        return REFRESH_SECONDS
