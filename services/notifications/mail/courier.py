"""
The courier: claims mails that are due, hands them to the mail server, and marks what became of them.

At least once: after a crash between handing over and marking, the mail is sent again when its claim has
ended, with the same Message-ID (docs/decisions/0008-deliveries.md).
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from services.notifications.mail.compose import Composer
from services.notifications.mail.daily_limit import Admitted, DailyLimit
from services.notifications.mail.format import Mail
from services.notifications.mail.rules import (
    NOT_TRIED,
    Claimed,
    Reply,
    never_marked,
    outcome_of,
    over_daily_limit,
)
from services.notifications.mail.send import SEND_SECONDS_MAX, send_all
from services.notifications.mail.smtp import MailConnection, MailServer, MailServerDown
from services.notifications.mail.store import EXPIRED_PER_CALL_MAX, MailQueue
from services.notifications.messages.rules import Outcome, RetryPolicy
from shared.runtime import clock, metrics
from shared.runtime.background import Loop, backoff_seconds
from shared.runtime.errors import Unavailable
from shared.storage.mongo import TRANSACTION_SECONDS_MAX

log = logging.getLogger(__name__)

NAME = "courier"
STOP_SECONDS_MAX = 15.0
IDLE_SECONDS_MAX = 10.0
# A mail begun at the last moment, half the lease, is handed over and marked before the lease ends (120 s).
LEASE_SECONDS_MIN = 2 * (SEND_SECONDS_MAX + TRANSACTION_SECONDS_MAX)

Outcomes: TypeAlias = list[tuple[Claimed, Outcome]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How much the courier does at a time."""

    connections: int = 8
    claim_mails_max: int = 300
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


class Courier:
    """
    Sends the mails of one database. Any number of couriers may work on the same database.

    If the mail server is away, the loop does not fail: inboxes still work, and restarting this service does
    not help. The log says so, `kepu_batch_retries_total` counts it, and `kepu_mails_due` shows the queue.
    """

    def __init__(
        self, queue: MailQueue, composer: Composer, server: MailServer, limit: DailyLimit, pace: Pace
    ) -> None:
        self._queue = queue
        self._composer = composer
        self._limit = limit
        self._pace = pace
        self._connections = [MailConnection(server) for _ in range(pace.connections)]
        self._outages = 0
        self._paused_until = 0.0
        self._busy_at = 0.0
        self.loop = Loop(
            NAME,
            self.turn,
            # Longer than all mails of a claim may take.
            turn_seconds_max=pace.lease_seconds,
            stop_seconds_max=STOP_SECONDS_MAX,
        )

    async def turn(self) -> float:
        """
        Fail mails whose time is over, and send mails that are due, as many as one claim holds.

        Returns: how long to rest, in seconds.
        Raises:
            Unavailable: the database does not answer.
        """
        while await self._queue.expire(clock.now()) == EXPIRED_PER_CALL_MAX:
            pass
        time = asyncio.get_running_loop().time()
        if time < self._paused_until:
            return self._paused_until - time
        ids = await self._queue.due(clock.now(), self._pace.claim_mails_max)
        if not ids:
            if time - self._busy_at > IDLE_SECONDS_MAX:
                await self.aclose()
            return self._pace.poll_seconds
        self._busy_at = time
        try:
            # Before mails are claimed: an outage must not cost a mail a try.
            await self._connections[0].open()
            lease = timedelta(seconds=self._pace.lease_seconds)
            claim, claimed = await self._queue.claim(ids, clock.now(), lease)
            await self._deliver(claim, claimed)
        except MailServerDown as error:
            return self._pause(error)
        return 0.0

    async def aclose(self) -> None:
        """Close the connections to the mail server. They are opened again when there are mails."""
        await asyncio.gather(*[connection.close() for connection in self._connections])

    async def _deliver(self, claim: str, claimed: Sequence[Claimed]) -> None:
        send_until = asyncio.get_running_loop().time() + self._pace.sending_seconds_max
        try:
            mails, outcomes, admitted = await self._compose(claimed)
        except Exception:
            # Nothing was sent: the claim is given back, and no mail loses a try.
            with suppress(Unavailable):
                await self._queue.mark(claim, [(one, NOT_TRIED) for one in claimed], clock.now())
            raise

        def may_go_on() -> bool:
            return not self.loop.stopping and asyncio.get_running_loop().time() < send_until

        sent = await send_all(self._connections, mails, may_go_on)
        outcomes += [(one, self._outcome(one, reply)) for one, reply in sent.replies]
        outcomes += [(one, NOT_TRIED) for one in sent.untried]
        await self._mark(claim, outcomes)
        taken = [one.message.message_id for one, reply in sent.replies if reply.verdict == "taken"]
        await self._limit.count([admitted[message_id] for message_id in taken], clock.now())
        if sent.down is not None:
            raise sent.down
        if self._outages:
            log.info("mail goes out again")
        self._outages = 0

    async def _compose(
        self, claimed: Sequence[Claimed]
    ) -> tuple[list[tuple[Claimed, Mail]], Outcomes, dict[str, Admitted]]:
        """
        The mails to be sent, what becomes of the others, and where each mail is counted by its message's id.

        Mails that were never tried come first, the others in random order: a mail that closes connections or
        blocks them for long is then not always in front.
        """
        outcomes: Outcomes = []
        now = clock.now()
        due: list[Claimed] = []
        for one in sorted(claimed, key=lambda one: (one.attempts, random.random())):  # noqa: S311 (no secret)
            if failure := never_marked(one, self._pace.retry_policy):
                outcomes.append((one, failure))
            else:
                due.append(one)
        composed = await self._composer.compose([one.message for one in due])
        mails: list[tuple[Claimed, Mail]] = []
        for one, result in zip(due, composed, strict=True):
            if isinstance(result, Outcome):
                outcomes.append((one, result))
            else:
                mails.append((one, result))
        addressed = [(mail.address, one.message.participant_id) for one, mail in mails]
        sendable: list[tuple[Claimed, Mail]] = []
        admitted: dict[str, Admitted] = {}
        for (one, mail), place in zip(mails, await self._limit.admit(addressed, now), strict=True):
            if place is None:
                outcomes.append((one, over_daily_limit(one, now)))
            else:
                admitted[one.message.message_id] = place
                sendable.append((one, mail))
        return sendable, outcomes, admitted

    def _outcome(self, one: Claimed, reply: Reply) -> Outcome:
        policy = self._pace.retry_policy
        wait_seconds = backoff_seconds(one.attempts, policy.retry_seconds, policy.retry_seconds_max)
        retry_at = clock.to_milliseconds(clock.now() + timedelta(seconds=wait_seconds))
        return outcome_of(reply, retry_at, one.expires_at)

    async def _mark(self, claim: str, outcomes: Outcomes) -> None:
        failures = 0
        while True:
            try:
                marked = await self._queue.mark(claim, outcomes, clock.now())
            except Unavailable as error:
                if self.loop.stopping:
                    raise
                # Try until it works: these mails are sent, and unmarked mails would be sent again.
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
