"""
The courier of a channel: claims messages that are due, hands them to the channel's server, and marks what
became of them.

At least once: after a crash between handing over and marking, the message is sent again when its claim has
ended, with the same id (docs/decisions/0008-deliveries.md).

The courier of SMS works in the same way. What this module says of mails holds for SMS too.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Generic, TypeAlias

from services.notifications.messages.rules import MessageId, Outcome, RetryPolicy
from services.notifications.sending.channel import Connection, Item, ServerDown
from services.notifications.sending.compose import Composer
from services.notifications.sending.limits import Admission, Limits
from services.notifications.sending.metrics import begin_retries, count_retry
from services.notifications.sending.places import Places
from services.notifications.sending.rules import (
    NOT_TRIED,
    Claimed,
    Reply,
    never_marked,
    outcome_of,
)
from services.notifications.sending.send import SEND_SECONDS_MAX, Sent, send_all
from services.notifications.sending.store import PUT_BACK_SECONDS_MAX, Queue
from services.notifications.texts.policy import CODE_KIND
from shared.runtime import clock
from shared.runtime.background import Loop, backoff_seconds
from shared.runtime.errors import Unavailable
from shared.storage.mongo import TRANSACTION_SECONDS_MAX

log = logging.getLogger(__name__)

NAME = "courier"
STOP_SECONDS_MAX = 15.0
IDLE_SECONDS_MAX = 10.0
# How long a turn waits for the mails that it has begun. After this time the next turn begins beside it.
BEGUN_WAIT_SECONDS = 0.5
# How long a mail that was sent waits for its mark, at most, while other mails of its claim are being sent.
MARK_SECONDS = 0.5
# How long a mail waits that had to let others go before it (places.py): from, to.
CROWDED_SECONDS = (5.0, PUT_BACK_SECONDS_MAX)
# A code waits for a shorter time, because a person is waiting for it.
CODE_CROWDED_SECONDS = (0.5, 2.0)
# A mail begun at the last moment, half the lease, is handed over and marked before the lease ends (120 s).
LEASE_SECONDS_MIN = 2 * (SEND_SECONDS_MAX + TRANSACTION_SECONDS_MAX)

Outcomes: TypeAlias = list[tuple[Claimed, Outcome]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a courier does at a time."""

    claim_max: int = 300
    lease_seconds: float = LEASE_SECONDS_MIN
    poll_seconds: float = 1.0
    # The pause while the mail server is away. It doubles.
    pause_seconds: float = 1.0
    pause_seconds_max: float = 30.0
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)

    @property
    def sending_seconds_max(self) -> float:
        """No mail of a claim is begun after this time: it must be marked within the lease."""
        return self.lease_seconds / 2


