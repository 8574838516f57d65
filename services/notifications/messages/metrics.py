"""Outcomes of messages counted for Prometheus, by channel and reason."""

from collections.abc import Mapping

from services.notifications.texts.policy import DeliveryChannel
from shared.runtime import metrics

_OUTCOMES: Mapping[DeliveryChannel, tuple[str, ...]] = {
    "inbox": ("delivered", "cancelled"),
    "email": ("delivered", "deferred", "failed", "skipped", "cancelled"),
    "sms": ("delivered", "deferred", "failed", "skipped", "cancelled"),
}

# The reasons that operators can do something about. Others appear with the first message.
_REASONS: Mapping[DeliveryChannel, Mapping[str, tuple[str, ...]]] = {
    "email": {
        "deferred": ("smtp_deferred", "smtp_interrupted", "smtp_closed", "mail_unsendable", "too_many_mails"),
        "failed": (
            "address_invalid",
            "contact_unknown",
            "expired",
            "mail_unmakeable",
            "message_unreadable",
            "smtp_deferred",
            "smtp_rejected",
            "unconfirmed",
        ),
    },
    "sms": {
        "deferred": ("sms_deferred", "sms_interrupted", "sms_unsendable", "budget_spent", "too_many_sms"),
        "failed": (
            "contact_unknown",
            "expired",
            "sms_deferred",
            "sms_rejected",
            "sms_unmakeable",
            "unconfirmed",
        ),
    },
}

# The counters start at 0. So Prometheus sees the first one as an increase.
for _channel, _outcomes in _OUTCOMES.items():
    metrics.DELIVERIES.begin([_channel], _outcomes, ["none"])
for _channel, _reasons in _REASONS.items():
    for _outcome, _codes in _reasons.items():
        metrics.DELIVERIES.begin([_channel], [_outcome], _codes)


def count(channel: DeliveryChannel, outcome: str, reason: str | None, messages: int = 1) -> None:
    """
    Count messages with this outcome: a state, or "deferred" for a mail that will be tried again.

    Args:
        reason: the stable code of the outcome, if it has one.
    """
    metrics.DELIVERIES.labels(channel, outcome, reason or "none").inc(messages)
