"""
One run: people take part while faults come, then everything rests, and the history and the log are checked.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from ops.audit.findings import Check
from ops.audit.run import Audit, audit
from ops.chaos import checks, history, people
from ops.chaos.faults import Suffered, carry_out
from ops.chaos.history import HISTORY_FILE, History, Kind, Operation
from ops.chaos.outside import COMMANDS, Outside
from ops.chaos.people import People
from ops.chaos.rig import Rig
from ops.chaos.scene import HALL, pieces_of, session_of_command
from ops.chaos.schedule import Fault
from ops.deployment.databases import connected
from ops.deployment.description import SERVICES
from ops.deployment.ledger import LEDGER_FILE, Ledger
from ops.deployment.settle import GROUPS, wait_until_settled
from ops.deployment.transactions import end, find
from ops.week import files, load
from shared.runtime import clock
from shared.runtime.errors import Unavailable

# Between two faults somebody has to be acknowledged again, in each of these.
SIGNS: tuple[Kind, ...] = ("book", "submit")
SIGNS_MIN = 2
RECOVERED_SECONDS_MAX = 90.0
LOOK_SECONDS = 0.1
# How often the operator looks for transactions that hang: docs/decisions/0108-transactions-that-hang.md
OPERATOR_SECONDS = 10.0
# Of every so many people, one belongs to the other system, one sends what nobody can
# read, and one aborts a transaction.
COMMAND_EVERY, POISON_EVERY, ABORT_EVERY = 4, 9, 20


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What is done.

    Args:
        minutes: how long people come at the least; the faults may take longer.
        pause_seconds: after a fault, from the first signs of life on.
        audits: whether everything is computed again from the databases too.
    """

    seed: int
    faults: Sequence[Fault]
    minutes: float = 0.0
    people_a_second: float = 6.0
    pause_seconds: float = 1.0
    audits: bool = True
    settled_seconds_max: float = 240.0


@dataclass(frozen=True, slots=True)
class Report:
    """What happened, and what is amiss."""

    plan: Plan
    suffered: Sequence[Suffered]
    history: Sequence[Operation]
    checks: Sequence[Check]
    audit: Audit | None
    seconds: float
    restarts: int
    # How many transactions an operator had to abort, so that a partition was read on.
    aborted: int = 0

    @property
    def lost(self) -> int:
        """How many things that were acknowledged are missing."""
        return sum(len(one.missing) for one in self.checks) + (self.audit.missing if self.audit else 0)

    @property
    def doubled(self) -> int:
        """How many happened twice."""
        return sum(len(one.duplicated) for one in self.checks) + (self.audit.duplicated if self.audit else 0)

    @property
    def wrong(self) -> int:
        """How many are different from what they must be."""
        return sum(len(one.wrong) for one in self.checks) + (self.audit.wrong if self.audit else 0)

    @property
    def agrees(self) -> bool:
        """Whether nothing is amiss."""
        return not (self.lost or self.doubled or self.wrong)


