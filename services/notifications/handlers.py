"""What notifications does about events: one function per event, then the subscription."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from services.notifications import announcing
from services.notifications.rules import (
    POLICY,
    Message,
    Outcome,
    Reach,
    first_outcome,
    messages_of,
    recipient_of,
)
from services.notifications.store import NotificationStore, Stored
from shared.contracts.envelope import Event
from shared.contracts.events import ParticipantErased, ParticipantJoined
from shared.messaging.consumer import Batch, Following, Subscription
from shared.messaging.publisher import Record
from shared.runtime import clock, metrics
from shared.runtime.errors import Rejected

GROUP = "notifications"
# A message may come a moment after what it tells of: larger batches cost less.
GATHER_MS = 200


async def remember_contacts(joined: Sequence[ParticipantJoined], store: NotificationStore) -> None:
    """Keep how to reach participants; mails that waited for it become due."""
    await store.remember(joined, clock.now())


async def forget_participants(erased: Sequence[ParticipantErased], store: NotificationStore) -> None:
    """Delete what is personal; what has not gone out does not go out any more."""
    await store.erase({event.participant_id: event.erased_at for event in erased}, clock.now())


async def tell(batch: Batch[Event], store: NotificationStore) -> list[Stored]:
    """Store the messages that tell of events; those for an inbox are thereby delivered."""
    happened = [received for received in batch if type(received.event) in POLICY]
    if not happened:
        return []
    now = clock.now()
    reach = await store.reach({recipient_of(received.event) for received in happened})
    messages: list[tuple[Message, Outcome]] = []
    for received in happened:
        known = reach.get(recipient_of(received.event))
        try:
            told = messages_of(received.event, received.context, now, known)
        except Rejected as why:
            batch.reject(received, why)
        else:
            messages += [(message, first_outcome(message, known)) for message in told]
    stored = await store.add(messages)
    await _look_again(stored, reach, store, now)
    return stored


async def _look_again(
    stored: Sequence[Stored], reach: Mapping[str, Reach], store: NotificationStore, now: datetime
) -> None:
    """Whoever joined or was erased since the first look has missed these messages: see to it."""
    ids = {message.participant_id for message, _, _ in stored}
    if all(new for _, _, new in stored):
        # One who was known can have missed them by an erasure alone, and of those there are few.
        joined = await store.recipients([id_ for id_ in ids if id_ not in reach])
        erased = {id_ for id_ in await store.erased(ids) if reach.get(id_) != "erased"}
    else:
        # A repeat looks at all of them: the crash may have come before the second look.
        joined = await store.recipients(ids)
        erased = {id_ for id_, one in joined.items() if one.erased}
    await store.release(joined, now)
    await store.silence(list(erased), now)


def tell_of_inboxes(stored: Sequence[Stored]) -> list[Record]:
    """That messages are in inboxes; also of those stored before, with the ids and times of then."""
    inboxes = [one for one in stored if one[0].channel == "inbox"]
    for state, count in Counter(outcome.state for _, outcome, new in inboxes if new).items():
        metrics.DELIVERIES.labels("inbox", state).inc(count)
    return [
        announcing.delivered_record(message)
        for message, outcome, _ in inboxes
        if outcome.state == "delivered"
    ]


def subscriptions(store: NotificationStore, *, wake: Callable[[], None]) -> list[Subscription]:
    """What notifications reads; `wake` is called when there may be mails to send."""

    async def notify(batch: Batch[Event]) -> Following:
        joined = [received.event for received in batch if isinstance(received.event, ParticipantJoined)]
        erased = [received.event for received in batch if isinstance(received.event, ParticipantErased)]
        # Contacts first: of one poll's topics no order is known, and this one saves a wait.
        if joined:
            await remember_contacts(joined, store)
        if erased:
            await forget_participants(erased, store)
        stored = await tell(batch, store)
        if joined or any(message.channel == "email" for message, _, _ in stored):
            wake()
        return tell_of_inboxes(stored)

    contracts: Sequence[type[Event]] = (ParticipantJoined, ParticipantErased, *POLICY)
    return [Subscription(GROUP, contracts, notify, gather_ms=GATHER_MS)]
