"""A process that dies between the chunks of what it does in the background."""

from collections.abc import Collection

from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork


class Crash(Exception):
    """The process has died."""


class DyingSessions(SessionStore):
    """A transaction, the first or a later one, is broken off near its end, where sessions are saved."""

    def __init__(self, database: Database, dies_at: int) -> None:
        super().__init__(database)
        self._saves_left = dies_at

    async def save(self, unit: UnitOfWork, sessions: Collection[Session]) -> None:
        await super().save(unit, sessions)
        self._saves_left -= 1
        if self._saves_left == 0:
            raise Crash
