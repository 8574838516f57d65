"""
Mails over several connections at once: what one mail meets with is no other mail's business.

A server may close the connection at one recipient. So a mail that met with that is tried once more after all
the others, over another connection; the second time counts as its own try.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.notifications.mail.format import Mail
from services.notifications.mail.smtp import MailConnection, MailServerDown, Reply
from services.notifications.mail.store import Claimed
from shared.runtime import metrics

log = logging.getLogger(__name__)

# So many times the connection closes at a mail until it is put down to that mail.
CLOSINGS_MAX = 2
# With all that a connection tries anew. What is begun within half the lease is marked within the lease.
SEND_SECONDS_MAX = 45.0


@dataclass(slots=True)
class Sent:
    """What became of mails: the replies, those that were not sent, and whether the server is away."""

    replies: list[tuple[Claimed, Reply]] = field(default_factory=list)
    untried: list[Claimed] = field(default_factory=list)
    down: MailServerDown | None = None


async def send_all(
    connections: Sequence[MailConnection],
    mails: Sequence[tuple[Claimed, Mail]],
    may_go_on: Callable[[], bool],
) -> Sent:
    """Hand mails over, in this order, until there are none left or `may_go_on` says no."""
    sent = Sent()
    left = deque(mails)
    closings: Counter[str] = Counter()
    lost: list[MailServerDown] = []

    async def over(connection: MailConnection) -> None:
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

    wanted = min(len(mails), len(connections))
    await asyncio.gather(*[over(connection) for connection in connections[:wanted]])
    sent.untried = [one for one, _ in left]
    if len(lost) == wanted and lost:
        sent.down = lost[0]
    return sent


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
        # Without the error's words: they may quote the address.
        log.warning("a mail failed; the others go on", extra={"reason": type(error).__name__})
        return Reply("deferred", "mail_unsendable")
