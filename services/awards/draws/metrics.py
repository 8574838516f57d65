"""What `kepu_draws_total` counts: what was done with draws."""

from typing import Literal, get_args

from shared.runtime import metrics

Step = Literal["announced", "held", "moved", "replaced"]

# The counters start at 0. So Prometheus sees the first one as an increase.
metrics.DRAWS.begin(get_args(Step))


def count(step: Step) -> None:
    """Count a step of a draw, once it is stored."""
    metrics.DRAWS.labels(step).inc()
