"""
The drill of a restore: a week is half over, and a machine is lost with its disks.

First Kafka and MongoDB are both lost, and the week goes on from the backup. Then MongoDB alone is lost, and
the log brings back what was acknowledged after the backup.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from ops.audit.run import Audit, audit
from ops.demo.mails import Mails
from ops.demo.people import Person
from ops.demo.run import week_of_now
from ops.deployment import databases
from ops.deployment.client import connected
from ops.deployment.ledger import LEDGER_FILE, Ledger
from ops.deployment.settle import wait_until_settled
from ops.drills.backup import KAFKA, MONGO, Backup
from ops.drills.ending import close_contest
from ops.drills.rewind import rewind
from ops.incidents.visitors import Visitors
from ops.local.services import Services
from ops.week import load
from ops.week.files import Week
from shared.runtime import clock

AT_ONCE = 32
Item = TypeVar("Item")
Done = TypeVar("Done")


@dataclass(slots=True)
class Drill:
    """
    One drill on running services of this machine.

    Args:
        people: how many take part before the backup, and as many after it.
    """

    services: Services
    people: int
    say: Callable[[str], None]
    week: Week = field(default_factory=week_of_now)
    _number: int = 0

    def run(self) -> dict[str, Audit]:
        """Do the whole drill; returns what each audit has found."""
        asyncio.run(self._prepare())
        found = {}
        backup = Backup(self.services, self.services.home / "backup-1")
        self.say(f"{self.people} people take part")
        asyncio.run(self._register_and_sit())
        self.say("backing up: all is stopped for a moment")
        asyncio.run(self._settle())
        backup.take()
        self.say(f"{self.people} more people come; then Kafka and MongoDB are lost with their disks")
        asyncio.run(self._register_and_sit())
        backup.lose(KAFKA, MONGO)
        self.say("restoring both")
        backup.restore(KAFKA, MONGO)
        backup.restore_notes()
        self.services.up()
        found["both lost: all that was promised before the backup is there"] = asyncio.run(self._audit())

        backup, taken_at = Backup(self.services, self.services.home / "backup-2"), clock.now()
        self.say(f"{self.people} more people register")
        waiting = asyncio.run(self._register())
        asyncio.run(self._settle())
        self.say("backing up again")
        backup.take()
        self.say("these people sit the contest; then MongoDB alone is lost with its disk")
        asyncio.run(self._sit(waiting))
        backup.lose(MONGO)
        self.say("restoring MongoDB, and reading the log again from the time of the backup")
        backup.restore(MONGO)
        rewind(self.services.stack.kafka_connection, taken_at, self.say)
        self.services.up()
        found["MongoDB lost: every submission after the backup is there too"] = asyncio.run(self._audit())
        self.say("closing the contest")
        asyncio.run(self._close())
        found["the week has ended as any other"] = asyncio.run(self._audit())
        return found

    async def _prepare(self) -> None:
        await asyncio.to_thread(load.load_whole, self.week, self.services.apis)

    async def _register_and_sit(self) -> None:
        await self._sit(await self._register())

    async def _register(self) -> list[Person]:
        async with self._visitors() as visitors:
            numbers = range(self._number + 1, self._number + self.people + 1)
            self._number += self.people
            return await _all(numbers, visitors.register)

    async def _sit(self, people: list[Person]) -> None:
        async with self._visitors() as visitors:
            await _all(people, visitors.sit)

    @asynccontextmanager
    async def _visitors(self) -> AsyncIterator[Visitors]:
        deployment = self.services.deployment
        ledger = Ledger(self.services.home / LEDGER_FILE)
        async with connected(deployment.apis, ledger) as client:
            yield Visitors(self.week, client, Mails(deployment.mail_file))

    async def _settle(self) -> None:
        deployment = self.services.deployment
        async with databases.connected(deployment.mongo) as all_databases:
            await wait_until_settled(deployment.kafka, all_databases)

    async def _audit(self) -> Audit:
        deployment = self.services.deployment
        await self._settle()
        async with databases.connected(deployment.mongo) as all_databases:
            return await audit(deployment, all_databases, self.services.home / LEDGER_FILE)

    async def _close(self) -> None:
        async with self._visitors() as visitors:
            await close_contest(visitors.client, self.week.quiz_id)


async def _all(items: Iterable[Item], act: Callable[[Item], Awaitable[Done]]) -> list[Done]:
    """Do this for all, some at a time."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(item: Item) -> Done:
        async with room:
            return await act(item)

    return await asyncio.gather(*(one(item) for item in items))
