"""The counters that begin with 0 when a process reads a scheme."""

from typing import Final

from services.awards.schemes.rules import Scheme
from shared.contracts.events import AwardKind
from shared.runtime import metrics

CHANGES: Final = ("issued", "revoked")


# The counter starts at 0. So Prometheus sees the first one as an increase.
metrics.ITEMS_FAILED.begin(["schemes"], ["scheme_unreadable"])


def begun(scheme: Scheme) -> Scheme:
    """The scheme, whose counters begin now."""
    begin(scheme.kind, scheme.scheme_id)
    return scheme


def count_unreadable() -> None:
    """Count a scheme that cannot be read."""
    metrics.ITEMS_FAILED.labels("schemes", "scheme_unreadable").inc()


def begin(kind: AwardKind, scheme_id: str) -> None:
    """Make the counters of a scheme that exists."""
    if not metrics.AWARDS.knows("scheme", scheme_id):
        metrics.AWARDS.begin([kind], [scheme_id], CHANGES)
