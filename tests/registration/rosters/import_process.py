"""
A worker that imports a slice of a confirmed roster, in a process of its own, for a test that kills it.

Where the members have been written and the transaction is not finished, it says so and waits to be killed.
"""

import asyncio
from collections.abc import Sequence

from services.registration.rosters.rules import Member
from services.registration.rosters.store import RosterStore
from shared.storage.mongo import connect
from shared.storage.unit_of_work import UnitOfWork
from tests.registration.crashing import WRITTEN
from tests.registration.rosters.builders import roster_imports
from tests.support.killing import say


class PausingRoster(RosterStore):
    """Stops for ever in the middle of the transaction."""

    async def add(self, unit: UnitOfWork, members: Sequence[Member]) -> None:
        await super().add(unit, members)
        say(WRITTEN)
        await asyncio.Event().wait()


async def import_lines(mongo: str, name: str, group_id: str) -> None:
    async with connect(mongo, name) as database:
        await roster_imports(database, PausingRoster(database)).go_on(group_id)
