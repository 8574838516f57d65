"""What notifications does about events: one function per event, then the subscription."""

from collections.abc import Callable, Sequence

from services.notifications import announcing
from services.notifications.rules import POLICY, Message, first_outcome, messages_of
from services.notifications.store import NotificationStore
from shared import clock, metrics
from shared.consumer import Batch, Subscription
from shared.envelope import Envelope, Event
from shared.errors import Rejected
from shared.events import ParticipantErased, ParticipantJoined

GROUP = "notifications"


async def remember_contacts(joined: Sequence[ParticipantJoined], store: NotificationStore) -> None:
    """Keep how to reach participants; mails that waited for it become due."""
    await store.remember(joined, clock.now())


async def forget_participants(erased: Sequence[ParticipantErased], store: NotificationStore) -> None:
    """Delete what is personal; what has not gone out does not go out any more."""
    await store.erase({event.participant_id: event.erased_at for event in erased}, clock.now())


async def tell(batch: Batch[Event], store: NotificationStore) -> Sequence[Envelope[Event]]:
    """
    Store the messages that tell of events; those for an inbox are thereby delivered.

    Returns: that they are, also of messages stored before, with the ids and times of then.
    """
    messages: list[Message] = []
    now = clock.now()
    for received in batch:
        if type(received.event) not in POLICY:
            continue
        try:
            messages += messages_of(received.event, received.context, now)
        except Rejected as why:
            batch.reject(received, why)
    if not messages:
        return []
    ids = {message.participant_id for message in messages}
    recipients = await store.recipients(ids)
    stored = await store.add(
        [(message, first_outcome(message, recipients.get(message.participant_id))) for message in messages]
    )
    # Read again: whoever joined or was erased since the first look has missed these messages. A repeat
    # looks at all of them: the crash may have come before the second look.
    later = await store.recipients(ids)
    if all(new for _, _, new in stored):
        later = {id_: one for id_, one in later.items() if one != recipients.get(id_)}
    await store.release(later, now)
    await store.silence([id_ for id_, one in later.items() if one.erased], now)
    for message, outcome, new in stored:
        if new and message.channel == "inbox":
            metrics.DELIVERIES.labels("inbox", outcome.state).inc()
    return [
        announcing.delivered(message, message.created_at)
        for message, outcome, _ in stored
        if message.channel == "inbox" and outcome.state == "delivered"
    ]


def subscriptions(store: NotificationStore, *, wake: Callable[[], None]) -> list[Subscription]:
    """What notifications reads; `wake` is called when there may be mails to send."""

    async def notify(batch: Batch[Event]) -> Sequence[Envelope[Event]]:
        joined = [received.event for received in batch if isinstance(received.event, ParticipantJoined)]
        erased = [received.event for received in batch if isinstance(received.event, ParticipantErased)]
        # Contacts first: of one poll's topics no order is known, and this one saves a wait.
        await remember_contacts(joined, store)
        await forget_participants(erased, store)
        following = await tell(batch, store)
        wake()
        return following

    return [Subscription(GROUP, (ParticipantJoined, ParticipantErased, *POLICY), notify)]
