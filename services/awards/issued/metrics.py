"""What `kepu_awards_total` counts: awards by their kind and scheme, issued and revoked."""

from typing import Literal, get_args

from services.awards.schemes.metrics import begin
from shared.contracts.events import AwardKind
from shared.runtime import metrics
from shared.runtime.declared import OTHER

Change = Literal["issued", "revoked"]

# The counters start at 0. So Prometheus sees the first one as an increase.
metrics.AWARDS.begin(get_args(AwardKind), [OTHER], get_args(Change))


def count(kind: AwardKind, scheme_id: str, change: Change, awards: int = 1) -> None:
    """Count awards of a scheme, once what changed them is stored."""
    begin(kind, scheme_id)
    metrics.AWARDS.labels(kind, scheme_id, change).inc(awards)
