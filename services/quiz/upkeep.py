"""
What standings need beside grading: counts folded, and what was held in a freeze let go.

Any number of workers may do it at once: each step is a transaction, and of two that want
the same one does it again.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.quiz.store import QuizStore
from shared.runtime.background import beside
from shared.runtime.errors import Unavailable
from shared.storage.mongo import PyMongoError

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
SILENCE_SECONDS_MAX = 60.0


class Upkeep:
    """Keeps the standings of all quizzes."""

    def __init__(self, store: QuizStore) -> None:
        self._store = store
        self._looked_at = time.monotonic()

    async def run(self) -> None:
        """Do what is due until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.turn()
                self._looked_at = time.monotonic()
            except Unavailable as error:
                log.warning("standings wait for a server", extra={"reason": error.message})
            except PyMongoError:
                log.exception("standings not looked after; trying again")

    async def check(self) -> str | None:
        """Whether standings are looked after; a health check."""
        silence_seconds = time.monotonic() - self._looked_at
        if silence_seconds > SILENCE_SECONDS_MAX:
            return f"standings not looked after for {silence_seconds:.0f} s"
        return None

    async def turn(self) -> None:
        """
        Let stand what is held of freezes that are over, and fold counts.

        Whatever is held of no freeze that still is has to go, also what a grader held
        that learned late of the thaw.

        Raises:
            Unavailable: the database does not answer; call again.
        """
        standings = self._store.standings
        for quiz_id in await standings.quizzes_held():
            while await standings.release(quiz_id):
                self._looked_at = time.monotonic()
        for quiz_id in await standings.quizzes_to_fold():
            await standings.fold(quiz_id)


@asynccontextmanager
async def keeping_up(upkeep: Upkeep) -> AsyncIterator[None]:
    """Keep the standings until the end of the block."""
    async with beside(upkeep.run()):
        yield
