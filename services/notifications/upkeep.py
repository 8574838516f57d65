"""What notifications does beside its work: tells how long mails wait, and forgets old messages."""

from services.notifications.mail.store import MailQueue
from services.notifications.messages.store import MessageStore
from shared.runtime import clock, metrics
from shared.runtime.background import Loop

# A million messages are walked over in some three hours, which costs next to nothing.
TURN_SECONDS = 10.0


class Upkeep:
    """A turn looks at the queue and at one slice of messages."""

    def __init__(self, messages: MessageStore, queue: MailQueue) -> None:
        self._messages = messages
        self._queue = queue
        self._after: str | None = None
        self.loop = Loop("upkeep", self.turn)

    async def turn(self) -> float:
        """
        Look once.

        Returns: how long to rest, in seconds.
        """
        now = clock.now()
        due, since = await self._queue.length(now)
        metrics.MAILS_DUE.set(due)
        metrics.MAILS_OLDEST_AGE.set((now - since).total_seconds() if since else 0)
        self._after = await self._messages.forget(self._after or "", now)
        return TURN_SECONDS