@dataclass(slots=True)
class Run:
    """A run on a rig."""

    rig: Rig
    plan: Plan
    say: Callable[[str], None] = lambda _: None
    suffered: list[Suffered] = field(default_factory=list)
    aborted: int = 0
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def home(self) -> Path:
        """The folder of the run, with its history."""
        return self.rig.services.home

    async def run(self, least: Mapping[Kind, int]) -> Report:
        """
        Play, wait until all is at rest, and check.

        Args:
            least: how often each kind must be acknowledged at the least.
        Raises:
            NotAtRest: work is left after the time.
            StackError: Kafka or MongoDB does not come back.
        """
        began = time.monotonic()
        week = files.from_tomorrow(files.read(), clock.now())
        for piece in pieces_of(week, self._people_max()):
            await asyncio.to_thread(load.put, piece, self.rig.services.apis)
        right = {one["id"]: one["key"] for one in week.quiz["questions"]}
        operator = asyncio.create_task(self._operate(), name="operator")
        try:
            with History(self.home / HISTORY_FILE) as written:
                await self._play(written, right)
            operations = history.read(self.home / HISTORY_FILE)
            ledger = ledger_of(operations, self.home / LEDGER_FILE)
            self.say("waiting until everything is at rest")
            found, audited = await self._look(ledger)
        finally:
            operator.cancel()
            with suppress(asyncio.CancelledError):
                await operator
        found = [*checks.check(operations, audited.log), *found, *checks.alive(operations, least)]
        seconds, restarts = time.monotonic() - began, self.rig.restarts
        return Report(
            self.plan,
            self.suffered,
            operations,
            found,
            audited if self.plan.audits else None,
            seconds,
            restarts,
            self.aborted,
        )

    def _people_max(self) -> int:
        """More than can come: a fault may take a minute until somebody is acknowledged again."""
        seconds = self.plan.minutes * 60 + sum(20 + one.seconds for one in self.plan.faults)
        return int(seconds * self.plan.people_a_second) + 100

    async def _play(self, written: History, right: Mapping[str, str]) -> None:
        urls: dict[str, list[str]] = {}
        for part in self.rig.services.parts:
            if part.role != "worker":
                urls.setdefault(part.service, []).append(self.rig.services.url(part.name))
        outside = Outside(self.rig.stack.kafka_connection, written)
        async with people.client() as http:
            everybody = People(http, urls, written, right, self.rig.services.apis.organiser_key)
            coming = asyncio.create_task(self._come(everybody, outside), name="people")
            try:
                await self._break(written)
            finally:
                self._over.set()
                await coming
                await asyncio.to_thread(outside.flush)

    async def _operate(self) -> None:
        """What an operator does whom KepuConsumerStuck wakes: docs/runbooks/KepuConsumerStuck.md"""
        while True:
            await asyncio.sleep(OPERATOR_SECONDS)
            kafka = self.rig.stack.kafka_connection
            try:
                hanging = [one for one in await find(kafka, [COMMANDS]) if one.hangs]
                await end(kafka, hanging)
            except Unavailable:
                continue
            for one in hanging:
                self.aborted += 1
                place = f"{one.topic}/{one.partition}/{one.first_offset}"
                self.say(f"an operator aborted a transaction at {place}")

    async def _come(self, everybody: People, outside: Outside) -> None:
        places = asyncio.Semaphore(people.UNDER_WAY_MAX)
        async with asyncio.TaskGroup() as group:
            number = 0
            while not self._over.is_set() and number < self._people_max():
                await places.acquire()
                task = group.create_task(everybody.one(number))
                task.add_done_callback(lambda _: places.release())
                if number % COMMAND_EVERY == 0:
                    outside.command(number, session_of_command(number))
                if number % POISON_EVERY == 0:
                    outside.poison(number)
                if number % ABORT_EVERY == 0:
                    group.create_task(asyncio.to_thread(outside.abort, HALL))
                outside.poll()
                number += 1
                await asyncio.sleep(1 / self.plan.people_a_second)

    async def _break(self, written: History) -> None:
        until = time.monotonic() + self.plan.minutes * 60
        await self._alive_again(written)
        for number, fault in enumerate(self.plan.faults, 1):
            self.say(f"{number}/{len(self.plan.faults)} {fault}")
            suffered = await carry_out(self.rig, fault)
            suffered = replace(suffered, recovered_seconds=await self._alive_again(written))
            self.suffered.append(suffered)
            await asyncio.sleep(self.plan.pause_seconds)
        await asyncio.sleep(max(0.0, until - time.monotonic()))

    async def _alive_again(self, written: History) -> float | None:
        """Wait until people are acknowledged again; after how many seconds, None: they were not."""
        before = dict(written.counts)
        began = time.monotonic()
        while (seconds := time.monotonic() - began) < RECOVERED_SECONDS_MAX:
            if all(written.counts[kind, "ok"] >= before.get((kind, "ok"), 0) + SIGNS_MIN for kind in SIGNS):
                return seconds
            await asyncio.sleep(LOOK_SECONDS)
        return None

    async def _look(self, ledger: Path) -> tuple[list[Check], Audit]:
        services = {part.service for part in self.rig.services.parts}
        groups = {group for group in GROUPS if group.split("-")[0] in services}
        async with connected(self.rig.stack.mongo) as databases:
            await wait_until_settled(
                self.rig.stack.kafka_connection,
                databases,
                groups=groups,
                seconds=self.plan.settled_seconds_max,
            )
            names = [name for name in SERVICES if name in services] if self.plan.audits else ()
            audited = await audit(self.rig.services.deployment, databases, ledger, names)
        missed = [str(one.fault) for one in self.suffered if one.missed]
        silent = [str(one.fault) for one in self.suffered if one.recovered_seconds is None]
        return [
            Check("every fault happened", len(self.suffered), len(self.suffered), wrong=missed),
            Check(
                f"within {RECOVERED_SECONDS_MAX:.0f} s of each fault people are acknowledged again",
                len(self.suffered),
                len(self.suffered),
                wrong=silent,
            ),
        ], audited


def ledger_of(operations: Sequence[Operation], file: Path) -> Path:
    """The acknowledgements of a history as promises, for the audit."""
    ledger = Ledger(file)
    for one in operations:
        if one.outcome != "ok":
            continue
        match one.kind:
            case "book":
                ledger.note("registered", one.told["registration_id"], one.told["status"])
            case "cancel":
                ledger.note("cancelled", one.asked["registration_id"])
            case "save":
                ledger.note("saved", one.asked["attempt_id"], str(one.told["revision"]))
            case "submit":
                ledger.note("submitted", one.told["receipt_id"], one.asked["attempt_id"])
    return file
