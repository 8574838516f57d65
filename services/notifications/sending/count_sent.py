"""Mails that were sent are counted, and whoever asked for a code waits for no stranger's mails."""

from collections.abc import Mapping, Sequence

from services.notifications.messages.rules import MessageId
from services.notifications.sending.code_limit import CodeLimit
from services.notifications.sending.daily_limit import Admitted, DailyLimit
from services.notifications.sending.rules import Claimed, Reply
from services.notifications.sending.store import MailQueue
from shared.runtime import clock


async def count_sent(
    limit: DailyLimit,
    queue: MailQueue,
    replies: Sequence[tuple[Claimed, Reply]],
    admitted: dict[str, Admitted],
    codes: Mapping[MessageId, str],
) -> None:
    """
    Count mails that were sent, and take them out of `admitted`.

    A code has its own limit. Its recipient has an allowance of their own from now on, so mails that were put
    off are due again.

    Args:
        codes: the address of each code, by the id of its message.
    """
    now = clock.now()
    counted, asking = [], []
    for one, reply in replies:
        id_, taken = one.message.message_id, reply.verdict == "taken"
        if id_ in admitted:
            counted.append((admitted.pop(id_), taken))
        elif taken and id_ in codes:
            asking.append((codes[id_], one.message.participant_id))
    await limit.count_sent(counted, now)
    if asking:
        await limit.list_asking(asking, now)
        await queue.bring_forward([id_ for _, id_ in asking], now)


async def take_back_codes(
    limit: CodeLimit,
    replies: Sequence[tuple[Claimed, Reply]],
    untried: Sequence[Claimed],
    codes: Mapping[MessageId, str],
) -> None:
    """
    Codes that the server has not taken count no more: an erasure may cancel them before they are tried again.

    Without a reply code the server may have taken the mail all the same.
    """
    deferred = [one for one, reply in replies if reply.verdict == "deferred" and reply.code is not None]
    for one in (*deferred, *untried):
        id_ = one.message.message_id
        if id_ in codes:
            await limit.take_back(codes[id_], id_)
