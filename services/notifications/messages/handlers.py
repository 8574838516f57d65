"""What notifications does about events: one function per event, then the subscription."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from services.notifications.contacts.store import ContactStore
from services.notifications.messages import delivery_events
from services.notifications.messages.rules import (
    POLICY,
    Message,
    Outcome,
    Reach,
    first_outcome,
    messages_of,
    recipient_of,
)
from services.notifications.messages.store import MessageStore, Stored
from shared.contracts import topics
from shared.contracts.envelope import Event
from shared.contracts.events import ParticipantErased, ParticipantJoined, ParticipantKeyed
from shared.messaging.consumer import Batch, Following, Subscription
from shared.messaging.publisher import Record
from shared.runtime import clock, metrics
from shared.runtime.errors import Rejected

# A message may come a moment after what it tells of: larger batches cost less.
GATHER_MS = 200


async def remember_contacts(
    joined: Sequence[ParticipantJoined],
    keyed: Sequence[ParticipantKeyed],
    contacts: ContactStore,
    messages: MessageStore,
) -> None:
    """Keep how to reach participants; mails that waited for it become due."""
    now = clock.now()
    await contacts.keep_keys(keyed, now)
    await contacts.remember(joined)
    known = {event.participant_id for event in keyed} | {event.participant_id for event in joined}
    await messages.release(await contacts.reach(known), now)


async def forget_participants(
    erased: Sequence[ParticipantErased], contacts: ContactStore, messages: MessageStore
) -> None:
    """Delete what is personal; what has not gone out does not go out any more."""
    now = clock.now()
    await contacts.erase(erased, now)
    await messages.silence([event.participant_id for event in erased], now)


async def tell(batch: Batch[Event], contacts: ContactStore, messages: MessageStore) -> list[Stored]:
    """Store the messages that tell of events; those for an inbox are thereby delivered."""
    happened = [received for received in batch if type(received.event) in POLICY]
    if not happened:
        return []
    now = clock.now()
    reach = await contacts.reach({recipient_of(received.event) for received in happened})
    new: list[tuple[Message, Outcome]] = []
    for received in happened:
        known = reach.get(recipient_of(received.event))
        try:
            told = messages_of(received.event, received.context, now, known)
        except Rejected as why:
            batch.reject(received, why)
        else:
            new += [(message, first_outcome(message, known)) for message in told]
    stored = await messages.add(new)
    await _look_again(stored, reach, contacts, messages, now)
    return stored


async def _look_again(
    stored: Sequence[Stored],
    reach: Mapping[str, Reach],
    contacts: ContactStore,
    messages: MessageStore,
    now: datetime,
) -> None:
    """Whoever became known or was erased since the first look has missed these messages: see to it."""
    ids = {message.participant_id for message, _, _ in stored}
    if all(new for _, _, new in stored):
        # Those who could be reached can have missed them by an erasure alone, and of those there are few.
        waiting = {id_ for id_ in ids if reach.get(id_, "keyless") == "keyless"}
        erased = {id_ for id_ in await contacts.erased(ids) if reach.get(id_) != "erased"}
    else:
        # A repeat looks at all of them: the crash may have come before the second look.
        waiting, erased = ids, await contacts.erased(ids)
    await messages.release(await contacts.reach(waiting), now)
    await messages.silence(list(erased), now)


def tell_of_inboxes(stored: Sequence[Stored]) -> list[Record]:
    """That messages are in inboxes; also of those stored before, with the ids and times of then."""
    inboxes = [one for one in stored if one[0].channel == "inbox"]
    for state, count in Counter(outcome.state for _, outcome, new in inboxes if new).items():
        metrics.DELIVERIES.labels("inbox", state).inc(count)
    return [
        delivery_events.delivered_record(message)
        for message, outcome, _ in inboxes
        if outcome.state == "delivered"
    ]


def subscriptions(
    contacts: ContactStore, messages: MessageStore, *, wake: Callable[[], None]
) -> list[Subscription]:
    """What notifications reads; `wake` is called when there may be mails to send."""

    async def notify(batch: Batch[Event]) -> Following:
        joined = [received.event for received in batch if isinstance(received.event, ParticipantJoined)]
        keyed = [received.event for received in batch if isinstance(received.event, ParticipantKeyed)]
        erased = [received.event for received in batch if isinstance(received.event, ParticipantErased)]
        # Contacts first: of one poll's topics no order is known, and this one saves a wait.
        if joined or keyed:
            await remember_contacts(joined, keyed, contacts, messages)
        if erased:
            await forget_participants(erased, contacts, messages)
        stored = await tell(batch, contacts, messages)
        if joined or keyed or any(message.channel == "email" for message, _, _ in stored):
            wake()
        return tell_of_inboxes(stored)

    contracts: Sequence[type[Event]] = (ParticipantKeyed, ParticipantJoined, ParticipantErased, *POLICY)
    return [Subscription(topics.NOTIFICATIONS, contracts, notify, gather_ms=GATHER_MS)]
