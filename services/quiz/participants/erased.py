"""
Who is erased, in memory: nothing is started, taken in, graded or told for them.

Refreshed every second or so beside the catalogue. A process that learns late may still start or
grade something within that time; what it stores is swept away later (upkeep.py).
"""

import time
from datetime import datetime, timedelta

from services.quiz.participants.store import Participants
from shared.runtime.errors import NotAuthenticated

# Whoever grades knows no less than was true so long ago.
FRESH_SECONDS = 2.0
# An erasure is visible some time after the moment that it bears.
OVERLAP = timedelta(seconds=60)


class Erasures:
    """The participants who are erased: an id each, some 100 bytes."""

    def __init__(self, participants: Participants) -> None:
        self._participants = participants
        self.ids: set[str] = set()
        self._latest: datetime | None = None
        self._refreshed_at = float("-inf")

    def check(self, participant_id: str) -> None:
        """
        Let through who is not erased.

        Raises:
            NotAuthenticated: the participant is.
        """
        if participant_id in self.ids:
            raise NotAuthenticated("this participant was erased", code="participant_erased")

    async def keep_fresh(self) -> None:
        """
        See that what is known is no older than `FRESH_SECONDS`, in a process that stood still too.

        Raises:
            Unavailable: the database does not answer.
        """
        if time.monotonic() - self._refreshed_at > FRESH_SECONDS:
            await self.refresh()

    async def refresh(self) -> None:
        """
        Learn who was erased meanwhile.

        Raises:
            Unavailable: the database does not answer.
        """
        # Of before the look: what changes during it may not be seen.
        looked_at = time.monotonic()
        for erasure in await self._participants.erased_since(self._latest and self._latest - OVERLAP):
            self.ids.add(erasure.participant_id)
            self._latest = erasure.erased_at
        self._refreshed_at = looked_at
