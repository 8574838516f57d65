"""The outcomes that `kepu_registrations_total` counts."""

from shared.runtime import metrics

OUTCOMES = (
    "held",
    "confirmed",
    "waitlisted",
    "rejected",
    "refused",
    "repeated",
    "promoted",
    "offered",
    "accepted",
    "moved",
    "cancelled",
    "expired",
    "checked_in",
    "reminded",
)

# The counters start at 0. So Prometheus sees the first one as an increase.
metrics.REGISTRATIONS.begin(OUTCOMES)


def count(**counts: int) -> None:
    """Count outcomes, once their transaction is committed."""
    for outcome, number in counts.items():
        if number:
            metrics.REGISTRATIONS.labels(outcome).inc(number)
