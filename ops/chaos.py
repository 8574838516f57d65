"""
Kills processes in the middle of a week: every service, Kafka and MongoDB, with SIGKILL.

Each victim is started again after a moment. Then the audit checks that everything that was acknowledged
before, during and after the kills is still there.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ops.local.services import WEEK, Services

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

    async def run(self, victims: Sequence[str] = VICTIMS) -> None:
        """
        Kill each in turn and start it again.

        Raises:
            StackError: Kafka or MongoDB does not come back.
        """
        for victim in victims:
            await asyncio.sleep(self.pause_seconds)
            self.say(f"kill -9 {victim}")
            await asyncio.to_thread(self._kill, victim)
            await asyncio.sleep(self.down_seconds)
            await asyncio.to_thread(self._bring_back, victim)
            self.say(f"{victim} is back")

    def _kill(self, victim: str) -> None:
        stack = self.services.stack
        kills = {KAFKA: stack.kill_kafka, MONGO: stack.kill_mongo}
        kills.get(victim, lambda: self.services.kill(victim))()

    def _bring_back(self, victim: str) -> None:
        stack = self.services.stack
        starts = {KAFKA: stack.start_kafka, MONGO: stack.start_mongo}
        starts.get(victim, lambda: self.services.start(victim))()
