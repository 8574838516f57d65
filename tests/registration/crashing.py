"""A process that dies in the middle of what it does: by an error, or by SIGKILL."""

from collections.abc import Collection

from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork
from tests.support.killing import Killable, Work

# What a process says before it waits to be killed.
WRITTEN = "written"


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


async def killed_in_the_middle(work: Work, *arguments: object) -> None:
    """
    Run this function in a process, and kill it by SIGKILL before it has finished a transaction.

    It says `WRITTEN` once it has written, and waits. Its transaction stays open until the server ends it:
    after `ops.stack.mongo.TRANSACTION_SECONDS_MAX`, or because of `end_transactions`.
    """
    process = Killable.working(work, *arguments)
    await process.start()
    try:
        assert await process.line() == WRITTEN
    finally:
        await process.end()


async def end_transactions(database: Database) -> None:
    """Have the server end what killed processes have left open, as it does itself after some seconds."""
    pipeline = [
        {"$currentOp": {"allUsers": True, "idleSessions": True}},
        {"$match": {"appName": database.name, "transaction": {"$exists": True}}},
    ]
    found = await database.client.admin.command({"aggregate": 1, "pipeline": pipeline, "cursor": {}})
    left = [{"id": one["lsid"]["id"]} for one in found["cursor"]["firstBatch"]]
    assert left
    await database.client.admin.command("killSessions", left)
