"""Upkeep in the background: measures what waits for each endpoint, and shows which are disabled."""

from services.webhooks.deliveries.metrics import begin
from services.webhooks.deliveries.store import DeliveryStore
from services.webhooks.endpoints.store import EndpointStore
from shared.runtime import clock, metrics
from shared.runtime.background import Loop

TURN_SECONDS = 10.0


class Upkeep:
    """One turn measures all endpoints."""

    def __init__(self, endpoints: EndpointStore, deliveries: DeliveryStore) -> None:
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._shown: set[str] = set()
        self.loop = Loop("upkeep", self.turn)

    async def turn(self) -> float:
        """
        Measure once; returns how long to rest, in seconds.

        Raises:
            Unavailable: the database does not answer.
        """
        now = clock.now()
        endpoints = await self._endpoints.all()
        # Of the disabled ones too: what they miss is counted by endpoint.
        begin(one.endpoint_id for one in endpoints)
        waiting = await self._deliveries.open_of([one.key for one in endpoints])
        for one in endpoints:
            label = one.endpoint_id
            if not metrics.WEBHOOKS_WAITING.knows("endpoint", label):
                for gauge in GAUGES:
                    gauge.begin([label])
            metrics.WEBHOOKS_WAITING.labels(label).set(waiting[one.key])
            # A disabled one is not tried, so it does not fail.
            since = one.failing_since if one.disabled is None else None
            failing = (now - since).total_seconds() if since is not None else 0.0
            metrics.WEBHOOKS_FAILING.labels(label).set(failing)
            # Whom an organiser has disabled on purpose needs nobody.
            off = one.disabled is not None and one.disabled != "by_organiser"
            metrics.WEBHOOKS_DISABLED.labels(label).set(1 if off else 0)
        there = {one.endpoint_id for one in endpoints}
        for gone in self._shown - there:
            for gauge in GAUGES:
                gauge.labels(gone).set(0)
        self._shown = there
        return TURN_SECONDS


GAUGES = (metrics.WEBHOOKS_WAITING, metrics.WEBHOOKS_FAILING, metrics.WEBHOOKS_DISABLED)
