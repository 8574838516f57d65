"""
Shedding: a process that stays late refuses requests that it cannot answer in time.

Waiting requests are in the sockets, where nobody counts them. But the event loop shows them: each of its
turns is as long as the work that arrived meanwhile. If many requests arrive at one moment, some turns are
long, and all requests are answered. If the queue does not drain, all turns are long (RFC 8289). Then each
turn accepts only `TURN_REQUESTS_MAX` requests. The others get 503 after a pause: without it they would come
back immediately, and the process would only refuse requests.
"""

import asyncio
import time

from shared.runtime import metrics

BEAT_SECONDS = 0.05
BEATS_A_TURN = 100
LATE_SECONDS = 0.25
LATE_FOR_SECONDS = 2.0
# A process that was paused for a time is late once. That does not mean that requests wait.
LATE_TURNS_MIN = 3
# About 0.3 s of work.
TURN_REQUESTS_MAX = 6_000


class Shedding:
    """Watches how late the event loop is, and decides whether one more request is accepted."""

    def __init__(self) -> None:
        self._in_time_at = time.monotonic()
        self._late_turns = 0
        self._taken_on = 0
        self._stays_late = False

    async def watch(self) -> float:
        """
        Measure again and again how late a short sleep ends: one turn of the background loop.

        A turn has 100 sleeps and not one. Between two turns the background loop lets other tasks run, and
        nobody measures that time. Example: if the event loop is late by 0.4 s, each sleep ends 0.4 s late,
        and the step between two turns takes 0.4 s too. With one sleep in each turn, half of the time would
        not be measured. With 100 it is one part in 100.
        """
        for _ in range(BEATS_A_TURN):
            due = time.monotonic() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            self.turn(time.monotonic(), due)
        return 0.0

    def turn(self, now: float, due: float) -> None:
        """Note a turn of the event loop that was due at `due`. Both are seconds of the same clock."""
        metrics.LOOP_LATE.set(now - due)
        metrics.LOOP_DELAY.observe(now - due)
        self._taken_on = 0
        if now - due < LATE_SECONDS:
            self._in_time_at, self._late_turns = now, 0
        else:
            self._late_turns += 1
        self._stays_late = self._late_turns >= LATE_TURNS_MIN and now - self._in_time_at >= LATE_FOR_SECONDS

    def takes_on(self) -> bool:
        """True if one more request is accepted in this turn. Then it is counted."""
        if self._stays_late and self._taken_on >= TURN_REQUESTS_MAX:
            return False
        self._taken_on += 1
        return True
