"""What the overview does with events: it counts them."""

from services.overview.counting.rules import Happened, Place, happened_at
from services.overview.counting.store import CountStore
from shared.contracts import events, topics
from shared.contracts.envelope import Event
from shared.messaging.received import Batch, Following, Received, Subscription
from shared.runtime import clock

# People look every few seconds. Larger batches cost less.
GATHER_MS = 500
DEAD_LETTER_CODES: tuple[str, ...] = ()
CONTRACTS: tuple[type[Event], ...] = tuple(
    contract for contract in events.ALL if topics.declared(contract) in topics.COUNTED
)


class CountHandler:
    """Counts events. Nothing of what they say is kept."""

    def __init__(self, counts: CountStore) -> None:
        self._counts = counts

    async def count(self, batch: Batch[Event]) -> Following:
        """Handle a batch. Nothing follows from it on Kafka."""
        if batch.events:
            await self._counts.add([happened(one) for one in batch], clock.now())
        return []


def happened(received: Received[Event]) -> Happened:
    """What is counted of a record."""
    record, context = received.record, received.context
    at = happened_at(context.time, received.appended_at)
    again = context.redriven_from is not None
    return Happened(Place(record.topic, record.partition), record.offset, at, again)


def subscriptions(counts: CountStore) -> list[Subscription]:
    """What the overview consumes."""
    handle = CountHandler(counts).count
    return [Subscription(topics.OVERVIEW, CONTRACTS, handle, gather_ms=GATHER_MS, codes=DEAD_LETTER_CODES)]
