"""
A worker that imports one confirmed roster, in a process of its own, for a test that kills it.

    python import_process.py MONGO DATABASE IMPORT_ID

Where the members have been written and the transaction is not finished, it says so and waits to be killed.
"""

import asyncio
import sys
from collections.abc import Sequence

from services.registration.rosters.rules import Member
from services.registration.rosters.store import RosterStore
from shared.storage.mongo import connect
from shared.storage.unit_of_work import UnitOfWork
from tests.registration.crashing import WRITTEN
from tests.registration.rosters.builders import roster_imports


class PausingRoster(RosterStore):
    """Stops for ever in the middle of the transaction."""

    async def add(self, unit: UnitOfWork, members: Sequence[Member]) -> None:
        await super().add(unit, members)
        sys.stdout.write(f"{WRITTEN}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def import_lines(mongo: str, name: str, import_id: str) -> None:
    async with connect(mongo, name) as database:
        await roster_imports(database, PausingRoster(database)).import_file(import_id)


if __name__ == "__main__":
    asyncio.run(import_lines(*sys.argv[1:4]))
