"""
Give a batch to the handler: try again with back-off, then split it in halves until only the failing event is
left.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from shared.messaging.buried import Buried
from shared.messaging.dead_letters import named
from shared.messaging.policy import BURIED, CONTENT_ERRORS, HANDLER_FAILED, ConsumerPolicy
from shared.messaging.publisher import Publisher
from shared.messaging.received import Batch, Dead, Received, Subscription
from shared.runtime import metrics
from shared.runtime.background import backoff_seconds
from shared.runtime.errors import Rejected, Unavailable

log = logging.getLogger(__name__)

# Why a batch is tried again; the metric's label.
RETRY_REASONS = ("unavailable", "failed")


T = TypeVar("T")


class HandlerFails(Exception):
    """Our own handler fails on too many events, so the error must be in the handler."""


class _Blocked(Exception):
    """A server that the handler needs has been away for a while."""


class Settling:
    """Gives the batches of one group to its handler, in this process."""

    def __init__(
        self, subscription: Subscription, publisher: Publisher, policy: ConsumerPolicy, buried: Buried
    ) -> None:
        self.outage: str | None = None
        self._buried = buried
        self._group = subscription.group
        self._handle = subscription.handle
        self._publisher = publisher
        self._policy = policy
        # For each of the last events that were not rejected: True if our handler failed on it.
        self._recent: deque[bool] = deque(maxlen=policy.failed_window)
        # When the records to be buried were looked up, or the batch began.
        self._looked_at = 0.0
        # Events of the current batch: handled, and those on which the handler failed.
        self._good = self._failed = 0

    async def settle(self, events: Sequence[Received[Any]]) -> list[Dead]:
        """
        Give the events to the handler, and publish the events that follow from them.

        Returns: the records to be dead-lettered.
        Raises:
            HandlerFails: the handler failed on too many. No event of the batch counts as handled.
        """
        dead: list[Dead] = []
        while events:
            self._good = self._failed = 0
            self._looked_at = time.monotonic()
            try:
                return dead + await self._settle(events, self._policy.tries_max)
            except (HandlerFails, _Blocked) as why:
                buried = await self._buried.among(self._group, events)
                if isinstance(why, HandlerFails) and not buried:
                    raise
                dead += [Dead(events[index].record, _buried()) for index in sorted(buried)]
                events = [event for index, event in enumerate(events) if index not in buried]
                if buried:
                    self._recent.clear()
        return dead

    async def _settle(self, events: Sequence[Received[Any]], tries: int) -> list[Dead]:
        failed: Exception | None = None
        attempt = 0
        while attempt < tries:
            batch = Batch(events)
            try:
                following = await self._handle(batch)
                await self._publisher.publish(following)
            except Unavailable as error:
                # An outage is not the fault of a record. Wait until it ends.
                await self._wait_out(error)
                if time.monotonic() - self._looked_at > self._policy.blocked_seconds:
                    raise _Blocked from error
            except Rejected as error:
                failed = error.with_traceback(None)
                break
            except CONTENT_ERRORS as error:
                # Another try would raise the same error.
                reason = f"a value cannot be stored: {type(error).__name__}"
                failed = Rejected(reason, code=HANDLER_FAILED)
                if tries == self._policy.tries_max:
                    # Log it once for the whole batch, not again for each half.
                    self._log_failure(error, attempt + 1, events)
                break
            except Exception as error:  # noqa: BLE001 (counted, logged, tried again, and given up in the end)
                attempt += 1
                await self._after_failure(error, attempt, events)
                # Remove the traceback. It would keep this stack frame, and the batch, in memory.
                failed = error.with_traceback(None)
            else:
                self.outage = None
                # A rejected event says nothing about the handler, so it is neither a success nor a failure.
                good = len(events) - len(batch.rejected)
                self._good += good
                self._recent.extend([False] * good)
                return batch.rejected
        if len(events) == 1:
            return [Dead.of(events[0].record, self._given_up(failed, tries))]
        middle = len(events) // 2
        dead = await self._settle(events[:middle], self._policy.half_tries_max)
        return dead + await self._settle(events[middle:], self._policy.half_tries_max)

    def _given_up(self, failed: Exception | None, tries: int) -> Rejected:
        """
        The reason why this event becomes a dead letter.

        Raises:
            HandlerFails: the error is in the handler, not in this event.
        """
        if isinstance(failed, Rejected):
            # Somebody sent a wrong event, and our handler noticed it. So the event is not counted: wrong
            # events never stop the consumer, and many wrong events do not hide that the handler fails on good
            # ones.
            return failed
        self._failed += 1
        self._recent.append(True)
        # The first total stops the consumer early in a large batch, the second one over many small batches.
        for failures, of in (
            (self._failed, self._failed + self._good),
            (sum(self._recent), len(self._recent)),
        ):
            if failures >= self._policy.failed_max and failures > self._policy.failed_ratio_max * of:
                raise HandlerFails(
                    f"the handler failed on {failures} of {of} events, on the last by {type(failed).__name__}"
                )
        return Rejected(f"failed {tries} times: {type(failed).__name__}", code=HANDLER_FAILED)

    async def _after_failure(self, error: Exception, attempt: int, events: Sequence[Received[Any]]) -> None:
        metrics.RETRIES.labels(self._group, "failed").inc()
        self._log_failure(error, attempt, events)
        await self._back_off(attempt)

    def _log_failure(self, error: Exception, attempt: int, events: Sequence[Received[Any]]) -> None:
        first = named(events[0].record)
        log.warning(
            "batch failed",
            exc_info=error,
            extra={"group": self._group, "attempt": attempt, "events": len(events), **first},
        )

    async def until_available(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` returns. If a server is away, do it again until the server is back."""
        while True:
            try:
                done = await work()
            except Unavailable as error:
                await self._wait_out(error)
            else:
                self.outage = None
                return done

    async def _wait_out(self, error: Unavailable) -> None:
        if self.outage is None:
            log.warning("waiting for a server", extra={"group": self._group, "reason": error.message})
        self.outage = error.message
        metrics.RETRIES.labels(self._group, "unavailable").inc()
        await self._back_off(self._policy.tries_max)

    async def _back_off(self, failures: int) -> None:
        policy = self._policy
        await asyncio.sleep(backoff_seconds(failures, policy.retry_seconds, policy.retry_seconds_max))


def _buried() -> Rejected:
    return Rejected("operators have named it to be left alone", code=BURIED)