class Courier(Generic[Item]):
    """
    Sends the messages of one channel and database. Any number of couriers may work on the same database.

    If the channel's server is away, the loop does not fail: inboxes still work, and restarting this service
    does not help. The log says so, `kepu_batch_retries_total` counts it, and `kepu_mails_due` and
    `kepu_sms_due` show the queues.

    Args:
        connections: to the channel's server; at most one message is under way on each.
    """

    def __init__(
        self,
        queue: Queue,
        composer: Composer[Item],
        connections: Sequence[Connection[Item]],
        limits: Limits[Item],
        pace: Pace,
        *,
        name: str = NAME,
    ) -> None:
        self._queue = queue
        self._composer = composer
        self._limits = limits
        self._pace = pace
        self._connections = connections
        self._places = Places(len(connections))
        self._free = list(self._connections)
        self._freed = asyncio.Event()
        self._deliveries: set[asyncio.Task[None]] = set()
        self._under_way: Counter[str] = Counter()
        self._outages = 0
        self._paused_until = 0.0
        self._busy_at = 0.0
        self.loop = Loop(name, self.turn, stop_seconds_max=STOP_SECONDS_MAX)
        begin_retries(name)

    async def turn(self) -> float:
        """
        Begin to send mails that are due, as many as one claim holds.

        The turn waits only a moment for their end. If the server is slow at a mail, the next turn uses the
        connections that are free.

        Returns: how long to rest, in seconds.
        Raises:
            Unavailable: the database does not answer.
        """
        try:
            self._raise_failures()
            return await self._begin_next()
        except ServerDown as error:
            return self._pause(error)

    async def aclose(self) -> None:
        """
        Finish the mails that are being sent, and close the connections to the mail server.

        The connections are opened again when there are mails.
        """
        if self._deliveries:
            _, late = await asyncio.wait(self._deliveries, timeout=STOP_SECONDS_MAX)
            for delivery in late:
                delivery.cancel()
            # The next turn would raise the failures of these deliveries. No turn follows, so drop them.
            await asyncio.gather(*self._deliveries, return_exceptions=True)
            self._deliveries.clear()
        await asyncio.gather(*[connection.close() for connection in self._connections])

    async def _begin_next(self) -> float:
        time = asyncio.get_running_loop().time()
        if time < self._paused_until:
            return self._paused_until - time
        if not self._free:
            await self._wait_for_a_connection()
            return 0.0
        # If a part of the connections is free, claim the same part of the mails.
        share = -(-self._pace.claim_max * len(self._free) // len(self._connections))
        only_codes = self._places.take_only_codes
        due = await self._queue.due(clock.now(), share, self._under_way, only_codes=only_codes)
        if not due and only_codes:
            await self._wait_for_a_connection()
            return 0.0
        if not due:
            if time - self._busy_at > IDLE_SECONDS_MAX and not self._deliveries:
                await self.aclose()
            return self._pace.poll_seconds
        self._busy_at = time
        # Open before claiming: a claim counts as a try, and a mail must not lose a try by an outage.
        await self._free[0].open()
        lease = timedelta(seconds=self._pace.lease_seconds)
        claim, claimed = await self._queue.claim([id_ for id_, _ in due], clock.now(), lease)
        self._under_way.update(one.message.participant_id for one in claimed)
        connections = [self._free.pop(0) for _ in range(min(len(claimed), len(self._free)))]
        delivery = asyncio.create_task(self._deliver(claim, claimed, connections), name=self.loop.name)
        self._deliveries.add(delivery)
        await asyncio.wait([delivery], timeout=BEGUN_WAIT_SECONDS)
        self._raise_failures()
        return 0.0

    async def _wait_for_a_connection(self) -> None:
        self._freed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(BEGUN_WAIT_SECONDS):
                await self._freed.wait()

    def _raise_failures(self) -> None:
        """Forget deliveries that have ended, and raise the failure of one that failed."""
        ended = {delivery for delivery in self._deliveries if delivery.done()}
        self._deliveries -= ended
        errors = [error for delivery in ended if (error := delivery.exception()) is not None]
        for error in sorted(errors, key=lambda error: isinstance(error, ServerDown)):
            raise error

    async def _deliver(
        self, claim: str, claimed: Sequence[Claimed], connections: Sequence[Connection[Item]]
    ) -> None:
        held = list(connections)

        def release(connection: Connection[Item]) -> None:
            # Only once: a task that is cancelled late may come here again.
            if connection in held:
                held.remove(connection)
                # Open connections come first.
                self._free.insert(0 if connection.is_open else len(self._free), connection)
                self._freed.set()

        open_ = {one.message.message_id: one for one in claimed}
        try:
            await self._deliver_over(held, release, claim, open_)
        finally:
            for connection in list(held):
                release(connection)
            self._forget(open_.values())

    async def _deliver_over(
        self,
        connections: Sequence[Connection[Item]],
        release: Callable[[Connection[Item]], None],
        claim: str,
        open_: dict[MessageId, Claimed],
    ) -> None:
        """Send the open mails. Each is taken out of `open_` when it is marked."""
        send_until = asyncio.get_running_loop().time() + self._pace.sending_seconds_max
        claimed = list(open_.values())
        try:
            admission = await self._compose(claimed)
        except Exception:
            # Nothing was sent: the claim is given back, and no mail loses a try.
            with suppress(Unavailable):
                await self._queue.mark(claim, [(one, NOT_TRIED) for one in claimed], clock.now())
            raise

        def may_go_on() -> bool:
            return not self.loop.stopping and asyncio.get_running_loop().time() < send_until

        items, outcomes = admission.items, admission.refused
        sent = Sent()
        wanted = list(connections)[: len(items)]
        for connection in list(connections)[len(items) :]:
            release(connection)
        sending = asyncio.create_task(send_all(wanted, items, may_go_on, sent, release, self._places))
        try:
            is_last = False
            while not is_last:
                # Ask before taking the replies, so that no later reply is missed.
                is_last = sending.done()
                replies = sent.take_replies()
                outcomes += [(one, self._outcome(one, reply)) for one, reply in replies]
                untried = sent.untried if is_last else []
                put_back = sent.take_put_back()
                outcomes += [(one, _put_back(one)) for one in put_back]
                outcomes += [(one, NOT_TRIED) for one in untried]
                await self._mark(claim, outcomes)
                self._forget([open_.pop(one.message.message_id) for one, _ in outcomes])
                outcomes = []
                # If the database goes away at this moment, these mails are marked but not counted.
                with suppress(Unavailable):
                    await self._limits.count_sent(admission, replies, [*put_back, *untried], self._queue)
                if not is_last:
                    await asyncio.wait([sending], timeout=MARK_SECONDS)
            await sending
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await self._limits.end(admission, [*sent.untried, *sent.put_back])
        if sent.down is not None:
            raise sent.down
        if self._outages:
            log.info("messages go out again", extra={"loop": self.loop.name})
        self._outages = 0

    def _forget(self, claimed: Iterable[Claimed]) -> None:
        """These mails are not under way any more."""
        self._under_way.subtract(one.message.participant_id for one in claimed)
        # Remove entries that are 0.
        self._under_way = +self._under_way

    async def _compose(self, claimed: Sequence[Claimed]) -> Admission[Item]:
        """
        The messages to send now, and the outcomes of the others.

        Codes come first. Then messages that were never tried, and the others in random order: so a message
        that closes connections, or blocks them for long, is not always in front.
        """
        outcomes: Outcomes = []
        due: list[Claimed] = []
        for one in sorted(claimed, key=_turn):
            if failure := never_marked(one, self._pace.retry_policy):
                outcomes.append((one, failure))
            else:
                due.append(one)
        composed = await self._composer.compose([one.message for one in due])
        items: list[tuple[Claimed, Item]] = []
        for one, result in zip(due, composed, strict=True):
            if isinstance(result, Outcome):
                outcomes.append((one, result))
            else:
                items.append((one, result))
        admission = await self._limits.admit(items, clock.now())
        admission.refused += outcomes
        return admission

    def _outcome(self, one: Claimed, reply: Reply) -> Outcome:
        policy = self._pace.retry_policy
        wait_seconds = backoff_seconds(one.attempts, policy.retry_seconds, policy.retry_seconds_max)
        retry_at = clock.to_milliseconds(clock.now() + timedelta(seconds=wait_seconds))
        return outcome_of(reply, retry_at, one.expires_at)

    async def _mark(self, claim: str, outcomes: Outcomes) -> None:
        failures = 0
        while outcomes:
            try:
                marked = await self._queue.mark(claim, outcomes, clock.now())
            except Unavailable:
                if self.loop.stopping:
                    raise
                # Try until it works: these mails are sent, and unmarked mails would be sent again.
                failures += 1
                count_retry(self.loop.name, "unavailable")
                await asyncio.sleep(
                    backoff_seconds(failures, self._pace.pause_seconds, self._pace.pause_seconds_max)
                )
            else:
                if marked < len(outcomes):
                    log.warning(
                        "claims had ended before they were marked", extra={"mails": len(outcomes) - marked}
                    )
                return

    def _pause(self, error: ServerDown) -> float:
        if self._outages == 0:
            log.warning("messages wait for a server", extra={"loop": self.loop.name, "reason": error.message})
        self._outages += 1
        count_retry(self.loop.name, "server_down")
        seconds = error.pause_seconds or backoff_seconds(
            self._outages, self._pace.pause_seconds, self._pace.pause_seconds_max
        )
        self._paused_until = asyncio.get_running_loop().time() + seconds
        return seconds


def _turn(one: Claimed) -> tuple[bool, int, float]:
    return one.message.kind != CODE_KIND, one.attempts, random.random()  # noqa: S311 (no secret)


def _put_back(one: Claimed) -> Outcome:
    # Otherwise the same messages would be claimed again at once, and keep others from being claimed.
    between = CODE_CROWDED_SECONDS if one.message.kind == CODE_KIND else CROWDED_SECONDS
    wait = timedelta(seconds=random.uniform(*between))  # noqa: S311 (no secret)
    return replace(NOT_TRIED, due_at=clock.to_milliseconds(clock.now() + wait))
