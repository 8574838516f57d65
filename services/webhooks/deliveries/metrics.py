"""Deliveries counted for Prometheus, by endpoint and outcome."""

from collections.abc import Iterable

from shared.runtime import metrics

OUTCOMES = ("delivered", "deferred", "failed", "cancelled", "missed")


def begin(endpoint_ids: Iterable[str]) -> None:
    """Make the series of these endpoints, each with 0. Those that are known keep what they have."""
    for endpoint_id in endpoint_ids:
        if not metrics.WEBHOOKS.knows("endpoint", endpoint_id):
            metrics.WEBHOOKS.begin([endpoint_id], OUTCOMES)


def count(endpoint_id: str, outcome: str, deliveries: int = 1) -> None:
    """Count deliveries with this outcome: a state, or "deferred" for one that will be tried again."""
    metrics.WEBHOOKS.labels(endpoint_id, outcome).inc(deliveries)


def count_missed(endpoint_id: str, deliveries: int) -> None:
    """Count events that an endpoint does not get: its backlog was full, or they have waited too long."""
    count(endpoint_id, "missed", deliveries)
