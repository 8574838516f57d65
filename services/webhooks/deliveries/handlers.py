"""What webhooks does with events: it stores a delivery for each endpoint that wants the event."""

import logging
from collections.abc import Callable, Sequence
from itertools import groupby

from services.webhooks.deliveries.due import due_of
from services.webhooks.deliveries.metrics import count_missed
from services.webhooks.deliveries.rules import Due, within_backlog
from services.webhooks.deliveries.store import DeliveryStore
from services.webhooks.endpoints.rules import CONTRACTS, person_of
from services.webhooks.endpoints.store import EndpointStore
from shared.contracts import topics
from shared.contracts.envelope import Event
from shared.contracts.events import ParticipantErased
from shared.messaging.received import Batch, Following, Subscription
from shared.runtime import clock

log = logging.getLogger(__name__)

# A delivery may leave a moment after its event. Larger batches cost less.
GATHER_MS = 200
DEAD_LETTER_CODES: tuple[str, ...] = ()


class DeliveryHandler:
    """
    Stores what is to be delivered.

    Args:
        wake: called when there may be something to send.
    """

    def __init__(self, endpoints: EndpointStore, deliveries: DeliveryStore, wake: Callable[[], None]) -> None:
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._wake = wake

    async def store(self, batch: Batch[Event]) -> Following:
        """Handle a batch. Nothing follows from it on Kafka."""
        now = clock.now()
        gone = [one.event.participant_id for one in batch if isinstance(one.event, ParticipantErased)]
        # First: what this batch says about them is not stored at all.
        await self._deliveries.forget(gone, now)
        endpoints = await self._endpoints.all()
        if not endpoints:
            return []
        people = {id_ for one in batch if (id_ := person_of(one.event)) is not None}
        erased = await self._deliveries.erased_of(people)
        # A process may have died after it had stored these bodies, and before it forgot them below.
        await self._deliveries.forget(list(erased), now)
        due = due_of(batch, endpoints, erased)
        if not due:
            return []
        open_ = await self._deliveries.open_of({one.endpoint.key for one in due})
        stored, missed = within_backlog(due, open_)
        if missed:
            # Kafka may repeat a batch: what is stored already needs no room.
            known = await self._deliveries.known_of([one.id for one in due])
            stored, missed = within_backlog([one for one in due if one.id not in known], open_)
        await self._deliveries.add(stored, now)
        # An erasure that another process has handled meanwhile did not see these bodies.
        late = await self._deliveries.erased_of({one.body.participant_id or "" for one in stored})
        await self._deliveries.forget(list(late), now)
        if missed:
            await self._miss(missed)
        self._wake()
        return []

    async def _miss(self, missed: Sequence[Due]) -> None:
        """
        Note from when to when endpoints miss events, since their backlog is full. Who fails is disabled.

        One that takes what is sent is only slow, or was just enabled: its backlog gets shorter.
        """
        now = clock.now()
        by_endpoint = sorted(missed, key=lambda one: one.endpoint.key)
        for key, group in groupby(by_endpoint, key=lambda one: one.endpoint.key):
            these = list(group)
            times = [one.body.appended_at for one in these]
            await self._endpoints.note_missed(key, min(times), max(times))
            endpoint = these[0].endpoint
            count_missed(endpoint.endpoint_id, len(these))
            since = endpoint.failing_since
            if since is not None and await self._endpoints.disable(
                key, "backlog_full", now, failing_since=since
            ):
                which = {"endpoint": endpoint.endpoint_id}
                log.warning("an endpoint is disabled, its backlog is full", extra=which)


def subscriptions(
    endpoints: EndpointStore, deliveries: DeliveryStore, *, wake: Callable[[], None]
) -> list[Subscription]:
    """What webhooks consumes. `wake` is called when there may be something to send."""
    handle = DeliveryHandler(endpoints, deliveries, wake).store
    contracts = tuple(CONTRACTS.values())
    return [Subscription(topics.WEBHOOKS, contracts, handle, gather_ms=GATHER_MS, codes=DEAD_LETTER_CODES)]
