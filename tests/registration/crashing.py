"""A process that dies in the middle of what it does: by an error, or by SIGKILL."""

import asyncio
import sys
from collections.abc import Collection
from pathlib import Path

from services.registration.sessions.rules import Session
from services.registration.sessions.store import SessionStore
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork

REPOSITORY = Path(__file__).parents[2]
# What a process prints before it waits to be killed.
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


async def killed_in_the_middle(script: Path, *arguments: str) -> None:
    """
    Run this script, and kill it by SIGKILL before it has finished a transaction.

    It prints `WRITTEN` once it has written, and then waits.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        *arguments,
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(REPOSITORY)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert (await process.stdout.readline()).decode().strip() == WRITTEN
    finally:
        process.kill()
        await process.wait()
