"""What `kepu_awards_total` counts: awards by their kind, issued and revoked."""

from typing import Literal, get_args

from shared.contracts.events import AwardKind
from shared.runtime import metrics

Change = Literal["issued", "revoked"]

# The counters start at 0. So Prometheus sees the first one as an increase.
for _kind in get_args(AwardKind):
    for _change in get_args(Change):
        metrics.AWARDS.labels(_kind, _change)


def count(kind: AwardKind, change: Change, awards: int = 1) -> None:
    """Count awards of a kind, once what changed them is stored."""
    metrics.AWARDS.labels(kind, change).inc(awards)
