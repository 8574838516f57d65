"""
Upkeep in the background: fails mails and SMS whose time is over, measures how long they wait, and deletes old
messages.

It works on the collection `messages` for the rooms `messages` and `sending`, and stands in the room above
them, which also shows organisers what it finds.
"""

from services.notifications.messages.store import MessageStore
from services.notifications.sending.budget import Budget
from services.notifications.sending.store import EXPIRED_PER_CALL_MAX, Queue
from shared.runtime import clock, metrics
from shared.runtime.background import Loop
from shared.runtime.measurement import Measurement

# A walk over a million messages takes about three hours and costs almost nothing.
TURN_SECONDS = 10.0
# A queue that was not measured for so long has an unknown length.
MEASURED_SECONDS = 60.0


class Upkeep:
    """
    One turn fails mails and SMS whose time is over, measures the queues and reads one slice of messages.

    MongoDB keeps deleted index entries for some time. A search for expired mails reads the entries of mails
    that were sent a moment ago too, so it is slow. The courier has several turns a second, so it does not do
    this search.

    Args:
        mails, sms: the queues. The queue of SMS may have SMS also when the gateway was taken away.
        budget: the budget of SMS; None if there is no gateway.
    """

    def __init__(
        self, messages: MessageStore, mails: Queue, sms: Queue, budget: Budget | None = None
    ) -> None:
        self._messages = messages
        self._queues = [
            (
                queue,
                Measurement(due, seconds_max=MEASURED_SECONDS),
                Measurement(oldest_age, seconds_max=MEASURED_SECONDS),
            )
            for queue, due, oldest_age in (
                (mails, metrics.MAILS_DUE, metrics.MAILS_OLDEST_AGE),
                (sms, metrics.SMS_DUE, metrics.SMS_OLDEST_AGE),
            )
        ]
        self._budget = budget
        self._after: str | None = None
        self.loop = Loop("upkeep", self.turn)

    async def turn(self) -> float:
        """
        Fail messages whose time is over, measure the queues, and delete old messages once.

        Returns: how long to rest, in seconds.
        """
        now = clock.now()
        for queue, waiting, oldest_age in self._queues:
            while await queue.expire(now) == EXPIRED_PER_CALL_MAX:
                pass
            due, since = await queue.length(now)
            waiting.set(due)
            oldest_age.set((now - since).total_seconds() if since else 0)
        if self._budget is not None:
            metrics.SMS_BUDGET_LEFT.set(await self._budget.left(now))
        self._after = await self._messages.delete_old(self._after or "", now)
        return TURN_SECONDS
