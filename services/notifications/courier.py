"""
The courier: mails that are due are claimed, handed to the mail server, and marked.

At least once: a crash between handing over and marking sends the mail again when its
claim has ended, with the same Message-ID (docs/decisions/0008-deliveries.md).
"""

import asyncio
import logging
import random
import traceback
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from services.notifications.delivery_store import GIVEN_UP_AT_ONCE_MAX, Claimed, DeliveryStore
from services.notifications.mail import Mail
from services.notifications.postal import Postal
from services.notifications.rules import Outcome, Patience, after_failure, backoff_seconds
from services.notifications.smtp import MailConnection, MailServer, MailServerDown, Reply
from shared.runtime import clock, metrics
from shared.runtime.errors import Unavailable

log = logging.getLogger(__name__)

# Of one claim, the contacts that cannot be opened: from this many on, and more than
# half of all, it is our key that is wrong and not the contacts.
UNREADABLE_FLOOR = 20
RETRIES = "courier"
PAUSE_SECONDS = 1.0
PAUSE_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 15.0
IDLE_SECONDS_MAX = 10.0

Outcomes: TypeAlias = list[tuple[Claimed, Outcome]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How much the courier does at a time."""

    connections: int = 8
    claim_mails_max: int = 300
    lease_seconds: float = 120.0
    poll_seconds: float = 1.0
    patience: Patience = field(default_factory=Patience)

    @property
    def sending_seconds_max(self) -> float:
        """No mail of a claim is begun after this long: what is begun must be marked within the lease."""
        return self.lease_seconds / 2


class ContactsUnreadable(Unavailable):
    """So many contacts cannot be opened that the key must be wrong."""

    code = "contacts_unreadable"


class Courier:
    """Delivers mails from one database, beside any number of others."""

    def __init__(self, deliveries: DeliveryStore, postal: Postal, server: MailServer, pace: Pace) -> None:
        self._deliveries = deliveries
        self._postal = postal
        self._pace = pace
        self._connections = [MailConnection(server) for _ in range(pace.connections)]
        self._awake = asyncio.Event()
        self._stopping = False
        self._fault: str | None = None
        self._outages = 0
        self._paused_until = 0.0
        self._busy_at = 0.0

    def ended(self, running: asyncio.Task[None]) -> None:
        """Tell that the courier ended of itself, if it did: its health says so from then on."""
        error = None if running.cancelled() else running.exception()
        if error is not None:
            # Without the error's words: they may quote what must not be logged.
            self._fault = f"stopped: {type(error).__name__}"
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("courier stopped", extra={"reason": self._fault, "at": f"{place.name}:{place.lineno}"})

    def wake(self) -> None:
        """There may be mails that are due. The poll would find them too, a little later."""
        self._awake.set()

    def stop(self) -> None:
        """Begin no further mail; what is being sent is finished and marked."""
        self._stopping = True
        self._awake.set()

    async def check(self) -> str | None:
        """
        What is wrong with the courier itself, or None; a health check.

        A mail server that is away is not: inboxes work, and no restart of ours helps. The log tells
        of it, the metric of retries counts it, and the summary of deliveries shows what waits.
        """
        return self._fault

    async def run(self) -> None:
        """Deliver until stopped."""
        try:
            while not self._stopping:
                self._awake.clear()
                more = False
                try:
                    more = await self.turn()
                except Unavailable as error:
                    self._pause(error)
                if not more and not self._stopping:
                    await self._rest()
        finally:
            await self._close()

    async def turn(self) -> bool:
        """
        Give up what is overdue, and deliver what is due, as much as one claim holds.

        Returns: whether there may be more to do at once.
        Raises:
            Unavailable: the database or the mail server does not answer.
        """
        while await self._deliveries.give_up(clock.now()) == GIVEN_UP_AT_ONCE_MAX:
            pass
        time = asyncio.get_running_loop().time()
        if time < self._paused_until:
            return False
        ids = await self._deliveries.due(clock.now(), self._pace.claim_mails_max)
        if not ids:
            # What could not be sent has gone out through another courier, or has expired.
            self._fault = None
            if time - self._busy_at > IDLE_SECONDS_MAX:
                await self._close()
            return False
        self._busy_at = time
        # Before anything is claimed: an outage must cost no mail a try.
        await self._connections[0].open()
        lease = timedelta(seconds=self._pace.lease_seconds)
        claim, claimed = await self._deliveries.claim(ids, clock.now(), lease)
        await self._deliver(claim, claimed)
        return True

    async def _deliver(self, claim: str, claimed: Sequence[Claimed]) -> None:
        send_until = asyncio.get_running_loop().time() + self._pace.sending_seconds_max
        mails, outcomes = await self._make(claimed)
        outage: Unavailable | None = None
        unreadable = sum(outcome.code == "contact_unreadable" for _, outcome in outcomes)
        if unreadable >= UNREADABLE_FLOOR and unreadable > len(claimed) / 2:
            outage = ContactsUnreadable(
                f"{unreadable} of {len(claimed)} contacts cannot be opened: is the private key the right one?"
            )
            outcomes = [(one, _not_tried()) for one in claimed]
        else:
            sent, outage = await self._send(mails, send_until)
            outcomes += sent
        await self._mark(claim, outcomes)
        if outage is not None:
            raise outage
        if self._outages:
            log.info("mail goes out again")
        self._fault, self._outages = None, 0

    async def _make(self, claimed: Sequence[Claimed]) -> tuple[deque[tuple[Claimed, Mail]], Outcomes]:
        """The mails to be sent, and what becomes of those that are not."""
        mails: deque[tuple[Claimed, Mail]] = deque()
        outcomes: Outcomes = []
        now = clock.now()
        due: list[Claimed] = []
        for one in claimed:
            if one.expires_at <= now:
                outcomes.append((one, Outcome("failed", "expired")))
            elif one.attempts > self._pace.patience.tries_max:
                # Claimed so often, and never marked: whatever sends it dies of it.
                outcomes.append((one, Outcome("failed", "unconfirmed")))
            else:
                due.append(one)
        made = await self._postal.make([one.message for one in due])
        for one, thing in zip(due, made, strict=True):
            if isinstance(thing, Outcome):
                outcomes.append((one, thing))
            else:
                mails.append((one, thing))
        return mails, outcomes

    async def _send(
        self, mails: deque[tuple[Claimed, Mail]], send_until: float
    ) -> tuple[Outcomes, MailServerDown | None]:
        """Send over all connections; returns what became of each, and the outage if there was one."""
        outcomes: Outcomes = []
        lost: list[MailServerDown] = []

        async def over(connection: MailConnection) -> None:
            while mails and not self._stopping and asyncio.get_running_loop().time() < send_until:
                one, mail = mails.popleft()
                try:
                    reply = await connection.send(mail)
                except MailServerDown as error:
                    # Another connection may still be let in. Last, for it may be this mail that the
                    # server closes at: in front it would close all of them, and hold up the others.
                    mails.append((one, mail))
                    lost.append(error)
                    return
                outcomes.append((one, self._outcome(one, reply)))

        wanted = min(len(mails), len(self._connections))
        await asyncio.gather(*[over(connection) for connection in self._connections[:wanted]])
        outcomes += [(one, _not_tried()) for one, _ in mails]
        down = lost[0] if len(lost) == wanted and lost else None
        return outcomes, down

    def _outcome(self, one: Claimed, reply: Reply) -> Outcome:
        if reply.verdict == "taken":
            return Outcome("delivered")
        if reply.verdict == "refused":
            return Outcome("failed", reply.reason, reply=reply.code)
        chance = random.random()  # noqa: S311 (no secret)
        return after_failure(one.attempts, reply.reason, reply.code, self._pace.patience, clock.now(), chance)

    async def _mark(self, claim: str, outcomes: Outcomes) -> None:
        failures = 0
        while True:
            try:
                marked = await self._deliveries.mark(claim, outcomes, clock.now())
            except Unavailable as error:
                if self._stopping:
                    raise
                # They are sent: what is not marked would be sent again. So it is worth waiting for.
                failures += 1
                metrics.RETRIES.labels(RETRIES, type(error).__name__).inc()
                await asyncio.sleep(
                    backoff_seconds(failures, PAUSE_SECONDS, PAUSE_SECONDS_MAX, random.random())  # noqa: S311
                )
            else:
                if marked < len(outcomes):
                    log.warning(
                        "claims had ended before they were marked", extra={"mails": len(outcomes) - marked}
                    )
                return

    def _pause(self, error: Unavailable) -> None:
        if self._outages == 0:
            log.warning("mail waits for a server", extra={"reason": error.message})
        self._outages += 1
        metrics.RETRIES.labels(RETRIES, type(error).__name__).inc()
        seconds = backoff_seconds(self._outages, PAUSE_SECONDS, PAUSE_SECONDS_MAX, random.random())  # noqa: S311
        self._paused_until = asyncio.get_running_loop().time() + seconds
        self._fault = error.message if isinstance(error, ContactsUnreadable) else None

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            # Being woken only saves time; the poll is the truth.
            async with asyncio.timeout(self._pace.poll_seconds):
                await self._awake.wait()

    async def _close(self) -> None:
        await asyncio.gather(*[connection.close() for connection in self._connections])


def _not_tried() -> Outcome:
    return Outcome("pending", counted=False)


@asynccontextmanager
async def sending(courier: Courier) -> AsyncIterator[asyncio.Task[None]]:
    """Run a courier until the end of the block; then the mails that are being sent are finished."""
    running = asyncio.create_task(courier.run())
    running.add_done_callback(courier.ended)
    try:
        yield running
    finally:
        courier.stop()
        with suppress(asyncio.CancelledError):
            done, _ = await asyncio.wait([running], timeout=STOP_SECONDS_MAX)
            if not done:
                running.cancel()
                await running
