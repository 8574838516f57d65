"""
The one way to run work in the background of a process.

A `Loop` calls a turn again and again. A turn that fails is counted, shown by the health check, and tried
again with back-off as long as the process runs. No error ends the loop. Within a turn, `each` works on many
items. If one item fails, the others go on.
"""

import asyncio
import logging
import random
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from shared.runtime import metrics
from shared.runtime.declared import OTHER
from shared.runtime.errors import KepuError, Rejected, TookTooLong, Unavailable

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
RETRY_SECONDS_MAX = 30.0
DOUBLINGS_MAX = 10
TURN_SECONDS_MAX = 60.0
# If so many items fail and none is done, the cause is probably not an item, and /health has to show it.
# Fewer must not make a process unhealthy that serves everybody else.
FAILING_MIN = 5

Item = TypeVar("Item")
Turn = Callable[[], Awaitable[float]]
"""Does the work that there is now. Returns how many seconds to rest before the next turn."""


def backoff_seconds(failures: int, first: float = RETRY_SECONDS, longest: float = RETRY_SECONDS_MAX) -> float:
    """
    How long to wait after this number of failures in a row (from 1): doubling, limited, jittered by half.
    """
    whole: float = min(longest, first * 2.0 ** min(failures - 1, DOUBLINGS_MAX))
    return whole * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)


class Loop:
    """
    Turns of one kind of work, until the end of the process.

    Args:
        name: constant; the metrics' label.
        turn_seconds_max: health says so when one turn takes longer.
        stop_seconds_max: at the end, a turn in progress is cancelled after this time.
        codes: of items that fail, for the metric. Other codes count as "other".
    """

    def __init__(
        self,
        name: str,
        turn: Turn,
        *,
        retry_seconds: float = RETRY_SECONDS,
        retry_seconds_max: float = RETRY_SECONDS_MAX,
        turn_seconds_max: float = TURN_SECONDS_MAX,
        stop_seconds_max: float = 0.0,
        codes: Iterable[str] = (),
    ) -> None:
        self.name = name
        self._turn = turn
        self._retry_seconds = retry_seconds
        self._retry_seconds_max = retry_seconds_max
        self._turn_seconds_max = turn_seconds_max
        self._stop_seconds_max = stop_seconds_max
        self._awake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._turn_began: float | None = None
        self._fault: str | None = None
        self.stopping = False
        # The counters start at 0. So Prometheus sees the first failure as an increase.
        metrics.LOOP_FAILURES.begin([name])
        metrics.ITEMS_FAILED.begin([name], [*codes, OTHER])
        metrics.LOOP_WORKING.begin([name])
        self._failures = metrics.LOOP_FAILURES.labels(name)
        metrics.LOOP_WORKING.labels(name).set(1)

    def wake(self) -> None:
        """End the pause: there is something to do."""
        self._awake.set()

    async def check(self) -> str | None:
        """A health check: the loop's problem, or None."""
        if self._running is not None and self._running.done() and not self.stopping:
            return "ended"
        if self._turn_began is not None:
            seconds = time.monotonic() - self._turn_began
            if seconds > self._turn_seconds_max:
                return f"one turn has taken {seconds:.0f} s"
        return self._fault

    async def run(self) -> None:
        """Take turns until stopped or cancelled."""
        failures = 0
        while not self.stopping:
            self._awake.clear()
            self._turn_began = time.monotonic()
            try:
                rest_seconds = await self._turn()
            except Exception as error:  # noqa: BLE001 (counted, shown by health and log, and tried again)
                failures += 1
                self._failed(error, failures)
                rest_seconds = backoff_seconds(failures, self._retry_seconds, self._retry_seconds_max)
                self._turn_began = None
                await asyncio.sleep(rest_seconds)
                continue
            finally:
                self._turn_began = None
            if failures:
                log.info("background work goes on", extra={"loop": self.name, "failures": failures})
                failures, self._fault = 0, None
                metrics.LOOP_WORKING.labels(self.name).set(1)
            if rest_seconds > 0 and not self.stopping:
                with suppress(TimeoutError):
                    async with asyncio.timeout(rest_seconds):
                        await self._awake.wait()
            else:
                # Always let other tasks run once.
                await asyncio.sleep(0)

    def _failed(self, error: Exception, failures: int) -> None:
        self._failures.inc()
        metrics.LOOP_WORKING.labels(self.name).set(0)
        # For other libraries' errors only the type: anybody may read /health, and their text may
        # contain personal data.
        self._fault = error.message if isinstance(error, Unavailable) else type(error).__name__
        if failures == 1:
            log.warning(
                "background work failed; it is tried again",
                extra={"loop": self.name, "reason": self._fault, "at": place_of(error)},
            )

    def begin(self) -> None:
        """Begin to take turns."""
        self._running = asyncio.create_task(self.run(), name=self.name)

    async def end(self) -> None:
        """Let the turn in progress finish within its limit, and end."""
        self.stopping = True
        self.wake()
        if self._running is None:
            return
        if self._stop_seconds_max and self._turn_began is not None:
            await asyncio.wait([self._running], timeout=self._stop_seconds_max)
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running


@asynccontextmanager
async def looping(*loops: Loop) -> AsyncIterator[None]:
    """Run these loops until the end of the block."""
    for loop in loops:
        loop.begin()
    try:
        yield
    finally:
        await asyncio.gather(*[loop.end() for loop in loops])


async def each(
    loop: str,
    items: Iterable[Item],
    work: Callable[[Item], Awaitable[object]],
    *,
    aside: Callable[[Item, str], Awaitable[object]] | None = None,
) -> int:
    """
    Do `work` for each item. If one fails, the others go on.

    Args:
        loop: the name of the loop, for metric and log.
        aside: puts an item that failed aside, with a stable code, so that it is not tried at every turn.

    Returns: how many failed. An item that takes too long has failed too: it says nothing about the servers.
    Raises:
        Unavailable: a server is away. The items that are left were not tried.
    """
    failed = 0
    for item in items:
        try:
            await work(item)
        except Exception as error:
            # One item's fault is counted and put aside.
            if isinstance(error, Unavailable) and not isinstance(error, TookTooLong):
                raise
            failed += 1
            code = error.code if isinstance(error, Rejected) else type(error).__name__
            metrics.ITEMS_FAILED.labels(loop, code).inc()
            log.warning(
                "an item failed; the others go on",
                extra={"loop": loop, "reason": code, "at": place_of(error)},
            )
            if aside is not None:
                await aside(item, code)
    return failed


def place_of(error: BaseException) -> str:
    """The function and line that raised an error. Its text is added only if the error is ours."""
    frames = traceback.extract_tb(error.__traceback__)
    message = f": {error.message}" if isinstance(error, KepuError) else ""
    return f"{frames[-1].name}:{frames[-1].lineno}{message}" if frames else message
