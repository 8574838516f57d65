"""Upkeep in the background: shows how long mails wait, and deletes old messages."""

from services.notifications.mail.store import MailQueue
from services.notifications.messages.store import MessageStore
from shared.runtime import clock, metrics
from shared.runtime.background import Loop

# A walk over a million messages takes about three hours and costs almost nothing.
TURN_SECONDS = 10.0


class Upkeep:
    """One turn measures the queue and reads one slice of messages."""

    def __init__(self, messages: MessageStore, queue: MailQueue) -> None:
        self._messages = messages
        self._queue = queue
        self._after: str | None = None
        self.loop = Loop("upkeep", self.turn)

    async def turn(self) -> float:
        """
        Measure the queue and delete old messages once.

        Returns: how long to rest, in seconds.
        """
        now = clock.now()
        due, since = await self._queue.length(now)
        metrics.MAILS_DUE.set(due)
        metrics.MAILS_OLDEST_AGE.set((now - since).total_seconds() if since else 0)
        self._after = await self._messages.delete_old(self._after or "", now)
        return TURN_SECONDS
