"""Upkeep in the background: mails whose time is over, how long mails wait, and old messages."""

from services.notifications.messages.store import MessageStore
from services.notifications.sending.store import EXPIRED_PER_CALL_MAX, MailQueue
from shared.runtime import clock, metrics
from shared.runtime.background import Loop

# A walk over a million messages takes about three hours and costs almost nothing.
TURN_SECONDS = 10.0


class Upkeep:
    """
    One turn fails mails whose time is over, measures the queue and reads one slice of messages.

    A look for mails whose time is over walks over the deleted entries of mails that were sent a moment ago.
    So the courier, which has several turns a second, does not look for them.
    """

    def __init__(self, messages: MessageStore, queue: MailQueue) -> None:
        self._messages = messages
        self._queue = queue
        self._after: str | None = None
        self.loop = Loop("upkeep", self.turn)

    async def turn(self) -> float:
        """
        Fail mails whose time is over, measure the queue, and delete old messages once.

        Returns: how long to rest, in seconds.
        """
        now = clock.now()
        while await self._queue.expire(now) == EXPIRED_PER_CALL_MAX:
            pass
        due, since = await self._queue.length(now)
        metrics.MAILS_DUE.set(due)
        metrics.MAILS_OLDEST_AGE.set((now - since).total_seconds() if since else 0)
        self._after = await self._messages.delete_old(self._after or "", now)
        return TURN_SECONDS
