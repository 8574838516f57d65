"""Messages that cannot be made, sent or told of, and why couriers try again: what the metrics count."""

from typing import Literal, get_args

from shared.runtime import metrics
from shared.runtime.declared import OTHER

LOOP = "courier"
Retried = Literal["unavailable", "server_down"]
CODES = (
    "address_invalid",
    "key_unreadable",
    "mail_unmakeable",
    "mail_unsendable",
    "message_unreadable",
    "sms_unmakeable",
    "sms_unsendable",
    "untellable",
)

# The counters start at 0. So Prometheus sees the first one as an increase.
metrics.ITEMS_FAILED.begin([LOOP], CODES)


def count_failed(code: str | None, messages: int = 1) -> None:
    """Count messages that failed by a fault of their own, and not of a server."""
    metrics.ITEMS_FAILED.labels(LOOP, code or OTHER).inc(messages)


def begin_retries(courier: str) -> None:
    """Make the counters of a courier that tries again."""
    metrics.RETRIES.begin([courier], get_args(Retried))


def count_retry(courier: str, reason: Retried) -> None:
    """Count that a courier tries again."""
    metrics.RETRIES.labels(courier, reason).inc()
