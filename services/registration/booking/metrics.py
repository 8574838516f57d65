"""The outcomes that `kepu_registrations_total` and `kepu_bookings_total` count."""

from collections.abc import Mapping

from shared.runtime import metrics
from shared.runtime.declared import OTHER

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

# What may become of a request for places.
DECIDED = ("held", "confirmed", "waitlisted", "rejected", "refused", "repeated")

# The counters start at 0. So Prometheus sees the first one as an increase.
metrics.REGISTRATIONS.begin(OUTCOMES)
metrics.BOOKINGS.begin([OTHER], DECIDED)


def count(**counts: int) -> None:
    """Count outcomes, once their transaction is committed."""
    for outcome, number in counts.items():
        if number:
            metrics.REGISTRATIONS.labels(outcome).inc(number)


def begin(activity_id: str) -> None:
    """Make the counters of an activity that exists."""
    if not metrics.BOOKINGS.knows("activity", activity_id):
        metrics.BOOKINGS.begin([activity_id], DECIDED)


def count_bookings(counts: Mapping[tuple[str | None, str], int]) -> None:
    """Count what became of requests for places, by activity; None for sessions that do not exist."""
    for (activity_id, outcome), number in counts.items():
        metrics.BOOKINGS.labels(activity_id or OTHER, outcome).inc(number)
