"""
Kills processes in the middle of a week: every service, Kafka and MongoDB, with SIGKILL.

In a cluster it kills the node that leads: of Kafka, most partitions of `quiz.submitted`; of MongoDB, the
primary. Each victim is started again after a moment. Then the audit checks that everything that was
acknowledged before, during and after the kills is still there.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ops.audit.log import Log
from ops.deployment.client import connected
from ops.deployment.ledger import LEDGER_FILE, Ledger
from ops.failover.gaps import longest_gap
from ops.failover.leaders import leading_broker, primary
from ops.failover.stream import QUIZ_ID, Stream, pieces_of
from ops.local.services import WEEK, Services
from ops.week import files, load
from shared.contracts.events import QuizCompleted
from shared.messaging.create_topics import GROWS, add_partitions
from shared.runtime import clock

KAFKA, MONGO = "kafka", "mongo"
VICTIMS: tuple[str, ...] = (*(part.name for part in WEEK), KAFKA, MONGO)


@dataclass(frozen=True, slots=True)
class Chaos:
    """
    Kills one victim after another.

    Args:
        pause_seconds: from the return of a victim to the next kill.
        down_seconds: how long a victim stays down.
    """

    services: Services
    say: Callable[[str], None]
    pause_seconds: float = 3.0
    down_seconds: float = 0.5
    # Who was killed, and when.
    killed: list[tuple[str, float]] = field(default_factory=list)

    async def run(self, victims: Sequence[str] = VICTIMS) -> None:
        """
        Kill each in turn and start it again.

        Raises:
            StackError: Kafka or MongoDB does not come back.
        """
        for victim in victims:
            await asyncio.sleep(self.pause_seconds)
            name = await self._who(victim)
            self.say(f"kill -9 {name}")
            owner = self.services.stack if victim in (KAFKA, MONGO) else self.services
            self.killed.append((name, time.time()))
            await asyncio.to_thread(owner.kill, name)
            await asyncio.sleep(self.down_seconds)
            await asyncio.to_thread(owner.start, name)
            self.say(f"{name} is back")

    async def _who(self, victim: str) -> str:
        """The process to kill: in a cluster the node that leads."""
        stack = self.services.stack
        if victim == KAFKA and len(stack.nodes(KAFKA)) > 1:
            return await leading_broker(stack)
        if victim == MONGO and len(stack.nodes(MONGO)) > 1:
            return await primary(stack)
        return victim


@dataclass(slots=True)
class Timed:
    """Kills under a steady load, whose acknowledgements and results are timed."""

    killing: Chaos
    victims: Sequence[str]
    _stream: Stream = field(init=False)

    async def run(self) -> None:
        """
        Kill while people come at a steady rate, and go on for the time of a pause after it. Before the first
        kill `quiz.submitted` gets twice as many partitions.

        Raises:
            UnexpectedAnswer: a service answered what it must not, or not at all for too long.
        """
        services, over = self.killing.services, asyncio.Event()
        for piece in pieces_of(files.from_tomorrow(files.read(), clock.now())):
            await asyncio.to_thread(load.put, piece, services.apis)
        async with connected(services.apis, Ledger(services.home / LEDGER_FILE)) as client:
            self._stream = Stream(client)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._stream.run(over))
                try:
                    # Also while nodes die: the first submission of an attempt counts.
                    await add_partitions(services.stack.kafka, GROWS.name, 2 * GROWS.partitions)
                    await self.killing.run(self.victims)
                    await asyncio.sleep(self.killing.pause_seconds)
                finally:
                    over.set()

    def gaps(self, log: Log) -> Iterator[str]:
        """After each kill, the longest times without an acknowledgement or a result, in words."""
        graded = [
            entry.time_ms / 1000
            for entry in log.records(QuizCompleted.topic)
            if entry.text("quiz_id") == QUIZ_ID
        ]
        moments = {**self._stream.acknowledged, "graded": graded}
        counted = ", ".join(f"{len(of_kind)} {kind}" for kind, of_kind in moments.items())
        yield f"Of the steady load: {counted}"
        new = sum(entry.partition >= GROWS.partitions for entry in log.records(GROWS.name))
        yield f"{GROWS.name} got more partitions, and {new} records are in the new ones"
        killed = self.killing.killed
        ends = [*(at for _, at in killed[1:]), self._stream.until]
        for (name, at), end in zip(killed, ends, strict=True):
            gaps = (f"{kind} {longest_gap(some, at, end):.1f} s" for kind, some in moments.items())
            yield f"longest gap after kill -9 {name}: {', '.join(gaps)}"
