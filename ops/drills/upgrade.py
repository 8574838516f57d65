"""
The drill of an upgrade: while people take part, the processes of another release are replaced one by one.

Until the last one is replaced, both releases work on the same topics and databases.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ops.audit.run import Audit, audit
from ops.demo.mails import Mails
from ops.demo.run import week_of_now
from ops.deployment import databases
from ops.deployment.client import connected
from ops.deployment.ledger import LEDGER_FILE, Ledger
from ops.deployment.settle import wait_until_settled
from ops.drills.ending import close_contest
from ops.errors import CommandError
from ops.incidents.visitors import Visitors
from ops.local.services import Services
from ops.week import load
from ops.week.files import Week

# Between two replacements, so many people have to take part from registration to result.
PEOPLE_BETWEEN = 8
BETWEEN_SECONDS_MAX = 120.0


@dataclass(slots=True)
class Upgrade:
    """One drill on running services of another release (`Services.releases`)."""

    services: Services
    say: Callable[[str], None]
    week: Week = field(default_factory=week_of_now)

    async def run(self) -> Audit:
        """
        Replace every process by one of this release, close the contest, and audit the week.

        Raises:
            CommandError: people cannot take part while both releases run, or a process does not start.
        """
        deployment, ledger = self.services.deployment, self.services.home / LEDGER_FILE
        await asyncio.to_thread(load.load_whole, self.week, deployment.apis)
        async with (
            connected(deployment.apis, Ledger(ledger)) as client,
            databases.connected(deployment.mongo) as all_databases,
        ):
            visitors = Visitors(self.week, client, Mails(deployment.mail_file))
            async with visitors.coming():
                await self._until_some_took_part(visitors, "the other release alone")
                for part in self.services.parts:
                    self.say(f"replacing {part.name}")
                    await asyncio.to_thread(self._replace, part.name)
                    await self._until_some_took_part(visitors, f"both releases, {part.name} replaced")
            self.say(f"{visitors.done} people took part, {visitors.gave_up} gave up. Closing the contest …")
            await close_contest(client, self.week.quiz_id)
            await wait_until_settled(deployment.kafka, all_databases)
            return await audit(deployment, all_databases, ledger)

    def _replace(self, name: str) -> None:
        self.services.stop(name)
        self.services.releases.pop(name, None)
        self.services.start(name)
        self.services.wait_until_healthy(name)

    async def _until_some_took_part(self, visitors: Visitors, when: str) -> None:
        wanted, deadline = visitors.done + PEOPLE_BETWEEN, time.monotonic() + BETWEEN_SECONDS_MAX
        while visitors.done < wanted:
            if time.monotonic() > deadline:
                raise CommandError(f"nobody gets to a result ({when}): look in {self.services.home}/logs")
            await asyncio.sleep(0.5)
