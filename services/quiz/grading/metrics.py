"""The outcomes that `kepu_submissions_graded_total` counts."""

from shared.runtime import metrics

# `rejected`: the submission was refused.
OUTCOMES = ("graded", "repeated", "waiting", "rejected", "erased")

# The counters start at 0. So Prometheus sees the first one as an increase.
metrics.SUBMISSIONS_GRADED.begin(OUTCOMES)


def count(outcome: str, submissions: int = 1) -> None:
    """Count submissions with this outcome."""
    metrics.SUBMISSIONS_GRADED.labels(outcome).inc(submissions)
