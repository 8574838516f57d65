"""
The courier: mails that are due are claimed, handed to the mail server, and marked.

At least once: a crash between handing over and marking sends the mail again when its
claim has ended, with the same Message-ID (docs/decisions/0008-deliveries.md).
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from services.notifications.mail.compose import Postal
from services.notifications.mail.daily_cap import DailyCap, next_day
from services.notifications.mail.format import Mail
from services.notifications.mail.send import SEND_SECONDS_MAX, send_all
from services.notifications.mail.smtp import MailConnection, MailServer, MailServerDown, Reply
from services.notifications.mail.store import GIVEN_UP_AT_ONCE_MAX, Claimed, MailQueue
from services.notifications.messages.rules import Outcome, Patience, deferred
from shared.runtime import clock, metrics
from shared.runtime.background import Loop, backoff_seconds, looping
from shared.runtime.errors import Unavailable
from shared.storage.mongo import TRANSACTION_SECONDS_MAX

log = logging.getLogger(__name__)

NAME = "courier"
STOP_SECONDS_MAX = 15.0
IDLE_SECONDS_MAX = 10.0
# What is begun at half the lease, the last moment, is handed over and marked before the lease ends (120 s).
LEASE_SECONDS_MIN = 2 * (SEND_SECONDS_MAX + TRANSACTION_SECONDS_MAX)

Outcomes: TypeAlias = list[tuple[Claimed, Outcome]]
_NOT_TRIED = Outcome("pending", counted=False)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much the courier does at a time."""

    connections: int = 8
    claim_mails_max: int = 300
    lease_seconds: float = LEASE_SECONDS_MIN
    poll_seconds: float = 1.0
    # While a server is away.
    pause_seconds: float = 1.0
    pause_seconds_max: float = 30.0
    patience: Patience = field(default_factory=Patience)

    @property
    def sending_seconds_max(self) -> float:
        """No mail of a claim is begun after this long: what is begun must be marked within the lease."""
        return self.lease_seconds / 2


