"""Outcomes of messages counted for Prometheus, by channel."""

from collections.abc import Mapping

from services.notifications.texts.policy import DeliveryChannel
from shared.runtime import metrics

_OUTCOMES: Mapping[DeliveryChannel, tuple[str, ...]] = {
    "inbox": ("delivered", "cancelled"),
    "email": ("delivered", "deferred", "failed", "skipped", "cancelled"),
    "sms": ("delivered", "deferred", "failed", "skipped", "cancelled"),
}

# The counters start at 0. So Prometheus sees the first one as an increase.
for _channel, _outcomes in _OUTCOMES.items():
    metrics.DELIVERIES.begin([_channel], _outcomes)


def count(channel: DeliveryChannel, outcome: str, messages: int = 1) -> None:
    """Count messages with this outcome: a state, or "deferred" for a mail that will be tried again."""
    metrics.DELIVERIES.labels(channel, outcome).inc(messages)
