"""Upkeep in the background: measures what waits for each endpoint, and ends what has waited too long."""

import logging
from datetime import datetime

from services.webhooks.deliveries.metrics import begin, count_missed
from services.webhooks.deliveries.rules import BACKLOG_MAX, ENDED_BEFORE, KEPT
from services.webhooks.deliveries.store import DeliveryStore
from services.webhooks.endpoints.rules import Endpoint
from services.webhooks.endpoints.store import EndpointStore
from shared.runtime import clock, metrics
from shared.runtime.background import Loop

log = logging.getLogger(__name__)

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
        for one in endpoints:
            await self._end_old(one, now)
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
            if misses_no_more(one, waiting[one.key]):
                await self._endpoints.end_missed(one)
        there = {one.endpoint_id for one in endpoints}
        for gone in self._shown - there:
            for gauge in GAUGES:
                gauge.labels(gone).set(0)
        self._shown = there
        return TURN_SECONDS

    async def _end_old(self, endpoint: Endpoint, now: datetime) -> None:
        """End what MongoDB will soon delete, so that the endpoint shows what it does not get."""
        before = now - KEPT + ENDED_BEFORE
        period = await self._deliveries.oldest_of(endpoint.key, before)
        if period is None:
            return
        # First: after a crash here the next turn ends them.
        await self._endpoints.note_missed(endpoint.key, *period)
        ended = await self._deliveries.end_old(endpoint.key, before, now)
        count_missed(endpoint.endpoint_id, ended)
        log.warning(
            "deliveries have waited too long", extra={"endpoint": endpoint.endpoint_id, "deliveries": ended}
        )


def misses_no_more(endpoint: Endpoint, waiting: int) -> bool:
    """
    Whether the time in which an endpoint missed events is over: it is enabled,
    and half its backlog is free.
    """
    missed = endpoint.missed_until is not None and not endpoint.missed_ended
    return missed and endpoint.disabled is None and waiting <= BACKLOG_MAX // 2


GAUGES = (metrics.WEBHOOKS_WAITING, metrics.WEBHOOKS_FAILING, metrics.WEBHOOKS_DISABLED)
