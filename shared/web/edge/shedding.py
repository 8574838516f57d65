"""
Shedding: a process that stays late refuses what it cannot answer in time.

The queue before a process is in its sockets, where nobody counts it, but it shows: each
turn of the event loop is as long as what has come meanwhile. A crowd that comes at one
moment makes some turns long, and all of it is answered. A queue that does not drain makes
all turns long (a standing queue, as in RFC 8289): from then on a turn takes on
`TURN_REQUESTS_MAX`, and the rest is told to come back. Not at once: who is told at once is
there again at once, and all time goes into refusing.
"""

import asyncio
import time

from shared.runtime import metrics

BEAT_SECONDS = 0.05
BEATS_A_TURN = 100
LATE_SECONDS = 0.25
STANDING_SECONDS = 2.0
# A process that was stopped for a while is late once, and no queue's fault.
LATE_TURNS_MIN = 3
# Some 0.3 s of work.
TURN_REQUESTS_MAX = 6_000


class Shedding:
    """Watches how late the event loop is, and says whether there is room for one more request."""

    def __init__(self) -> None:
        self._in_time_at = time.monotonic()
        self._late_turns = 0
        self._taken_on = 0
        self._standing = False

    async def watch(self) -> float:
        """
        One turn of the background loop that watches: many beats.

        Between its turns a background loop yields, and a late event loop makes that as long as a beat.
        """
        for _ in range(BEATS_A_TURN):
            due = time.monotonic() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            self.turn(time.monotonic(), due)
        return 0.0

    def turn(self, now: float, due: float) -> None:
        """The loop is about to look for requests; it was meant to at `due`. In seconds of one clock."""
        metrics.LOOP_LATE.set(now - due)
        self._taken_on = 0
        if now - due < LATE_SECONDS:
            self._in_time_at, self._late_turns = now, 0
        else:
            self._late_turns += 1
        self._standing = self._late_turns >= LATE_TURNS_MIN and now - self._in_time_at >= STANDING_SECONDS

    def takes_on(self) -> bool:
        """Whether one more request is taken on in this turn; it counts if it is."""
        if self._standing and self._taken_on >= TURN_REQUESTS_MAX:
            return False
        self._taken_on += 1
        return True
