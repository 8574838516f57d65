"""
What notifications does with events: one handler for all topics of the group.

In this order: contacts are kept, erased participants' messages are erased, messages are stored, and
notification.delivered is published for inbox messages. Mails are sent later (sending/courier.py).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from services.notifications.contacts.rules import How, Reach
from services.notifications.contacts.store import ContactStore
from services.notifications.messages.erasures import ErasureStore
from services.notifications.messages.events import delivered_record
from services.notifications.messages.metrics import count
from services.notifications.messages.rules import (
    CAUSE_ID_UNUSABLE,
    MailShare,
    Message,
    Outcome,
    bound_open_mails,
    first_outcome,
    is_open_mail,
    messages_of,
)
from services.notifications.messages.store import OF_PARTICIPANTS, MessageStore, Stored
from services.notifications.texts.policy import NOTICES, is_told, recipient_of
from shared.contracts import topics
from shared.contracts.envelope import Event
from shared.contracts.events import ParticipantErased, ParticipantJoined, ParticipantKeyed
from shared.messaging.publisher import Record
from shared.messaging.received import Batch, Following, Subscription
from shared.runtime import clock
from shared.runtime.errors import Rejected
from shared.storage.ended_tokens import EndedTokens

# A message may come a moment after its event. Larger batches cost less.
GATHER_MS = 200
DEAD_LETTER_CODES = (CAUSE_ID_UNUSABLE,)


class NoticeHandler:
    """
    Keeps contacts, and stores the messages about events.

    Args:
        wake: called when there may be messages to send.
    """

    def __init__(
        self,
        contacts: ContactStore,
        messages: MessageStore,
        erasures: ErasureStore,
        ended_tokens: EndedTokens,
        wake: Callable[[], None],
    ) -> None:
        self._contacts = contacts
        self._messages = messages
        self._erasures = erasures
        self._ended_tokens = ended_tokens
        self._wake = wake

    async def notify(self, batch: Batch[Event]) -> Following:
        """Handle a batch; returns `notification.delivered` for its inbox messages."""
        joined = [received.event for received in batch if isinstance(received.event, ParticipantJoined)]
        keyed = [received.event for received in batch if isinstance(received.event, ParticipantKeyed)]
        erased = [received.event for received in batch if isinstance(received.event, ParticipantErased)]
        # Contacts first: the topics of one poll have no order, and a known contact saves a wait.
        await self._ended_tokens.keep(joined)
        if joined or keyed:
            await keep_contacts(joined, keyed, self._contacts, self._messages)
        if erased:
            await erase_participants(erased, self._contacts, self._erasures)
        stored = await store_messages(batch, self._contacts, self._messages, self._erasures)
        if joined or keyed or any(message.channel != "inbox" for message, _, _ in stored):
            self._wake()
        return inbox_deliveries(stored)


def subscriptions(
    contacts: ContactStore,
    messages: MessageStore,
    erasures: ErasureStore,
    ended_tokens: EndedTokens,
    *,
    wake: Callable[[], None],
) -> list[Subscription]:
    """What notifications consumes. `wake` is called when there may be messages to send."""
    contracts: Sequence[type[Event]] = (ParticipantKeyed, ParticipantJoined, ParticipantErased, *NOTICES)
    handle = NoticeHandler(contacts, messages, erasures, ended_tokens, wake).notify
    return [
        Subscription(topics.NOTIFICATIONS, contracts, handle, gather_ms=GATHER_MS, codes=DEAD_LETTER_CODES)
    ]


async def keep_contacts(
    joined: Sequence[ParticipantJoined],
    keyed: Sequence[ParticipantKeyed],
    contacts: ContactStore,
    messages: MessageStore,
) -> None:
    """Keep contacts and keys, and release the mails that waited for them."""
    now = clock.now()
    await contacts.keep_keys(keyed, now)
    await contacts.keep_contacts(joined)
    known = {event.participant_id for event in keyed} | {event.participant_id for event in joined}
    await messages.release(await contacts.reach(known), now)


async def erase_participants(
    erased: Sequence[ParticipantErased], contacts: ContactStore, erasures: ErasureStore
) -> None:
    """
    Delete personal data. Mails that are not sent yet are cancelled.

    The contacts and keys go first: then nothing is shown or sent any more, however many messages there are.
    """
    now = clock.now()
    await contacts.erase(erased, now)
    await erasures.erase_to([event.participant_id for event in erased], now)


async def store_messages(
    batch: Batch[Event], contacts: ContactStore, messages: MessageStore, erasures: ErasureStore
) -> list[Stored]:
    """Store the messages about a batch's events. An inbox message is delivered by being stored."""
    with_notice = [received for received in batch if is_told(received.event)]
    if not with_notice:
        return []
    now = clock.now()
    reach = await contacts.reach({recipient_of(received.event) for received in with_notice})
    new: list[tuple[Message, Outcome]] = []
    for received in with_notice:
        how = reach.get(recipient_of(received.event))
        try:
            made = messages_of(received.event, received.context, now, how)
        except Rejected as why:
            batch.reject(received, why)
        else:
            new += [(message, first_outcome(message, how, sends_sms=contacts.sends_sms)) for message in made]
    open_: Counter[MailShare] = Counter()
    for channel in OF_PARTICIPANTS:
        ids = {one.participant_id for one, outcome in new if is_open_mail(one, outcome, channel)}
        if ids:
            open_.update(await messages.open_mails(ids, channel))
    new = bound_open_mails(new, open_)
    stored = await messages.add(new)
    await _look_again(stored, reach, contacts, messages, erasures, now)
    return stored


async def _look_again(
    stored: Sequence[Stored],
    reach: Mapping[str, Reach],
    contacts: ContactStore,
    messages: MessageStore,
    erasures: ErasureStore,
    now: datetime,
) -> None:
    """
    Look up the recipients once more, after the messages are stored.

    A contact or an erasure that came between the first lookup and the write did not see these messages.
    """
    ids = {message.participant_id for message, _, _ in stored}
    if all(new for _, _, new in stored):
        # Only an erasure can have changed anything for a participant who had an address at the first lookup.
        waiting = {id_ for id_ in ids if _how(reach, id_) in ("keyless", "unverified")}
        erased = {id_ for id_ in await contacts.erased(ids) if _how(reach, id_) != "erased"}
    else:
        # A repeat reads everybody again: a crash may have come before the second lookup.
        waiting, erased = ids, await contacts.erased(ids)
    await messages.release(await contacts.reach(waiting), now)
    await erasures.erase_to(list(erased), now)


def _how(reach: Mapping[str, Reach], participant_id: str) -> How:
    """How we can reach a participant. To whom we do not know, messages wait as for a key."""
    known = reach.get(participant_id)
    return known.how if known is not None else "keyless"


def inbox_deliveries(stored: Sequence[Stored]) -> list[Record]:
    """
    notification.delivered for each message that is in an inbox.

    Messages that were stored by an earlier try are included, with the ids and times of that try.
    """
    inboxes = [one for one in stored if one[0].channel == "inbox"]
    outcomes = Counter((outcome.state, outcome.code) for _, outcome, new in inboxes if new)
    for (state, code), messages in outcomes.items():
        count("inbox", state, code, messages)
    return [delivered_record(message) for message, outcome, _ in inboxes if outcome.state == "delivered"]
