"""Outcomes of messages counted for Prometheus, by channel."""

from collections.abc import Mapping

from shared.contracts.events import Channel
from shared.runtime import metrics

_OUTCOMES: Mapping[Channel, tuple[str, ...]] = {
    "inbox": ("delivered", "cancelled"),
    "email": ("delivered", "deferred", "failed", "skipped", "cancelled"),
}


def count_from_zero() -> None:
    """
    Show every outcome as 0 at the start.

    Otherwise Prometheus would not see the first one as an increase.
    """
    for channel, outcomes in _OUTCOMES.items():
        for outcome in outcomes:
            metrics.DELIVERIES.labels(channel, outcome)


def count(channel: Channel, outcome: str, messages: int = 1) -> None:
    """Count messages with this outcome: a state, or "deferred" for a mail that will be tried again."""
    metrics.DELIVERIES.labels(channel, outcome).inc(messages)
