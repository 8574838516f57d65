"""What `kepu_awards_total` counts: awards by their kind, issued and revoked."""

from typing import Literal, get_args

from shared.contracts.events import AwardKind
from shared.runtime import metrics

Change = Literal["issued", "revoked"]

# The counters start at 0. So Prometheus sees the first one as an increase.
metrics.AWARDS.begin(get_args(AwardKind), get_args(Change))


def count(kind: AwardKind, change: Change, awards: int = 1) -> None:
    """Count awards of a kind, once what changed them is stored."""
    metrics.AWARDS.labels(kind, change).inc(awards)
