"""The counters that begin with 0 when a process reads a scheme."""

from typing import Final

from shared.contracts.events import AwardKind
from shared.runtime import metrics

CHANGES: Final = ("issued", "revoked")


def begin(kind: AwardKind, scheme_id: str) -> None:
    """Make the counters of a scheme that exists."""
    if not metrics.AWARDS.knows("scheme", scheme_id):
        metrics.AWARDS.begin([kind], [scheme_id], CHANGES)
