"""
The loop that sends: each endpoint has a lane of its own, so a slow or dead one delays no other.

A delivery is claimed, posted and marked. If the process dies between the post and the mark, the claim ends,
and any process sends the delivery again, with the same `webhook-id`: at least once.

The sender disables an endpoint that is gone or has failed for days. The handler of events disables a failing
one whose backlog is full (deliveries/handlers.py).
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.webhooks.deliveries.metrics import begin, count
from services.webhooks.deliveries.rules import BODY_GONE, Claimed, State, Tried
from services.webhooks.deliveries.store import DeliveryStore
from services.webhooks.endpoints.rules import Disabled, Endpoint
from services.webhooks.endpoints.store import EndpointStore
from services.webhooks.sending.attempt import Attempts
from services.webhooks.sending.post import PER_ENDPOINT_MAX, POST_SECONDS_MAX
from services.webhooks.sending.rules import Answer, next_try
from shared.runtime import clock
from shared.runtime.background import Loop, backoff_seconds, place_of
from shared.runtime.errors import Unavailable

log = logging.getLogger(__name__)

NAME = "webhooks"
POLL_SECONDS = 1.0
# What is known of endpoints is read again after this time.
KNOWN_SECONDS = 1.0
# How long an outage of the database may last until the mark of a delivery that was sent is given up.
MARK_SECONDS_MAX = 30.0
MARK_PAUSE_SECONDS = 0.2
MARK_PAUSE_SECONDS_MAX = 5.0
# A delivery is posted and marked before its claim ends, unless the process stands still.
LEASE_SECONDS = 2 * (POST_SECONDS_MAX + MARK_SECONDS_MAX)
STOP_SECONDS_MAX = POST_SECONDS_MAX + 5.0
# The pause of an endpoint that does not work: it doubles, and one delivery tries it after each.
PAUSE_SECONDS = 1.0
PAUSE_SECONDS_MAX = 60.0


@dataclass(slots=True)
class Lane:
    """
    The way to one endpoint.

    Attributes:
        under_way: deliveries that are being sent by this process.
        failures: in a row, of the endpoint and not of single deliveries.
        paused_until: nothing is begun before; by the clock that never goes back.
        idle_until: nothing was due at the last look, so nobody looks before.
    """

    under_way: int = 0
    failures: int = 0
    paused_until: float = 0.0
    idle_until: float = 0.0

    def room(self, at: float) -> int:
        """How many deliveries may begin now. An endpoint that does not work is tried by one at a time."""
        if at < max(self.paused_until, self.idle_until):
            return 0
        most = 1 if self.failures else PER_ENDPOINT_MAX
        return max(0, most - self.under_way)

    def ended(self, answer: Answer, at: float) -> None:
        """Learn from an answer."""
        if answer.is_alive:
            self.failures = 0
        else:
            self.failures += 1
            pause = backoff_seconds(self.failures, PAUSE_SECONDS, PAUSE_SECONDS_MAX)
            self.paused_until = max(self.paused_until, at + pause)
        if answer.pause_seconds:
            self.paused_until = max(self.paused_until, at + answer.pause_seconds)


class Sender:
    """Sends what is due. Any number of senders may work on the same database."""

    def __init__(
        self,
        endpoints: EndpointStore,
        deliveries: DeliveryStore,
        attempts: Attempts,
        *,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._attempts = attempts
        self._lease = timedelta(seconds=lease_seconds)
        self._known: list[Endpoint] = []
        self._known_until = 0.0
        self._lanes: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: list[BaseException] = []
        self.loop = Loop(NAME, self.turn, stop_seconds_max=STOP_SECONDS_MAX)

    async def turn(self) -> float:
        """
        Begin to send what is due, as much as there is room for in each lane; do not wait for its end.

        Returns: how long to rest, in seconds.
        Raises:
            Unavailable: the database does not answer.
        """
        if self._failed:
            failed, self._failed = self._failed, []
            raise failed[0]
        if time.monotonic() >= self._known_until:
            await self._read_endpoints()
        began = 0
        for endpoint in self._known:
            lane = self._lanes.setdefault(endpoint.key, Lane())
            if room := lane.room(time.monotonic()):
                claim, claimed = await self._deliveries.claim(endpoint.key, clock.now(), room, self._lease)
                for one in claimed:
                    self._begin(endpoint, lane, claim, one)
                if not claimed:
                    lane.idle_until = time.monotonic() + POLL_SECONDS
                began += len(claimed)
        return 0.0 if began else POLL_SECONDS

    def wake(self) -> None:
        """Look at all endpoints again now: there may be something to send."""
        for lane in self._lanes.values():
            lane.idle_until = 0.0
        self.loop.wake()

    async def _read_endpoints(self) -> None:
        self._known = await self._endpoints.enabled()
        self._known_until = time.monotonic() + KNOWN_SECONDS
        begin(one.endpoint_id for one in self._known)
        keys = {one.key for one in self._known}
        self._lanes = {key: lane for key, lane in self._lanes.items() if key in keys or lane.under_way}

    async def aclose(self) -> None:
        """Finish the deliveries that are being sent. What is left is sent again when its claim ends."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_SECONDS_MAX)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, endpoint: Endpoint, lane: Lane, claim: str, one: Claimed) -> None:
        lane.under_way += 1
        task = asyncio.create_task(self._send(endpoint, lane, claim, one), name=NAME)
        self._tasks.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            lane.under_way -= 1
            if not done.cancelled() and (error := done.exception()) is not None:
                self._failed.append(error)
            self.loop.wake()

        task.add_done_callback(ended)

    async def _send(self, endpoint: Endpoint, lane: Lane, claim: str, one: Claimed) -> None:
        content = await self._deliveries.content_of(one.message_id)
        if content is None:
            gone = Tried(clock.now(), None, BODY_GONE, 0)
            await self._deliveries.mark(claim, one, gone, "cancelled", clock.now())
            count(endpoint.endpoint_id, "cancelled")
            return
        began_at = clock.now()
        answer = await self._answer_of(endpoint, one, content, began_at)
        lane.ended(answer, time.monotonic())
        await self._mark(
            endpoint, claim, one, answer, Tried(began_at, answer.status, answer.failure, answer.milliseconds)
        )

    async def _answer_of(self, endpoint: Endpoint, one: Claimed, body: bytes, now: datetime) -> Answer:
        try:
            return await self._attempts.attempt(endpoint, one.message_id, body, now)
        except Exception as error:  # noqa: BLE001 (logged, and marked as a failure of this delivery)
            # What one endpoint answers must not stop the others. Only the error's type and place are logged:
            # its text may contain what the endpoint has answered.
            log.warning(
                "a try ended with an unexpected error",
                extra={
                    "endpoint": endpoint.endpoint_id,
                    "reason": type(error).__name__,
                    "at": place_of(error),
                },
            )
            return Answer(None, "unexpected")

    async def _mark(self, endpoint: Endpoint, claim: str, one: Claimed, answer: Answer, tried: Tried) -> None:
        """
        Mark a delivery and its endpoint.

        In a short outage of the database it tries again, since an unmarked delivery is sent again.
        """
        deadline = time.monotonic() + MARK_SECONDS_MAX
        failures = 0
        while not await self._marked(endpoint, claim, one, answer, tried, deadline):
            failures += 1
            await asyncio.sleep(backoff_seconds(failures, MARK_PAUSE_SECONDS, MARK_PAUSE_SECONDS_MAX))

    async def _marked(
        self,
        endpoint: Endpoint,
        claim: str,
        one: Claimed,
        answer: Answer,
        tried: Tried,
        deadline: float,
    ) -> bool:
        try:
            await self._mark_once(endpoint, claim, one, answer, tried)
        except Unavailable:
            if time.monotonic() > deadline or self.loop.stopping:
                raise
            return False
        return True

    async def _mark_once(
        self, endpoint: Endpoint, claim: str, one: Claimed, answer: Answer, tried: Tried
    ) -> None:
        now = clock.now()
        # The endpoint first: this may be done twice, if the mark fails.
        if answer.failure is None:
            await self._endpoints.note_delivered(endpoint, now)
            marked = await self._deliveries.mark(claim, one, tried, "delivered", now)
        else:
            await self._endpoints.note_failed(endpoint.key, now)
            await self._disable(endpoint, answer, now)
            due_at = next_try(one.attempts, answer, now)
            state: State = "pending" if due_at else "failed"
            marked = await self._deliveries.mark(claim, one, tried, state, now, due_at)
        if marked:
            outcome = "delivered" if answer.failure is None else "deferred" if due_at else "failed"
            count(endpoint.endpoint_id, outcome)
        else:
            log.warning("a claim had ended before it was marked", extra={"endpoint": endpoint.endpoint_id})

    async def _disable(self, endpoint: Endpoint, answer: Answer, now: datetime) -> None:
        """Disable an endpoint that says that it is gone, or has failed for days."""
        why: Disabled = "gone" if answer.failure == "gone" else "failing"
        if why == "failing" and not endpoint.is_given_up(now):
            return
        since = endpoint.failing_since if why == "failing" else None
        if await self._endpoints.disable(endpoint.key, why, now, failing_since=since):
            self._known_until = 0.0
            log.warning("an endpoint is disabled", extra={"endpoint": endpoint.endpoint_id, "reason": why})
