"""The verdicts that `kepu_scans_total` counts."""

from collections import Counter
from collections.abc import Iterable
from typing import get_args

from services.registration.check_in.rules import Verdict
from shared.runtime import metrics

# The counters start at 0. So Prometheus sees the first one as an increase.
metrics.SCANS.begin(get_args(Verdict))


def count(verdicts: Iterable[Verdict]) -> None:
    """Count first verdicts, once their transaction is committed. A later upload may still change one."""
    for verdict, number in Counter(verdicts).items():
        metrics.SCANS.labels(verdict).inc(number)
