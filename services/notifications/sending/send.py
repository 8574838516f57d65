"""
Hand mails over on several connections at the same time. A wrong mail does not stop the others.

A server may close the connection because of one recipient, or for its own reasons. So if the
connection closes at a mail, the mail is sent once more after all others, on another connection. If that one
closes too, the mail is the reason.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.notifications.sending.mail_format import Mail
from services.notifications.sending.rules import Claimed, Reply
from services.notifications.sending.smtp import MailConnection, MailServerDown
from shared.runtime import metrics

log = logging.getLogger(__name__)

# After this number of closed connections at one mail, the mail is the reason.
CLOSINGS_MAX = 2
# For one mail, including reconnects. The courier's lease depends on it (LEASE_SECONDS_MIN).
SEND_SECONDS_MAX = 45.0


@dataclass(slots=True)
class Sent:
    """
    What becomes of mails while they are sent.

    `send_all` adds the replies one by one, and at its end the mails that were not sent, and the error if the
    server is away.
    """

    replies: list[tuple[Claimed, Reply]] = field(default_factory=list)
    untried: list[Claimed] = field(default_factory=list)
    down: MailServerDown | None = None

    def take_replies(self) -> list[tuple[Claimed, Reply]]:
        """The replies since the last call."""
        taken, self.replies = self.replies, []
        return taken


async def send_all(
    connections: Sequence[MailConnection],
    mails: Sequence[tuple[Claimed, Mail]],
    may_go_on: Callable[[], bool],
    sent: Sent,
    release: Callable[[MailConnection], None],
) -> None:
    """
    Hand mails over, in this order, until none is left or `may_go_on` returns False.

    Each connection is released as soon as it has nothing more to do. A mail at which the server is slow then
    holds one connection, and the others go on with other mails.
    """
    left = deque(mails)
    closings: Counter[str] = Counter()
    lost: list[MailServerDown] = []

    async def over(connection: MailConnection) -> None:
        try:
            await send_until_empty(connection)
        finally:
            release(connection)

    async def send_until_empty(connection: MailConnection) -> None:
        while left and may_go_on():
            one, mail = left.popleft()
            try:
                reply = await _send(connection, mail)
            except MailServerDown as error:
                lost.append(error)
                left.append((one, mail))
                return
            if reply.verdict == "closed":
                closings[one.message.message_id] += 1
                if closings[one.message.message_id] < CLOSINGS_MAX:
                    left.append((one, mail))
                    continue
            sent.replies.append((one, reply))

    await asyncio.gather(*[over(connection) for connection in connections])
    sent.untried = [one for one, _ in left]
    if len(lost) == len(connections) and lost:
        sent.down = lost[0]


async def _send(connection: MailConnection, mail: Mail) -> Reply:
    try:
        async with asyncio.timeout(SEND_SECONDS_MAX):
            return await connection.send(mail)
    except MailServerDown:
        raise
    except TimeoutError:
        connection.drop()
        return Reply("deferred", "smtp_interrupted")
    except Exception as error:  # noqa: BLE001 (one mail's fault, counted, and tried again later)
        connection.drop()
        metrics.ITEMS_FAILED.labels("courier", "mail_unsendable").inc()
        # Without the error's message, which may quote the address.
        log.warning("a mail failed; the others go on", extra={"reason": type(error).__name__})
        return Reply("deferred", "mail_unsendable")
