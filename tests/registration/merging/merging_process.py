"""
A worker that moves what a merged participant has left, in a process of its own, for a test that kills it.

At its `saves`th transaction, with everything written and nothing finished, it says so and waits to be killed.
"""

import asyncio
from collections.abc import Collection

from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.storage.mongo import Database, connect
from shared.storage.unit_of_work import UnitOfWork
from tests.registration.crashing import WRITTEN
from tests.registration.merging.builders import unfinished_merges
from tests.support.killing import say


class PausingSessions(SessionStore):
    """Stops for ever near the end of a transaction, where sessions are saved."""

    def __init__(self, database: Database, stops_at: int) -> None:
        super().__init__(database)
        self._left = stops_at

    async def save(self, unit: UnitOfWork, sessions: Collection[Session]) -> None:
        await super().save(unit, sessions)
        self._left -= 1
        if self._left == 0:
            say(WRITTEN)
            await asyncio.Event().wait()


async def move(mongo: str, name: str, participant_id: str, saves: int) -> None:
    async with connect(mongo, name) as database:
        merges = unfinished_merges(database, sessions=PausingSessions(database, saves))
        while await merges.go_on(participant_id):
            pass