class Courier:
    """
    Delivers mails from one database, beside any number of others.

    A mail server that is away is no failure of the loop: inboxes work, and no restart of ours helps. The log
    tells of it, the metric of retries counts it, and the gauge of mails due shows what waits.
    """

    def __init__(
        self, queue: MailQueue, postal: Postal, server: MailServer, cap: DailyCap, pace: Pace
    ) -> None:
        self._queue = queue
        self._postal = postal
        self._cap = cap
        self._pace = pace
        self._connections = [MailConnection(server) for _ in range(pace.connections)]
        self._outages = 0
        self._paused_until = 0.0
        self._busy_at = 0.0
        self.loop = Loop(
            NAME,
            self.turn,
            # Longer than all the mails of a claim may take.
            turn_seconds_max=pace.lease_seconds,
            stop_seconds_max=STOP_SECONDS_MAX,
        )

    async def turn(self) -> float:
        """
        Give up what is overdue, and deliver what is due, as much as one claim holds.

        Returns: how long to rest, in seconds.
        Raises:
            Unavailable: the database does not answer.
        """
        while await self._queue.give_up(clock.now()) == GIVEN_UP_AT_ONCE_MAX:
            pass
        time = asyncio.get_running_loop().time()
        if time < self._paused_until:
            return self._paused_until - time
        ids = await self._queue.due(clock.now(), self._pace.claim_mails_max)
        if not ids:
            if time - self._busy_at > IDLE_SECONDS_MAX:
                await self.close()
            return self._pace.poll_seconds
        self._busy_at = time
        try:
            # Before anything is claimed: an outage must cost no mail a try.
            await self._connections[0].open()
            lease = timedelta(seconds=self._pace.lease_seconds)
            claim, claimed = await self._queue.claim(ids, clock.now(), lease)
            await self._deliver(claim, claimed)
        except MailServerDown as error:
            return self._pause(error)
        return 0.0

    async def close(self) -> None:
        """Take leave of the mail server, until there are mails again."""
        await asyncio.gather(*[connection.close() for connection in self._connections])

    async def _deliver(self, claim: str, claimed: Sequence[Claimed]) -> None:
        send_until = asyncio.get_running_loop().time() + self._pace.sending_seconds_max
        try:
            mails, outcomes = await self._make(claimed)
        except Exception:
            # Nothing was sent: the claim goes back, and no mail loses a try.
            with suppress(Unavailable):
                await self._queue.mark(claim, [(one, _NOT_TRIED) for one in claimed], clock.now())
            raise

        def may_go_on() -> bool:
            return not self.loop.stopping and asyncio.get_running_loop().time() < send_until

        sent = await send_all(self._connections, mails, may_go_on)
        outcomes += [(one, self._outcome(one, reply)) for one, reply in sent.replies]
        outcomes += [(one, _NOT_TRIED) for one in sent.untried]
        await self._mark(claim, outcomes)
        taken = {one.message.message_id for one, reply in sent.replies if reply.verdict == "taken"}
        addresses = [mail.address for one, mail in mails if one.message.message_id in taken]
        await self._cap.count(addresses, clock.now())
        if sent.down is not None:
            raise sent.down
        if self._outages:
            log.info("mail goes out again")
        self._outages = 0

    async def _make(self, claimed: Sequence[Claimed]) -> tuple[list[tuple[Claimed, Mail]], Outcomes]:
        """
        The mails to be sent, and what becomes of the others.

        First those that have not been tried, else in no order: what closes connections, or keeps them for
        long, is not always in front.
        """
        outcomes: Outcomes = []
        now = clock.now()
        due: list[Claimed] = []
        for one in sorted(claimed, key=lambda one: (one.attempts, random.random())):  # noqa: S311 (no secret)
            if one.claims > self._pace.patience.claims_max:
                # Claimed so often, and never marked: whatever sends it dies of it.
                outcomes.append((one, Outcome("failed", "unconfirmed")))
            else:
                due.append(one)
        made = await self._postal.make([one.message for one in due])
        mails: list[tuple[Claimed, Mail]] = []
        for one, thing in zip(due, made, strict=True):
            if isinstance(thing, Outcome):
                outcomes.append((one, thing))
            else:
                mails.append((one, thing))
        within = await self._cap.within([mail.address for _, mail in mails], now)
        outcomes += [
            (one, _beyond_the_cap(one, now)) for (one, _), good in zip(mails, within, strict=True) if not good
        ]
        return [pair for pair, good in zip(mails, within, strict=True) if good], outcomes

    def _outcome(self, one: Claimed, reply: Reply) -> Outcome:
        if reply.verdict == "taken":
            return Outcome("delivered")
        if reply.verdict == "refused":
            return Outcome("failed", reply.reason, reply=reply.code)
        patience = self._pace.patience
        wait_seconds = backoff_seconds(one.attempts, patience.retry_seconds, patience.retry_seconds_max)
        due_at = clock.now() + timedelta(seconds=wait_seconds)
        return deferred(reply.reason, reply.code, due_at, one.expires_at)

    async def _mark(self, claim: str, outcomes: Outcomes) -> None:
        failures = 0
        while True:
            try:
                marked = await self._queue.mark(claim, outcomes, clock.now())
            except Unavailable as error:
                if self.loop.stopping:
                    raise
                # They are sent: what is not marked would be sent again. So it is worth waiting for.
                failures += 1
                metrics.RETRIES.labels(NAME, type(error).__name__).inc()
                await asyncio.sleep(
                    backoff_seconds(failures, self._pace.pause_seconds, self._pace.pause_seconds_max)
                )
            else:
                if marked < len(outcomes):
                    log.warning(
                        "claims had ended before they were marked", extra={"mails": len(outcomes) - marked}
                    )
                return

    def _pause(self, error: MailServerDown) -> float:
        if self._outages == 0:
            log.warning("mail waits for a server", extra={"reason": error.message})
        self._outages += 1
        metrics.RETRIES.labels(NAME, type(error).__name__).inc()
        seconds = backoff_seconds(self._outages, self._pace.pause_seconds, self._pace.pause_seconds_max)
        self._paused_until = asyncio.get_running_loop().time() + seconds
        return seconds


def _beyond_the_cap(one: Claimed, now: datetime) -> Outcome:
    """A mail beyond its address's cap waits for the next day; it costs no try, since the bound is ours."""
    return replace(deferred("too_many_mails", None, next_day(now), one.expires_at), counted=False)


@asynccontextmanager
async def sending(courier: Courier) -> AsyncIterator[None]:
    """Run a courier until the end of the block; then the mails that are being sent are finished."""
    try:
        async with looping(courier.loop):
            yield
    finally:
        await courier.close()
