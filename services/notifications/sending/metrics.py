"""The messages that `kepu_loop_items_failed_total` counts: those that cannot be made, sent or told of."""

from shared.runtime import metrics
from shared.runtime.declared import OTHER

LOOP = "courier"
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
